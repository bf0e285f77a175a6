import type { SagaAction, SagaScenario } from "./scenario.js";

/** A step, or its undo, that is impossible for good: trying again will not help. */
export class SagaRefused extends Error {
  override readonly name = "SagaRefused";
}

/** The engine's side of the lab. An idempotency key must come from the engine: whether it has one is part of what is judged. */
export interface SagaOutside {
  readonly scenario: SagaScenario;
  /** An empty folder of the engine's own, kept over a restart. */
  readonly folder: string;
  /** The process was killed and is started again. */
  readonly restarted: boolean;
  /** Throws `SagaRefused` when the step is impossible for good. */
  perform(step: string, idempotencyKey?: string): Promise<void>;
  /** Throws `SagaRefused` when the undo is impossible for good. */
  undo(step: string, idempotencyKey?: string): Promise<void>;
  /** Says, as the engine sees it, what could not be undone. */
  report(remaining: readonly string[]): Promise<void>;
}

/** For programs that are judged by `sagaLab`: reads the environment the lab has set, and calls its ledger. */
export function sagaOutside(environment: NodeJS.ProcessEnv = process.env): SagaOutside {
  const { SAGA_SCENARIO, SAGA_LEDGER, SAGA_DIR, SAGA_LIFE } = environment;
  if (!SAGA_SCENARIO || !SAGA_LEDGER || !SAGA_DIR)
    throw new LabMissing("This program is started by sagaLab, which says where the ledger is.");
  const call = async (action: SagaAction, step: string, idempotencyKey?: string) => {
    const headers: Record<string, string> = idempotencyKey === undefined ? {} : { "idempotency-key": idempotencyKey };
    const { ok, status } = await fetch(`${SAGA_LEDGER}/${action}/${step}`, { method: "POST", headers });
    if (!ok) throw new SagaRefused(`The ledger refuses to ${action} ${step} for good (${status}).`);
  };
  return {
    scenario: SAGA_SCENARIO as SagaScenario, // set by the lab
    folder: SAGA_DIR,
    restarted: SAGA_LIFE === "2",
    perform: (step, key) => call("perform", step, key),
    undo: (step, key) => call("undo", step, key),
    async report(remaining) {
      await fetch(`${SAGA_LEDGER}/report`, { method: "POST", body: JSON.stringify({ remaining }) });
    },
  };
}

/** The program was started by somebody else than the lab. */
class LabMissing extends Error {
  override readonly name = "LabMissing";
}
