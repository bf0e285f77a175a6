import type { Breaker, Breakers } from "../limits/breaker-book.js";
import { type BudgetReport, timeOf } from "../limits/budget-report.js";
import { DAY_MS } from "../limits/time.js";
import { type ObservedStats, observedStats } from "../observe/stats.js";
import type { Parts } from "./parts.js";
import type { Queue, QueueState } from "./queue-door.js";

export interface StatsOptions {
  /** From when on, a date or ISO 8601; the last 24 hours when left out. */
  readonly since?: Date | string | undefined;
}

/**
 * Health by numbers, of all processes on the store. Runs count by when they were accepted, all else by when it happened; queue
 * and breakers are as they stand now.
 */
export interface Stats extends ObservedStats {
  /** ISO 8601. */
  readonly at: string;
  readonly since: string;
  /** Tokens and money, by agent, model and tenant. */
  readonly spend: BudgetReport["spend"];
  readonly queue: QueueState & {
    /** Of those that wait now. */
    readonly longestWaitMs: number | undefined;
  };
  readonly breakers: readonly Breaker[];
}

/** Throws `OPTION_INVALID` when `since` is no time. */
export async function statsOf(
  { store, runtime }: Parts,
  { queue, breakers }: { readonly queue: Queue; readonly breakers: Breakers },
  options: StatsOptions,
): Promise<Stats> {
  const now = runtime.now();
  const since = timeOf("since", options.since ?? now.getTime() - DAY_MS);
  const observed = await observedStats(store, since);
  const state = queue.state();
  const waits = state.waiting.map(({ oldestAcceptedAt }) => Math.max(0, now.getTime() - Date.parse(oldestAcceptedAt)));
  return {
    at: now.toISOString(),
    since,
    ...observed,
    spend: runtime.meter.report({ since }).spend,
    queue: { ...state, longestWaitMs: waits.length === 0 ? undefined : Math.max(...waits) },
    breakers: breakers.list(),
  };
}
