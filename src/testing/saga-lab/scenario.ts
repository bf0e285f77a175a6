/**
 * The three ways to get a saga wrong. A saga performs its steps and, when one fails, undoes what it has done.
 *
 * - `fail`: A, B, C, then D. D is refused for good, and so is the undo of B
 * - `crash`: A, B, C, then D. D is refused; the first undo of B takes effect and the process is killed before the answer
 * - `parallel`: A1 beside A2. A2 is refused while A1 is still under way
 */
export const SAGA_SCENARIOS = ["fail", "crash", "parallel"] as const;

export type SagaScenario = (typeof SAGA_SCENARIOS)[number];

export type SagaAction = "perform" | "undo";

/**
 * `done`: it took effect. `repeated`: it was done before under the same key, so it was not done again. `refused`: it is
 * impossible for good.
 */
export type SagaOutcome = "done" | "repeated" | "refused";

/** One line of the ledger's log: something that was asked of the outside world, at the moment it was settled. */
export interface LedgerEntry {
  readonly action: SagaAction;
  readonly step: string;
  readonly outcome: SagaOutcome;
  /** The idempotency key it came with. */
  readonly key?: string;
  /** 1 until the engine was killed, 2 after its restart. */
  readonly life: number;
  /** Since the scenario began. */
  readonly atMs: number;
}

/** What the engine says of itself. Never needed, and checked against the ledger. */
export interface SagaReport {
  /** The steps it could not undo. */
  readonly remaining: readonly string[];
}
