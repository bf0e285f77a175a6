import { isGraphBubbleUp } from "@langchain/langgraph";
import { BulkheadRejectedError, TaskCancelledError } from "cockatiel";
import {
  Aborted,
  AgentFailed,
  AgentTimeout,
  AgentUnavailable,
  BulkheadFull,
  isError,
  isOurs,
  isWalkbackError,
  sentenceOf,
  type WalkbackError,
} from "../contracts/failure.js";
import type { Verdict } from "./breaker.js";
import type { Limits } from "./limits.js";

interface Caller {
  readonly agent: string;
  readonly tier?: string | undefined;
}

/** Whatever a guarded call threw, as one of our errors. */
export function classify({ agent, tier }: Caller, thrown: unknown, signal: AbortSignal, limits: Limits): WalkbackError {
  if (signal.aborted) return aborted(agent);
  if (isWalkbackError(thrown)) return thrown;
  if (thrown instanceof TaskCancelledError) {
    const { timeoutMs } = limits;
    const who = tier === undefined ? agent : `${agent} (tier ${tier})`;
    return new AgentTimeout(`${who} did not answer within ${timeoutMs} ms. Raise limits.timeoutMs if that is normal for it.`, {
      agent,
      timeoutMs,
    });
  }
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

export function errorOf(agent: string, thrown: unknown): WalkbackError {
  if (isTransient(thrown))
    return new AgentUnavailable(`${agent} could not be reached: ${sentenceOf(thrown)}`, { agent }, { cause: thrown });
  return new AgentFailed(`${agent} threw: ${sentenceOf(thrown)}`, { agent }, { cause: thrown });
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
    if ("response" in current && isTransientResponse(current.response)) return true;
  }
  return false;
}

function isTransientResponse(response: unknown): boolean {
  return typeof response === "object" && response !== null && "status" in response && TRANSIENT_STATUS.has(response.status);
}

export function aborted(agent: string): Aborted {
  return new Aborted(`${agent} was stopped because its run failed or was canceled.`, { agent });
}

/** LangGraph's own test fails on null, which an agent may throw as well. */
export function isBubbleUp(thrown: unknown): boolean {
  return thrown !== null && isGraphBubbleUp(thrown);
}

const FAILED: ReadonlySet<string> = new Set([
  "AGENT_FAILED",
  "AGENT_UNAVAILABLE",
  "AGENT_TIMEOUT",
  "EFFECT_FAILED",
  // A model that refuses or says the wrong thing, or nothing, is there all the same; whoever writes what it reads can make it do so.
  "MODEL_STREAM_FAILED",
  "MODEL_DISCONNECTED",
  "MODEL_MALFORMED",
  "MODEL_RATE_LIMITED",
  "MODEL_QUOTA",
  "MODEL_AUTHENTICATION",
  "MODEL_BAD_REQUEST",
  "MODEL_UNAVAILABLE",
]);
/** The call was stopped, or it was refused by ourselves. */
const UNHEARD: ReadonlySet<string> = new Set([
  "ABORTED",
  "CANCELED",
  "BREAKER_OPEN",
  "BULKHEAD_FULL",
  "BUDGET_EXCEEDED",
  "PRICE_UNKNOWN",
  "RATE_LIMITED",
  "DEADLINE_EXCEEDED",
  "EFFECT_REFUSED",
  "RUN_HELD",
]);

/** What it says about an agent that a call of it threw this. */
export function verdictOf(thrown: unknown): Verdict {
  if (!isWalkbackError(thrown)) return "alive"; // LangGraph's bubble-ups: a human is asked
  if (FAILED.has(thrown.code)) return "failed";
  return UNHEARD.has(thrown.code) || isOurs(thrown) ? "nothing" : "alive";
}
