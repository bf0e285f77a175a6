import { setImmediate } from "node:timers"; // by import, so that fake timers do not stop it
import { vi } from "vitest";
import {
  type BreakerDefinition,
  type BreakerState,
  DEFAULT_LIMITS,
  type Limits,
  type RunEventBody,
  type Store,
  sqliteStore,
  type WalkbackError,
} from "walkback";
import { breakerWithDefaults } from "../../src/limits/breaker-policy.js";
import { type Attempt, type CallSite, guard, type SharedPlaces } from "../../src/limits/guard.js";

type LimitsChange = Partial<Omit<Limits, "breaker" | "backoff">> & {
  readonly breaker?: BreakerDefinition;
  readonly backoff?: Partial<Limits["backoff"]>;
};

interface Surroundings {
  readonly random?: () => number;
  /** A store of its own in memory when left out. */
  readonly store?: Store;
  readonly tier?: string;
  readonly shared?: SharedPlaces | undefined;
}

let guards = 0;

/** The guard of an agent called pay-out, with all that it emitted. One call is one attempt unless `retries` says more. */
export function aGuard({ random = () => 0.5, store = sqliteStore(":memory:"), tier, shared, ...change }: LimitsChange & Surroundings = {}) {
  const limits: Limits = {
    ...DEFAULT_LIMITS,
    retries: 0,
    ...change,
    breaker: breakerWithDefaults(change.breaker),
    backoff: { ...DEFAULT_LIMITS.backoff, ...change.backoff },
  };
  const guarded = guard({
    agent: "pay-out",
    tier,
    limits,
    cells: store.limits,
    holder: `guard-${++guards}`,
    now: () => new Date(),
    random,
    shared,
  });
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
  let over = false;
  setTimeout(() => {
    over = true;
  }, ms);
  await written();
  while (!over) {
    await vi.advanceTimersToNextTimerAsync();
    await written();
  }
}

/** Until the store has written what is queued, and what that leads to. */
export async function written(): Promise<void> {
  for (let turns = 0; turns < 5; turns++) await new Promise<void>((resolve) => setImmediate(resolve));
}
