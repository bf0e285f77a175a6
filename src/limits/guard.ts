import { setMaxListeners } from "node:events";
import {
  BrokenCircuitError,
  bulkhead,
  CircuitState,
  ConsecutiveBreaker,
  circuitBreaker,
  DelegateBackoff,
  handleWhen,
  retry,
  TaskCancelledError,
  TimeoutStrategy,
  timeout,
} from "cockatiel";
import type { RunEventBody } from "../contracts/event.js";
import { isWalkbackError } from "../contracts/failure.js";
import { aborted, breakerOpen, classify, errorOf, isBubbleUp } from "./classify.js";
import type { Limits } from "./limits.js";

/** A `retry-after` beyond this is cut: a wrong header must not park an agent for days. */
const MAX_RETRY_AFTER_MS = 30_000;

/** One attempt at an agent's work. */
export interface Attempt {
  /** 1 for the first. */
  readonly number: number;
  /** Aborted when the attempt is over for whatever reason: time is up, the run failed, or it returned. */
  readonly signal: AbortSignal;
}

/** From where a call comes: what stops it, and who hears of it. */
export interface CallSite {
  /** Who is called, where it is not the agent itself: a branch of a fan-out (`name[3]`). */
  readonly step?: string;
  readonly signal: AbortSignal;
  readonly round: number;
  emit(event: RunEventBody): void;
}

export type BreakerState = "closed" | "open" | "half-open";

export interface Guard {
  /** Runs the work inside bulkhead, retry, breaker and timeout. Rejects with a Walkback error, or LangGraph's own bubble-up. */
  call<T>(site: CallSite, work: (attempt: Attempt) => Promise<T>): Promise<T>;
  breakerState(): BreakerState;
}

export interface GuardOptions {
  readonly agent: string;
  readonly limits: Limits;
  readonly now: () => Date;
  /** Uniform in [0, 1). */
  readonly random: () => number;
}

/** The guard of one agent, shared by all runs of this process. */
export function guard({ agent, limits, now, random }: GuardOptions): Guard {
  const counted = new WeakSet<object>();
  const breaker = circuitBreaker(
    handleWhen((thrown) => counted.has(thrown)),
    {
      // A probe that was stopped said nothing: the next call may be one at once.
      halfOpenAfter: new DelegateBackoff(({ result }) =>
        "error" in result && countsAgainstBreaker(result.error) ? limits.breaker.halfOpenAfterMs : 0,
      ),
      breaker: new ConsecutiveBreaker(limits.breaker.consecutiveFailures),
    },
  );
  const places = bulkhead(limits.maxConcurrent, limits.maxWaiting);
  const time = timeout(limits.timeoutMs, TimeoutStrategy.Aggressive);
  const again = retry(
    handleWhen((thrown) => isWalkbackError(thrown) && thrown.retryable),
    { maxAttempts: limits.retries, backoff: new DelegateBackoff((context) => waitMs(context, limits, random)) },
  );
  const transitions = breakerTransitions(agent, limits);

  async function attempt<T>(site: CallSite, number: number, work: (attempt: Attempt) => Promise<T>): Promise<T> {
    const startedAt = now().getTime();
    const { step = agent } = site;
    try {
      return await time.execute(({ signal }) => answer(step, work, { number, signal }), site.signal);
    } catch (thrown) {
      if (isBubbleUp(thrown)) throw thrown;
      const failure = classify(step, thrown, site.signal, limits);
      const durationMs = now().getTime() - startedAt;
      if (failure.code !== "ABORTED")
        site.emit({ type: "agent.attempt-failed", agent: step, round: site.round, attempt: number, durationMs, failure: failure.toJSON() });
      throw failure;
    }
  }

  function throughBreaker<T>(site: CallSite, work: () => Promise<T>): Promise<T> {
    // The others do not wait for the half-open probe: cockatiel would queue them all behind it, and forget their signals.
    if (breaker.state === CircuitState.HalfOpen) return Promise.reject(breakerOpen(agent, limits));
    const probes = breaker.state === CircuitState.Open;
    const call = breaker.execute(() =>
      work().catch((thrown) => {
        // A call from before the breaker opened decides nothing when it fails late: that is up to the probe.
        if (probes ? tellsAgainst(thrown) : countsAgainstBreaker(thrown) && breaker.state === CircuitState.Closed) counted.add(thrown);
        throw thrown;
      }),
    );
    transitions.note(breaker.state, site);
    return call.finally(() => transitions.note(breaker.state, site));
  }

  return {
    async call(site, work) {
      if (site.signal.aborted) throw aborted(agent);
      setMaxListeners(0, site.signal); // all calls of a run listen to one signal; Node takes more than ten for a leak
      let last: unknown;
      const once = async (number: number) => {
        if (site.signal.aborted) throw aborted(agent);
        return throughBreaker(site, () => attempt(site, number, work)).catch((thrown: unknown) => {
          const refused = thrown instanceof BrokenCircuitError ? breakerOpen(agent, limits, last) : thrown;
          last = thrown;
          throw refused;
        });
      };
      try {
        const guarded = places.execute(() => again.execute(({ attempt: retries }) => once(retries + 1), site.signal));
        return await orAborted(guarded, site.signal, agent);
      } catch (thrown) {
        if (isBubbleUp(thrown)) throw thrown;
        const failure = classify(agent, thrown, site.signal, limits);
        if (failure.code === "BREAKER_OPEN") site.emit({ type: "breaker.refused", agent });
        throw failure;
      }
    },
    breakerState: () => stateName(breaker.state),
  };
}

