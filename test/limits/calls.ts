import { vi } from "vitest";
import { type BreakerState, DEFAULT_LIMITS, type Limits, type RunEventBody, type WalkbackError } from "walkback";
import { type Attempt, type CallSite, guard } from "../../src/limits/guard.js";

type LimitsChange = Partial<Omit<Limits, "breaker" | "backoff">> & {
  readonly breaker?: Partial<Limits["breaker"]>;
  readonly backoff?: Partial<Limits["backoff"]>;
};

/** The guard of an agent called pay-out, with all that it emitted. One call is one attempt unless `retries` says more. */
export function aGuard({ random = () => 0.5, ...change }: LimitsChange & { readonly random?: () => number } = {}) {
  const limits: Limits = {
    ...DEFAULT_LIMITS,
    retries: 0,
    ...change,
    breaker: { ...DEFAULT_LIMITS.breaker, ...change.breaker },
    backoff: { ...DEFAULT_LIMITS.backoff, ...change.backoff },
  };
  const guarded = guard({ agent: "pay-out", limits, now: () => new Date(), random });
  const events: RunEventBody[] = [];
  const site = (signal = new AbortController().signal): CallSite => ({ signal, round: 0, emit: (event) => events.push(event) });
  return {
    limits,
    events,
    /** The events about the breaker alone, by their types. */
    transitions: () => events.map(({ type }) => type).filter((type) => type.startsWith("breaker.")),
    breakerState: (): BreakerState => guarded.breakerState(),
    call: <T>(work: (attempt: Attempt) => Promise<T>, signal?: AbortSignal): Promise<T> => guarded.call(site(signal), work),
    /** Calls it and returns what it was rejected with. */
    failing: async (work: (attempt: Attempt) => Promise<unknown>, signal?: AbortSignal): Promise<WalkbackError> => {
      return guarded.call(site(signal), work).then(
        () => Promise.reject(new Error("the call was expected to fail")),
        (thrown: WalkbackError) => thrown,
      );
    },
  };
}

/** Work that takes a while, on fake timers. */
export function takes<T>(ms: number, answer: T): () => Promise<T> {
  return () => new Promise((resolve) => setTimeout(() => resolve(answer), ms));
}

/** Work that never ends and looks at no signal. */
export const hangs = (): Promise<never> => new Promise(() => {});

export function throws(thrown: unknown): () => Promise<never> {
  return async () => {
    throw thrown;
  };
}

/** Lets this much time pass, and everything that was due in it happen. */
export async function tick(ms = 0): Promise<void> {
  await vi.advanceTimersByTimeAsync(ms);
}
