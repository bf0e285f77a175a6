import { type BreakerLimits, DEFAULT_BREAKER } from "./breaker-policy.js";

export { MAX_TIMER_MS } from "./time.js";

/** What one agent may take. All durations in milliseconds. */
export interface Limits {
  /** For one attempt. */
  readonly timeoutMs: number;
  /** Further attempts after the first, for failures the error table calls retryable. */
  readonly retries: number;
  /** Full jitter: the wait before retry n is random below `min(maxMs, initialMs * 2^(n - 1))`. */
  readonly backoff: { readonly initialMs: number; readonly maxMs: number };
  /** When the agent is not called any more; shared by all processes on the store. */
  readonly breaker: BreakerLimits;
  /** Calls of this agent at one time, over all runs of this process. */
  readonly maxConcurrent: number;
  /** Calls that may wait for a place before `BULKHEAD_FULL`. */
  readonly maxWaiting: number;
}

export const DEFAULT_LIMITS: Limits = Object.freeze({
  timeoutMs: 30_000,
  retries: 2,
  backoff: Object.freeze({ initialMs: 200, maxMs: 5_000 }),
  breaker: DEFAULT_BREAKER,
  maxConcurrent: 64,
  maxWaiting: 10_000,
});
