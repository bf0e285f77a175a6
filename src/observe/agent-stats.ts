import type { RunEvent } from "../contracts/event.js";
import { type Percentiles, percentilesOf } from "./percentiles.js";

/** What one agent, or one of its tiers, was asked in a time. */
export interface AgentStats {
  readonly agent: string;
  /** Undefined for an agent without tiers. */
  readonly tier: string | undefined;
  /** Rounds of work that came to an answer or to a failure; the attempts of one round are one call. The branches of a fan-out count one by one. */
  readonly calls: number;
  /** Those that came to a failure, also where a lower tier answered then. */
  readonly failed: number;
  /** Of the answers, each from when the round began: its waiting, its attempts and the tiers that failed before are included. */
  readonly latencyMs: Percentiles | undefined;
}

/** What calls are counted by. */
export const CALL_EVENTS = ["agent.completed", "agent.failed", "agent.degraded"] as const;

export type CallEvent = Extract<RunEvent, { readonly type: (typeof CALL_EVENTS)[number] }>;

/** What one agent or tier has come to; that of branches stands by itself. */
interface Tally {
  readonly agent: string;
  readonly tier: string | undefined;
  readonly isBranch: boolean;
  readonly latencies: number[];
  failed: number;
}

/** Counts what became of calls; the stand-in for an agent (a fallback, a human) is no call of it. */
export class AgentTallies {
  readonly #tallies = new Map<string, Tally>();

  add(event: CallEvent): void {
    switch (event.type) {
      case "agent.completed":
        if (event.source === "agent" || event.tier !== undefined) this.#of(event.agent, event.tier).latencies.push(event.durationMs);
        return;
      case "agent.failed":
        this.#of(event.agent, event.tier).failed++;
        return;
      case "agent.degraded":
        this.#of(event.agent, event.from).failed++;
    }
  }

  /** By agent, the tiers in the order in which they were first heard of. */
  stats(): readonly AgentStats[] {
    const all = [...this.#tallies.values()];
    const fannedOut = new Set(all.filter(({ isBranch }) => isBranch).map(({ agent }) => agent));
    return all
      .filter(({ agent, isBranch }) => isBranch || !fannedOut.has(agent)) // putting the branches together is no call
      .map(({ agent, tier, latencies, failed }) => ({
        agent,
        tier,
        calls: latencies.length + failed,
        failed,
        latencyMs: percentilesOf(latencies),
      }))
      .sort((a, b) => (a.agent < b.agent ? -1 : Number(a.agent > b.agent)));
  }

  #of(step: string, tier: string | undefined): Tally {
    const agent = step.replace(/\[\d+\]$/, "");
    const isBranch = agent !== step;
    const key = JSON.stringify([agent, tier, isBranch]);
    const known = this.#tallies.get(key);
    if (known) return known;
    const tally = { agent, tier, isBranch, latencies: [], failed: 0 };
    this.#tallies.set(key, tally);
    return tally;
  }
}
