import type { LimitEntry, LimitStore } from "../checkpoint/ports.js";
import type { RunEventBody } from "../contracts/event.js";
import { BreakerOpen } from "../contracts/failure.js";
import type { RunId } from "../contracts/ids.js";
import type { JsonValue } from "../contracts/json-value.js";
import {
  admission,
  type BreakerCell,
  type BreakerState,
  type BreakerTransition,
  enter,
  leave,
  newBreaker,
  type Pass,
  type Step,
  type Verdict,
} from "./breaker.js";
import type { BreakerPolicy } from "./breaker-policy.js";

/** Who calls, and who hears of what became of the breaker. */
export interface BreakerCaller {
  readonly step?: string;
  readonly runId?: RunId | undefined;
  emit(event: RunEventBody): void;
}

/** A breaker as one guard sees it: its state is in the store, shared with all others that go by the same name. */
export interface BreakerGate {
  state(): BreakerState;
  /** One reading of the store. Rejects with `BREAKER_OPEN` when no call may be made; its cause is what an earlier try threw. */
  enter(caller: BreakerCaller, cause?: unknown): Promise<Pass>;
  /** Writes only what changes the breaker. After an answer it does not wait: that joins the commit of what is written next. */
  leave(caller: BreakerCaller, pass: Pass, verdict: Verdict): Promise<void>;
}

export interface BreakerGateOptions {
  readonly agent: string;
  readonly tier?: string | undefined;
  readonly policy: BreakerPolicy;
  /** After that an attempt is cut. */
  readonly timeoutMs: number;
  readonly cells: LimitStore;
  /** Names this process. */
  readonly holder: string;
  readonly now: () => Date;
}

/** Besides its time, what a probe may take to be written down before its process is taken for dead. */
const PROBE_MARGIN_MS = 10_000;

export function breakerGate({ agent, tier, policy, timeoutMs, cells, holder, now }: BreakerGateOptions): BreakerGate {
  const name = breakerName(agent, tier);
  const key = breakerKey(name);
  const named = { agent, ...(tier === undefined ? {} : { tier }) };
  let calls = 0;
  const time = () => now().getTime();
  // Nobody else writes under these keys.
  const current = () => (cells.read([key])[0] as BreakerCell | undefined) ?? newBreaker(policy.kind, time());

  const change = async <S extends Step>(caller: BreakerCaller, evolve: (cell: BreakerCell) => S): Promise<S> => {
    const step = await cells.change([key], ([before]) => {
      const evolved = evolve((before as BreakerCell | undefined) ?? newBreaker(policy.kind, time()));
      return changeOf(name, evolved, { at: now().toISOString(), runId: caller.runId, by: caller.step ?? agent });
    });
    if (step.transition) caller.emit({ ...eventOf(step.transition), ...named });
    return step;
  };
  const refuse = (caller: BreakerCaller, cell: BreakerCell, cause: unknown) => {
    caller.emit({ type: "breaker.refused", ...named });
    return breakerOpen(name, named, cell, cause);
  };

  return {
    state: () => current().state,
    async enter(caller, cause) {
      const cell = current();
      const admitted = admission(cell, time());
      if (admitted === "call") return { epoch: cell.epoch };
      if (admitted === "refuse") throw refuse(caller, cell, cause);
      const probe = { holder: `${holder}/${++calls}`, lapsesAfterMs: timeoutMs + PROBE_MARGIN_MS };
      const entered = await change(caller, (found) => enter(found, { ...probe, now: time() }));
      if (entered.pass) return entered.pass;
      throw refuse(caller, entered.cell, cause);
    },
    async leave(caller, pass, verdict) {
      const tells = verdict === "answered" || verdict === "failed";
      if (!tells && pass.probe === undefined) return;
      // What a call came to counts for more than what is remembered of it; a store that fails is noticed by the run's next write.
      const written = change(caller, (cell) => leave(cell, pass, verdict, policy, time())).catch(() => {});
      if (verdict !== "answered" || pass.probe !== undefined) await written;
    },
  };
}

export function breakerName(agent: string, tier: string | undefined): string {
  return tier === undefined ? agent : `${agent}/${tier}`;
}

export const BREAKER_KEYS = "breaker/";

/** Of the cell and of the log. */
export function breakerKey(name: string): string {
  return `${BREAKER_KEYS}${name}`;
}

/** The change that a step makes in the store, and in the log where the state is another one. */
export function changeOf<S extends Step>(
  name: string,
  step: S,
  { at, runId, by }: { readonly at: string; readonly runId?: RunId | undefined; readonly by: string },
) {
  const { cell, transition } = step;
  const entry = transition && { kind: "breaker" as const, key: breakerKey(name), runId, body: { ...transition, by }, at };
  // A cell is plain JSON; only its type, an interface, does not say so.
  return { cells: [cell as unknown as JsonValue], entries: entry ? [entry satisfies LimitEntry] : [], result: step };
}

type TransitionEvent =
  | { readonly type: "breaker.opened"; readonly why: string }
  | { readonly type: "breaker.half-opened" | "breaker.closed" };

function eventOf({ to, why }: BreakerTransition): TransitionEvent {
  if (to === "open") return { type: "breaker.opened", why };
  return { type: to === "half-open" ? "breaker.half-opened" : "breaker.closed" };
}

function breakerOpen(
  name: string,
  named: { readonly agent: string; readonly tier?: string },
  cell: BreakerCell,
  cause: unknown,
): BreakerOpen {
  const { why, halfOpenAfterMs } = cell.state === "half-open" ? cell.opening : { halfOpenAfterMs: null, why: "", ...cell };
  const next = halfOpenAfterMs === null ? "It stays open until it is reset" : `One call is let through ${halfOpenAfterMs} ms after that`;
  const message = `${name} was not called, its breaker is open: ${why}. ${next}; see walkback breakers.`;
  return new BreakerOpen(message, { ...named, halfOpenAfterMs }, { cause });
}
