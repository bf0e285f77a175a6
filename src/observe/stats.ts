import type { Store } from "../checkpoint/ports.js";
import { type AgentStats, AgentTallies, CALL_EVENTS } from "./agent-stats.js";
import { type Percentiles, percentilesOf } from "./percentiles.js";
import { type RunStats, runStats } from "./run-stats.js";

/** What the store says of a time up to now. */
export interface ObservedStats {
  readonly runs: RunStats;
  readonly agents: readonly AgentStats[];
  /** How long those that had their turn had waited for it; undefined when none had to wait. */
  readonly waitedMs: Percentiles | undefined;
}

/** Reads runs and events once, page by page; nothing is kept between two calls. */
export async function observedStats({ runs, events }: Pick<Store, "runs" | "events">, since: string): Promise<ObservedStats> {
  const agents = new AgentTallies();
  const waits: number[] = [];
  for await (const event of events.since(since, [...CALL_EVENTS, "run.begun"])) {
    if (event.type === "run.begun") waits.push(event.waitedMs);
    else agents.add(event);
  }
  return { runs: await runStats(runs.since(since)), agents: agents.stats(), waitedMs: percentilesOf(waits) };
}
