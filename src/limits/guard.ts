import { setMaxListeners } from "node:events";
import { isGraphBubbleUp } from "@langchain/langgraph";
import {
  BrokenCircuitError,
  BulkheadRejectedError,
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
import {
  Aborted,
  AgentFailed,
  AgentTimeout,
  AgentUnavailable,
  BreakerOpen,
  BulkheadFull,
  isError,
  isWalkbackError,
  messageOf,
  type WalkbackError,
} from "../contracts/failure.js";

/** What one agent may take. All durations in milliseconds. */
export interface Limits {
  /** For one attempt. */
  readonly timeoutMs: number;
  /** Further attempts after the first, for failures the error table calls retryable. */
  readonly retries: number;
  /** Full jitter: the wait before retry n is random below `min(maxMs, initialMs * 2^(n - 1))`. */
  readonly backoff: { readonly initialMs: number; readonly maxMs: number };
  readonly breaker: { readonly consecutiveFailures: number; readonly halfOpenAfterMs: number };
  /** Calls of this agent at one time, over all runs of this process. */
  readonly maxConcurrent: number;
  /** Calls that may wait for a place before `BULKHEAD_FULL`. */
  readonly maxWaiting: number;
}

export const DEFAULT_LIMITS: Limits = Object.freeze({
  timeoutMs: 30_000,
  retries: 2,
  backoff: Object.freeze({ initialMs: 200, maxMs: 5_000 }),
  breaker: Object.freeze({ consecutiveFailures: 5, halfOpenAfterMs: 60_000 }),
  maxConcurrent: 64,
  maxWaiting: 10_000,
});

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
      try {
        const guarded = places.execute(() =>
          again.execute(({ attempt: retries }) => {
            if (site.signal.aborted) throw aborted(agent);
            return throughBreaker(site, () => attempt(site, retries + 1, work));
          }, site.signal),
        );
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
      seen = state;
      if (state === CircuitState.Open)
        site.emit({ type: "breaker.opened", agent, consecutiveFailures: limits.breaker.consecutiveFailures });
      else if (state === CircuitState.HalfOpen) site.emit({ type: "breaker.half-opened", agent });
      else site.emit({ type: "breaker.closed", agent });
    },
  };
}

function stateName(state: CircuitState): BreakerState {
  if (state === CircuitState.Closed) return "closed";
  return state === CircuitState.HalfOpen ? "half-open" : "open";
}

/** LangGraph's own test fails on null, which an agent may throw as well. */
function isBubbleUp(thrown: unknown): boolean {
  return thrown !== null && isGraphBubbleUp(thrown);
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

/** Whatever was thrown, as one of our errors. */
function classify(agent: string, thrown: unknown, signal: AbortSignal, limits: Limits): WalkbackError {
  if (signal.aborted) return aborted(agent);
  if (isWalkbackError(thrown)) return thrown;
  if (thrown instanceof TaskCancelledError) {
    const { timeoutMs } = limits;
    return new AgentTimeout(`${agent} did not answer within ${timeoutMs} ms. Raise limits.timeoutMs if that is normal for it.`, {
      agent,
      timeoutMs,
    });
  }
  if (thrown instanceof BrokenCircuitError) return breakerOpen(agent, limits);
  if (thrown instanceof BulkheadRejectedError) {
    const { maxConcurrent, maxWaiting } = limits;
    return new BulkheadFull(`${agent} has ${maxConcurrent} calls running and ${maxWaiting} waiting. Try again later or raise its limits.`, {
      agent,
      maxConcurrent,
      maxWaiting,
    });
  }
  return errorOf(agent, thrown);
}

function errorOf(agent: string, thrown: unknown): WalkbackError {
  if (isTransient(thrown))
    return new AgentUnavailable(`${agent} could not be reached: ${messageOf(thrown)}.`, { agent }, { cause: thrown });
  return new AgentFailed(`${agent} threw: ${messageOf(thrown)}.`, { agent }, { cause: thrown });
}

const TRANSIENT_CODES: ReadonlySet<unknown> = new Set([
  "ECONNRESET",
  "ECONNREFUSED",
  "ECONNABORTED",
  "EPIPE",
  "ETIMEDOUT",
  "EAI_AGAIN",
  "ENETUNREACH",
  "EHOSTUNREACH",
  // What lies beneath the "fetch failed" of Node's own fetch.
  "UND_ERR_CONNECT_TIMEOUT",
  "UND_ERR_HEADERS_TIMEOUT",
  "UND_ERR_BODY_TIMEOUT",
  "UND_ERR_SOCKET",
]);
const TRANSIENT_STATUS: ReadonlySet<unknown> = new Set([408, 425, 429, 500, 502, 503, 504, 529]);

/** A system or HTTP client's error that says "later", looked for in the error and what caused it. */
function isTransient(thrown: unknown): boolean {
  for (let current = thrown, depth = 0; isError(current) && depth < 5; current = current.cause, depth++) {
    if ("code" in current && TRANSIENT_CODES.has(current.code)) return true;
    if ("status" in current && TRANSIENT_STATUS.has(current.status)) return true;
  }
  return false;
}

function aborted(agent: string): Aborted {
  return new Aborted(`${agent} was stopped because its run failed or was canceled.`, { agent });
}

function breakerOpen(agent: string, limits: Limits): BreakerOpen {
  const { halfOpenAfterMs } = limits.breaker;
  return new BreakerOpen(
    `${agent} was not called: it failed ${limits.breaker.consecutiveFailures} times in a row. One call is let through ${halfOpenAfterMs} ms after that.`,
    { agent, halfOpenAfterMs },
  );
}
