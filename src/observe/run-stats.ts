import type { RunRecord } from "../checkpoint/ports.js";
import { isTerminal, type RunStatus } from "../contracts/run.js";
import { type Percentiles, percentilesOf } from "./percentiles.js";

/** The runs that were accepted in a time, as they stand now. */
export interface RunStats {
  readonly accepted: number;
  readonly byStatus: Readonly<Record<RunStatus, number>>;
  /** Completed, rolled back or canceled. */
  readonly ended: number;
  /** How many of those that have ended were completed, from 0 to 1; undefined while none has ended. */
  readonly successRate: number | undefined;
  /** How many of them had an answer from a lower tier than could have been asked. */
  readonly degraded: number;
  /** The same as a share of those that have ended, from 0 to 1. */
  readonly degradedShare: number | undefined;
  /** From acceptance to the end, waiting for a turn and for humans included. */
  readonly durationMs: Percentiles | undefined;
}

export async function runStats(runs: AsyncIterable<RunRecord>): Promise<RunStats> {
  const byStatus = { queued: 0, running: 0, waiting: 0, completed: 0, "rolled-back": 0, parked: 0, canceled: 0 };
  const durations: number[] = [];
  let accepted = 0;
  let degraded = 0;
  for await (const { status, acceptedAt, endedAt, degraded: isDegraded } of runs) {
    accepted++;
    byStatus[status]++;
    if (!isTerminal(status) || endedAt === undefined) continue;
    durations.push(Math.max(0, Date.parse(endedAt) - Date.parse(acceptedAt)));
    if (isDegraded) degraded++;
  }
  const ended = durations.length;
  const share = (of: number) => (ended === 0 ? undefined : of / ended);
  return {
    accepted,
    byStatus,
    ended,
    successRate: share(byStatus.completed),
    degraded,
    degradedShare: share(degraded),
    durationMs: percentilesOf(durations),
  };
}
