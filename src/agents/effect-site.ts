import type { Agent } from "./agent.js";
import type { RunScope } from "./scope.js";

/** Whose effects: one attempt at one round of a step. */
export interface EffectSite {
  readonly scope: RunScope;
  readonly agent: Agent;
  /** The agent's name, with a fan-out its branch's. */
  readonly step: string;
  /** The agent's tier that works, if it has tiers. */
  readonly tier?: string | undefined;
  readonly round: number;
  /** The round whose recorded calls count. */
  readonly callsRound: number;
  readonly signal: AbortSignal;
  /** 1 for the first. */
  readonly attempt: number;
  readonly attemptStartedAt: Date;
}
