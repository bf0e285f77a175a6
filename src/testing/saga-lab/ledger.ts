import { setTimeout as delay } from "node:timers/promises";
import type { LedgerEntry, SagaAction, SagaOutcome, SagaScenario } from "./scenario.js";

export interface Call {
  readonly action: SagaAction;
  readonly step: string;
  /** The same call under the same key takes effect once. */
  readonly key?: string | undefined;
}

export interface LedgerOptions {
  readonly scenario: SagaScenario;
  /** How long A1 takes. */
  readonly slowMs: number;
}

/**
 * The outside world of one scenario. It honours idempotency keys as a payment provider does, and knows nothing else of
 * sagas: what is asked for without a key, or under another one, takes effect again.
 */
export interface Ledger {
  readonly log: readonly LedgerEntry[];
  /** Resolves when the call is settled, and never for the one whose answer is lost in the crash. */
  take(call: Call): Promise<SagaOutcome>;
  /** Resolves at the moment at which the engine must be killed; never, if the scenario has none. */
  readonly crash: Promise<void>;
  /** From here on the log says `life: 2`. */
  restarted(): void;
  /** Resolves when everything that was asked for is settled. */
  settled(): Promise<void>;
}

type Turn = "refused" | "slow" | "crash";

/** What goes otherwise than well. */
const SCRIPTS: Readonly<Record<SagaScenario, Readonly<Record<string, Turn>>>> = {
  fail: { "perform D": "refused", "undo B": "refused" },
  crash: { "perform D": "refused", "undo B": "crash" },
  parallel: { "perform A1": "slow", "perform A2": "refused" },
};

const REFUSED_AFTER_MS = 20;

export function openLedger({ scenario, slowMs }: LedgerOptions): Ledger {
  const startedAt = performance.now();
  const log: LedgerEntry[] = [];
  const underKey = new Map<string, Promise<SagaOutcome>>();
  const underway = new Set<Promise<SagaOutcome>>();
  const crash = aSignal();
  let life = 1;

  const note = ({ action, step, key }: Call, outcome: SagaOutcome): SagaOutcome => {
    log.push({ action, step, outcome, ...(key === undefined ? {} : { key }), life, atMs: Math.round(performance.now() - startedAt) });
    return outcome;
  };

  /** Happens whether or not anybody still waits for the answer. */
  async function carryOut(call: Call): Promise<SagaOutcome> {
    const turn = SCRIPTS[scenario][nameOf(call)];
    if (turn === "slow") await delay(slowMs);
    if (turn === "refused") {
      await delay(REFUSED_AFTER_MS);
      return note(call, "refused");
    }
    return note(call, "done");
  }

  function settle(call: Call): Promise<SagaOutcome> {
    const id = call.key === undefined ? undefined : `${nameOf(call)} ${call.key}`;
    const before = id === undefined ? undefined : underKey.get(id);
    const answer = before !== undefined ? before.then((outcome) => note(call, outcome === "done" ? "repeated" : outcome)) : carryOut(call);
    if (id !== undefined && before === undefined) underKey.set(id, answer);
    underway.add(answer);
    void answer.then(() => underway.delete(answer));
    return answer;
  }

  return {
    log,
    crash: crash.given,
    async take(call) {
      const fatal = life === 1 && SCRIPTS[scenario][nameOf(call)] === "crash";
      const outcome = await settle(call);
      if (!fatal) return outcome;
      crash.give();
      return new Promise(() => {});
    },
    restarted() {
      life = 2;
    },
    async settled() {
      while (underway.size > 0) await Promise.all(underway);
    },
  };
}

function nameOf({ action, step }: Call): string {
  return `${action} ${step}`;
}

function aSignal() {
  let give = () => {};
  const given = new Promise<void>((resolve) => {
    give = resolve;
  });
  return { given, give };
}
