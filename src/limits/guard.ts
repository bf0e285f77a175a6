import { setMaxListeners } from "node:events";
import { type BulkheadPolicy, bulkhead, DelegateBackoff, handleWhen, retry, TaskCancelledError, TimeoutStrategy, timeout } from "cockatiel";
import type { LimitStore } from "../checkpoint/ports.js";
import { isWalkbackError } from "../contracts/failure.js";
import type { BreakerState } from "./breaker.js";
import { type BreakerCaller, breakerGate } from "./breaker-gate.js";
import { policyOf } from "./breaker-policy.js";
import { aborted, classify, errorOf, isBubbleUp, verdictOf } from "./classify.js";
import type { Limits } from "./limits.js";
import { retryAfterMs } from "./retry-after.js";

/** One attempt at an agent's work. */
export interface Attempt {
  /** 1 for the first. */
  readonly number: number;
  /** Aborted when the attempt is over for whatever reason: time is up, the run failed, or it returned. */
  readonly signal: AbortSignal;
}

/** From where a call comes: what stops it, and who hears of it. */
export interface CallSite extends BreakerCaller {
  readonly signal: AbortSignal;
  readonly round: number;
}

export interface Guard {
  /** Runs the work inside bulkhead, retry, breaker and timeout. Rejects with a Walkback error, or LangGraph's own bubble-up. */
  call<T>(site: CallSite, work: (attempt: Attempt) => Promise<T>): Promise<T>;
  breakerState(): BreakerState;
}

export interface GuardOptions {
  readonly agent: string;
  readonly tier?: string | undefined;
  readonly limits: Limits;
  /** Where the breaker is kept. */
  readonly cells: LimitStore;
  /** Names this process among those that share the store. */
  readonly holder: string;
  readonly now: () => Date;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** Held for each attempt, together with the guards of other agents. */
  readonly shared?: SharedPlaces | undefined;
}

export type SharedPlaces = Pick<BulkheadPolicy, "execute">;

/** So many calls at one time over all agents; each waits for its place as long as it takes. */
export function sharedPlaces(most: number | undefined): SharedPlaces | undefined {
  return most === undefined ? undefined : bulkhead(most, Number.POSITIVE_INFINITY);
}

/** The guard of one agent or tier, shared by all runs of this process; its breaker by all processes on the store. */
export function guard({ agent, tier, limits, cells, holder, now, random, shared }: GuardOptions): Guard {
  const { timeoutMs } = limits;
  const breaker = breakerGate({ agent, tier, policy: policyOf(limits.breaker), timeoutMs, cells, holder, now });
  const places = bulkhead(limits.maxConcurrent, limits.maxWaiting);
  const time = timeout(timeoutMs, TimeoutStrategy.Aggressive);
  const again = retry(
    handleWhen((thrown) => isWalkbackError(thrown) && thrown.retryable),
    { maxAttempts: limits.retries, backoff: new DelegateBackoff((context) => waitMs(context, limits, { random, now })) },
  );

  async function attempt<T>(site: CallSite, number: number, work: (attempt: Attempt) => Promise<T>): Promise<T> {
    const startedAt = now().getTime();
    const { step = agent } = site;
    try {
      return await time.execute(({ signal }) => {
        setMaxListeners(0, signal); // an agent may have as much under way at one time as it likes
        return answer(step, work, { number, signal });
      }, site.signal);
    } catch (thrown) {
      if (isBubbleUp(thrown)) throw thrown;
      const failure = classify({ agent: step, tier }, thrown, site.signal, limits);
      const durationMs = now().getTime() - startedAt;
      if (failure.code !== "ABORTED")
        site.emit({
          type: "agent.attempt-failed",
          agent: step,
          round: site.round,
          tier,
          attempt: number,
          durationMs,
          failure: failure.toJSON(),
        });
      throw failure;
    }
  }

  async function throughBreaker<T>(site: CallSite, before: unknown, work: () => Promise<T>): Promise<T> {
    const pass = await breaker.enter(site, before);
    try {
      if (site.signal.aborted) throw aborted(agent);
      const answered = await work();
      await breaker.leave(site, pass, "answered");
      return answered;
    } catch (thrown) {
      await breaker.leave(site, pass, verdictOf(thrown));
      throw thrown;
    }
  }

  return {
    async call(site, work) {
      if (site.signal.aborted) throw aborted(agent);
      setMaxListeners(0, site.signal); // all calls of a run listen to one signal; Node takes more than ten for a leak
      let last: unknown;
      const once = async (number: number) => {
        if (site.signal.aborted) throw aborted(agent);
        return throughBreaker(site, last, () => attempt(site, number, work)).catch((thrown: unknown) => {
          last = thrown;
          throw thrown;
        });
      };
      const placed = (number: number) => (shared ? shared.execute(() => once(number)) : once(number));
      try {
        const guarded = places.execute(() => again.execute(({ attempt: retries }) => placed(retries + 1), site.signal));
        return await orAborted(guarded, site.signal, agent);
      } catch (thrown) {
        if (isBubbleUp(thrown)) throw thrown;
        throw classify({ agent, tier }, thrown, site.signal, limits);
      }
    },
    breakerState: breaker.state,
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

function waitMs(
  { attempt, result }: { readonly attempt: number; readonly result: object },
  { backoff }: Limits,
  { random, now }: Pick<GuardOptions, "random" | "now">,
): number {
  const asked = "error" in result ? retryAfterMs(result.error, now().getTime()) : undefined;
  return asked ?? random() * Math.min(backoff.maxMs, backoff.initialMs * 2 ** (attempt - 1));
}
