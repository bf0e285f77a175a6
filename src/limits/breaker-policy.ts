import { MAX_TIMER_MS } from "./time.js";

/** Opens after so many failures in a row. */
export interface ConsecutiveBreaker {
  readonly kind: "consecutive";
  readonly failures: number;
}

/** Opens when at least this share (above 0, at most 1) of the calls of the last `windowMs` failed, and there were enough of them. */
export interface SamplingBreaker {
  readonly kind: "sampling";
  readonly threshold: number;
  readonly windowMs: number;
  readonly minimumCalls: number;
}

/** Opens when at least this share (above 0, at most 1) of the last `size` calls failed, and there were enough of them. */
export interface CountBreaker {
  readonly kind: "count";
  readonly size: number;
  readonly threshold: number;
  readonly minimumCalls: number;
}

/** The short form of a `consecutive` breaker. */
export interface ShortBreaker {
  readonly kind?: never;
  readonly consecutiveFailures: number;
}

interface HalfOpening {
  /** How long it stays open before one call is let through. */
  readonly halfOpenAfterMs: number;
}

/** When a breaker opens, and how long it stays open. */
export type BreakerPolicy = (ConsecutiveBreaker | SamplingBreaker | CountBreaker) & HalfOpening;

/** What stands in an agent's limits. */
export type BreakerLimits = BreakerPolicy | (ShortBreaker & HalfOpening);

type Defaulted<Breaker extends { readonly kind: string }> = Pick<Breaker, "kind"> & Partial<Omit<Breaker, "kind"> & HalfOpening>;

/** A breaker with the defaults left out; what has no `kind` is the short form. */
export type BreakerDefinition =
  | Defaulted<ConsecutiveBreaker>
  | Defaulted<SamplingBreaker>
  | Defaulted<CountBreaker>
  | Partial<ShortBreaker & HalfOpening>;

export const DEFAULT_BREAKER = Object.freeze({ consecutiveFailures: 5, halfOpenAfterMs: 60_000 }) satisfies BreakerLimits;

const DEFAULTS = {
  consecutive: { failures: DEFAULT_BREAKER.consecutiveFailures },
  sampling: { threshold: 0.5, windowMs: 60_000, minimumCalls: 10 },
  count: { threshold: 0.5, size: 20, minimumCalls: 10 },
} as const;

/** What is left out is as in `base` where that is of the same kind, and has its own default otherwise. */
export function breakerWithDefaults(definition: BreakerDefinition = {}, base: BreakerLimits = DEFAULT_BREAKER): BreakerLimits {
  const known = policyOf(base);
  const { halfOpenAfterMs } = known;
  if (definition.kind === undefined) {
    const { consecutiveFailures, ...timing } = definition;
    return Object.freeze(consecutiveFailures === undefined ? { ...base, ...timing } : { halfOpenAfterMs, ...timing, consecutiveFailures });
  }
  switch (definition.kind) {
    case "consecutive":
      return Object.freeze({ ...(known.kind === "consecutive" ? known : { ...DEFAULTS.consecutive, halfOpenAfterMs }), ...definition });
    case "sampling":
      return Object.freeze({ ...(known.kind === "sampling" ? known : { ...DEFAULTS.sampling, halfOpenAfterMs }), ...definition });
    case "count":
      return Object.freeze({ ...(known.kind === "count" ? known : { ...DEFAULTS.count, halfOpenAfterMs }), ...definition });
  }
}

export function policyOf(limits: BreakerLimits): BreakerPolicy {
  if (limits.kind !== undefined) return limits;
  return { kind: "consecutive", failures: limits.consecutiveFailures, halfOpenAfterMs: limits.halfOpenAfterMs };
}

/** A ring is kept as one letter for each call, and read before each of them. */
const MAX_SIZE = 1_000;

/** What is wrong with a breaker's limits, or undefined when they can be used. */
export function breakerProblem(limits: BreakerLimits): string | undefined {
  const { halfOpenAfterMs, ...policy } = policyOf(limits);
  if (!(halfOpenAfterMs >= 0 && halfOpenAfterMs <= MAX_TIMER_MS)) return "breaker.halfOpenAfterMs must be 0 or more and below 2^31";
  switch (policy.kind) {
    case "consecutive":
      if (policy.failures > 0) return undefined;
      return `breaker.${limits.kind ? "failures" : "consecutiveFailures"} must be positive`;
    case "sampling":
      if (!(policy.windowMs > 0 && policy.windowMs <= MAX_TIMER_MS)) return "breaker.windowMs must be positive and below 2^31";
      return shareProblem(policy);
    case "count":
      if (!(Number.isSafeInteger(policy.size) && policy.size > 0 && policy.size <= MAX_SIZE))
        return `breaker.size must be a whole number from 1 to ${MAX_SIZE}`;
      if (policy.minimumCalls > policy.size) return "breaker.minimumCalls must not be above breaker.size, or it never opens";
      return shareProblem(policy);
    default:
      return 'breaker.kind must be "consecutive", "sampling" or "count"';
  }
}

function shareProblem({ threshold, minimumCalls }: Pick<CountBreaker, "threshold" | "minimumCalls">): string | undefined {
  if (!(threshold > 0 && threshold <= 1)) return "breaker.threshold must be above 0 and at most 1";
  return minimumCalls >= 1 ? undefined : "breaker.minimumCalls must be 1 or more";
}
