import { EffectInvalid } from "../contracts/failure.js";
import { MAX_TIMER_MS } from "../limits/limits.js";

/**
 * What can be known about an effect whose answer was lost:
 * `keyed`: the other side honours the idempotency key, so it is sent again under the same one;
 * `findable`: the other side can be asked, so it is looked up before it is sent again;
 * `opaque`: nobody can tell, so it is never repeated.
 */
export type EffectKind = "keyed" | "findable" | "opaque";

export interface PerformContext {
  /** The same for every try at the same intent. */
  readonly idempotencyKey: string;
  readonly signal: AbortSignal;
}

export interface UndoContext {
  /** The undo's own key, the same for every try. */
  readonly idempotencyKey: string;
  /** The key under which the effect was performed. */
  readonly performedUnder: string;
  readonly signal: AbortSignal;
}

/** One thing done to the world outside. Arguments and receipts are plain JSON: they are written down. */
export interface Effect<Name extends string = string, Args = unknown, Receipt = unknown> {
  readonly name: Name;
  readonly kind: EffectKind;
  /** What the effect means to the business: two calls with the same identity are one intent. */
  identity(args: Args): string;
  perform(args: Args, context: PerformContext): Promise<Receipt>;
  /**
   * May run twice, and may run although the effect never happened (then without a receipt); both must end well. Missing
   * only where nothing is to be undone: for a pivot, an irreversible effect, and what comes after one.
   */
  undo?(done: { readonly args: Args; readonly receipt: Receipt | undefined }, context: UndoContext): Promise<void>;
  /** For `findable` effects: the receipt if it happened, undefined if it did not. */
  find?(args: Args, context: PerformContext): Promise<Receipt | undefined>;
  /** For one try at performing or undoing it, in milliseconds. */
  readonly timeoutMs: number;
  /** The point of no return: once it is performed the run is carried forward, never back. */
  readonly pivot: boolean;
  /** Performed only after a human approved these very arguments; a point of no return as well. */
  readonly irreversible: boolean;
  /** How long an approval holds, in milliseconds. */
  readonly approvalTtlMs: number;
}

export type EffectDefinition<Name extends string, Args, Receipt> = Pick<
  Effect<Name, Args, Receipt>,
  "name" | "identity" | "perform" | "undo" | "find"
> & {
  readonly kind?: EffectKind;
  readonly timeoutMs?: number;
  readonly pivot?: boolean;
  readonly irreversible?: boolean;
  readonly approvalTtlMs?: number;
};

const EFFECT_NAME = /^[a-z][a-z0-9-]*$/;

const DAY_MS = 24 * 60 * 60 * 1000;

/** Defines an effect; `keyed` unless said otherwise, 10 s a try, approvals hold a day. Throws `EFFECT_INVALID`. */
export function defineEffect<const Name extends string, Args, Receipt>(
  definition: EffectDefinition<Name, Args, Receipt>,
): Effect<Name, Args, Receipt> {
  const { name, kind = "keyed", timeoutMs = 10_000, pivot = false, irreversible = false, approvalTtlMs = DAY_MS } = definition;
  const refuse = (reason: string) => {
    throw new EffectInvalid(`Effect "${name}" is not valid: ${reason}.`, { effect: name, reason });
  };
  if (!EFFECT_NAME.test(name)) refuse("its name must be lower case letters, digits and dashes");
  if (kind === "findable" && !definition.find) refuse("a findable effect needs a find function");
  if (!(timeoutMs > 0 && timeoutMs <= MAX_TIMER_MS)) refuse("timeoutMs must be positive and below 2^31");
  if (!(approvalTtlMs > 0)) refuse("approvalTtlMs must be positive");
  if (definition.undo && (pivot || irreversible)) refuse("a point of no return has no undo; leave out pivot or irreversible, or the undo");
  return Object.freeze({ ...definition, kind, timeoutMs, pivot, irreversible, approvalTtlMs });
}

/** No way back past it. */
export function isPivot(effect: Pick<Effect, "pivot" | "irreversible">): boolean {
  return effect.pivot || effect.irreversible;
}

/** The name that stands in the journal for an agent's own `compensate`. */
export const WORK_EFFECT = "work";

/** Names one intent for ever: the run, who, what, its business identity, and how often it was undone before. */
export function effectKey(runId: string, step: string, effect: string, identity: string, generation: number): string {
  return [runId, step, effect, encodeURIComponent(identity), generation].join("/");
}