/** The agent's own word, so that nothing it throws is taken for one of the guard's errors, nor its obedience to the signal for a failure. */
async function answer<T>(agent: string, work: (attempt: Attempt) => Promise<T>, attempt: Attempt): Promise<T> {
  try {
    return await work(attempt);
  } catch (thrown) {
    if (isBubbleUp(thrown)) throw thrown;
    if (attempt.signal.aborted) throw new TaskCancelledError();
    throw isWalkbackError(thrown) ? thrown : errorOf(agent, thrown);
  }
}

/** Waiting in the bulkhead or between two attempts ends at once when the run is stopped. */
function orAborted<T>(call: Promise<T>, signal: AbortSignal, agent: string): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const stop = () => reject(aborted(agent));
    signal.addEventListener("abort", stop, { once: true });
    call.then(resolve, reject).finally(() => signal.removeEventListener("abort", stop));
  });
}

function breakerTransitions(agent: string, limits: Limits) {
  let seen = CircuitState.Closed;
  return {
    note(state: CircuitState, site: CallSite): void {
      if (state === seen) return;
      const consecutiveFailures = seen === CircuitState.Closed ? limits.breaker.consecutiveFailures : 1; // of the probe
      seen = state;
      if (state === CircuitState.Open) site.emit({ type: "breaker.opened", agent, consecutiveFailures });
      else if (state === CircuitState.HalfOpen) site.emit({ type: "breaker.half-opened", agent });
      else site.emit({ type: "breaker.closed", agent });
    },
  };
}

function stateName(state: CircuitState): BreakerState {
  if (state === CircuitState.Closed) return "closed";
  return state === CircuitState.HalfOpen ? "half-open" : "open";
}

/** Human interrupts and aborts say nothing about the agent; neither does a refusal of ours. */
function countsAgainstBreaker(thrown: unknown): boolean {
  return isWalkbackError(thrown) && ["AGENT_FAILED", "AGENT_UNAVAILABLE", "AGENT_TIMEOUT", "EFFECT_FAILED"].includes(thrown.code);
}

/** A probe that was stopped proves nothing either, so it must not close the breaker. */
function tellsAgainst(thrown: unknown): boolean {
  return countsAgainstBreaker(thrown) || (isWalkbackError(thrown) && thrown.code === "ABORTED");
}

function waitMs(context: { readonly attempt: number; readonly result: object }, limits: Limits, random: () => number): number {
  const error = "error" in context.result ? context.result.error : undefined;
  const details: object = isWalkbackError(error) && error.code === "AGENT_UNAVAILABLE" ? error.details : {};
  const retryAfterMs = "retryAfterMs" in details ? details.retryAfterMs : undefined;
  if (typeof retryAfterMs === "number") return Math.min(Math.max(retryAfterMs, 0), MAX_RETRY_AFTER_MS);
  return random() * Math.min(limits.backoff.maxMs, limits.backoff.initialMs * 2 ** (context.attempt - 1));
}
