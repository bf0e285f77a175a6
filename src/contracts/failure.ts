import { types } from "node:util";
import type { JsonObject, JsonValue } from "./json-value.js";

/**
 * The one table of what can go wrong. `retryable` is what the guard goes by: trying the same call again may help.
 * Match on the code: class identity does not survive a checkpoint or a process boundary.
 */
export const FAILURES = {
  CONTRACT_INVALID: { retryable: false },
  CONTRACT_CONFLICT: { retryable: false },
  CONTRACT_UNKNOWN: { retryable: false },
  UPCAST_MISSING: { retryable: false },
  AGENT_INVALID: { retryable: false },
  EFFECT_INVALID: { retryable: false },
  TOOL_INVALID: { retryable: false },
  WORKFLOW_INVALID: { retryable: false },
  WORKFLOW_UNKNOWN: { retryable: false },
  WORKFLOW_CHANGED: { retryable: false },
  INPUT_INVALID: { retryable: false },
  CONTRACT_VIOLATED: { retryable: false },
  INPUT_MISSING: { retryable: false },
  NOT_PLAIN_JSON: { retryable: false },
  DOCUMENT_TOO_LARGE: { retryable: false },
  AGENT_FAILED: { retryable: false },
  AGENT_UNAVAILABLE: { retryable: true },
  AGENT_TIMEOUT: { retryable: true },
  AGENT_GAVE_UP: { retryable: false },
  INCOMPLETE: { retryable: false },
  UNFINISHED: { retryable: false },
  HUMAN_NEEDED: { retryable: false },
  OUT_OF_RESOURCES: { retryable: false },
  SANDBOX_FAILED: { retryable: false },
  MODEL_REFUSED: { retryable: false },
  MODEL_TRUNCATED: { retryable: false },
  MODEL_FILTERED: { retryable: false },
  MODEL_PROSE: { retryable: false },
  MODEL_ANSWER_INVALID: { retryable: false },
  MODEL_EMPTY: { retryable: true },
  MODEL_STREAM_FAILED: { retryable: true },
  MODEL_DISCONNECTED: { retryable: true },
  MODEL_MALFORMED: { retryable: true },
  MODEL_TOO_LARGE: { retryable: false },
  MODEL_RATE_LIMITED: { retryable: true },
  MODEL_QUOTA: { retryable: false },
  MODEL_CONTEXT_LENGTH: { retryable: false },
  MODEL_AUTHENTICATION: { retryable: false },
  MODEL_BAD_REQUEST: { retryable: false },
  MODEL_UNAVAILABLE: { retryable: true },
  BREAKER_OPEN: { retryable: false },
  BREAKER_UNKNOWN: { retryable: false },
  BULKHEAD_FULL: { retryable: true },
  BUDGET_EXCEEDED: { retryable: false },
  PRICE_UNKNOWN: { retryable: false },
  RATE_LIMITED: { retryable: true },
  CONFIG_INVALID: { retryable: false },
  CACHE_MISS: { retryable: false },
  DEGRADED_REFUSED: { retryable: false },
  EFFECT_UNDECLARED: { retryable: false },
  EFFECT_FAILED: { retryable: true },
  EFFECT_REFUSED: { retryable: false },
  EFFECT_UNCERTAIN: { retryable: false },
  CONFLICTING_INTENT: { retryable: false },
  APPROVAL_REQUIRED: { retryable: false },
  PAST_PIVOT: { retryable: false },
  UNDO_FAILED: { retryable: true },
  NOT_RECORDED: { retryable: false },
  ABORTED: { retryable: false },
  CANCELED: { retryable: false },
  QUARANTINED: { retryable: false },
  REJECTED: { retryable: false },
  RUN_UNKNOWN: { retryable: false },
  RUN_EXISTS: { retryable: false },
  RUN_HELD: { retryable: true },
  FENCED: { retryable: false },
  DRAINING: { retryable: true },
  KEY_REUSED: { retryable: false },
  QUEUE_FULL: { retryable: true },
  DEADLINE_EXCEEDED: { retryable: false },
  RUN_NOT_WAITING: { retryable: false },
  RUN_FINISHED: { retryable: false },
  DECISION_INVALID: { retryable: false },
  STORE_BUSY: { retryable: true },
  STORE_FAILED: { retryable: false },
  STORE_NEWER: { retryable: false },
  STORE_CLOSED: { retryable: false },
  STORE_DAMAGED: { retryable: false },
  OPTION_INVALID: { retryable: false },
  PRUNE_INVALID: { retryable: false },
  VERSION_UNKNOWN: { retryable: false },
  ARCHIVE_INVALID: { retryable: false },
  BISECT_INVALID: { retryable: false },
  PREDICATE_FAILED: { retryable: false },
  STATE_NOT_SERIALIZABLE: { retryable: false },
} as const satisfies Record<string, { readonly retryable: boolean }>;

export type FailureCode = keyof typeof FAILURES;

/** A failure as plain JSON: what stands in a run, an event or a checkpoint. */
export interface Failure {
  readonly code: FailureCode;
  readonly message: string;
  readonly details: JsonObject;
  /** Names and messages of what lay beneath, outermost first. */
  readonly causes: readonly string[];
}

/** The base of every error Walkback throws. The message says what happened, to which thing, and what to do next. */
export abstract class WalkbackError<Details extends object = object> extends Error {
  abstract readonly code: FailureCode;
  readonly details: Readonly<Details>;

  constructor(message: string, details: Details, options?: { readonly cause?: unknown }) {
    super(message, options);
    this.details = details;
  }

  override get name(): string {
    return this.constructor.name;
  }

  get retryable(): boolean {
    return FAILURES[this.code].retryable;
  }

  toJSON(): Failure {
    // Details are declared with plain JSON types by every subclass; the round trip drops what is undefined.
    const details = JSON.parse(JSON.stringify(this.details)) as JsonObject;
    return { code: this.code, message: this.message, details, causes: causesOf(this.cause) };
  }
}

/** Narrows anything thrown to a Walkback error without trusting class identity across copies of the package. */
export function isWalkbackError(thrown: unknown): thrown is WalkbackError {
  return isError(thrown) && "code" in thrown && Object.hasOwn(FAILURES, String(thrown.code)) && "toJSON" in thrown;
}

/** An Error of this realm or another: `instanceof` fails for what comes out of a `vm` context (Jest runs tests in one). */
export function isError(thrown: unknown): thrown is Error {
  return thrown instanceof Error || types.isNativeError(thrown);
}

/** Not the run's failure but this process's: the store does not answer, the lease is lost, or we are stopping. */
export function isOurs(failure: { readonly code: FailureCode }): boolean {
  return failure.code.startsWith("STORE_") || failure.code === "FENCED" || failure.code === "DRAINING";
}

/** One sentence about anything that was thrown, an Error or not. */
export function messageOf(thrown: unknown): string {
  if (isError(thrown)) return thrown.message || thrown.name;
  if (typeof thrown === "string") return thrown || "an empty string";
  try {
    return JSON.stringify(thrown) ?? String(thrown);
  } catch {
    return Object.prototype.toString.call(thrown);
  }
}

/** What was thrown as the end of a sentence, with one full stop. */
export function sentenceOf(thrown: unknown): string {
  const message = messageOf(thrown);
  return /[.!?…]$/.test(message) ? message : `${message}.`;
}

function causesOf(cause: unknown): string[] {
  const causes: string[] = [];
  for (let current = cause; current !== undefined && current !== null && causes.length < 5; ) {
    causes.push(isError(current) ? `${current.name}: ${current.message}` : messageOf(current));
    current = isError(current) ? current.cause : undefined;
  }
  return causes;
}

/** A path of keys as a JSON Pointer (RFC 6901). */
export function pointerOf(path: readonly PropertyKey[]): string {
  return path.map((key) => `/${String(key).replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
}

/** One thing wrong with a document: where (a JSON Pointer, "" is the whole document) and what. */
export interface Issue {
  readonly path: string;
  readonly message: string;
  /** The name of the semantic rule that said no, when it was not the shape. */
  readonly rule?: string;
}

export class ContractInvalid extends WalkbackError<{ contract: string; reason: string }> {
  readonly code = "CONTRACT_INVALID";
}

export class ContractConflict extends WalkbackError<{ contract: string; registered: string; offered: string }> {
  readonly code = "CONTRACT_CONFLICT";
}

export class ContractUnknown extends WalkbackError<{ contract: string; known: readonly string[] }> {
  readonly code = "CONTRACT_UNKNOWN";
}

/** No chain of `upcast` functions leads from the version at hand to the one asked for. */
export class UpcastMissing extends WalkbackError<{ contract: string; from: number; to: number; missing: number }> {
  readonly code = "UPCAST_MISSING";
}

export class AgentInvalid extends WalkbackError<{ agent: string; reason: string }> {
  readonly code = "AGENT_INVALID";
}

export class EffectInvalid extends WalkbackError<{ effect: string; reason: string }> {
  readonly code = "EFFECT_INVALID";
}

export class ToolInvalid extends WalkbackError<{ tool: string; reason: string }> {
  readonly code = "TOOL_INVALID";
}

export interface WorkflowIssue {
  readonly problem:
    | "missing-producer"
    | "missing-version"
    | "duplicate-producer"
    | "duplicate-agent"
    | "cycle"
    | "bad-name"
    | "missing-fallback"
    | "missing-output"
    | "duplicate-workflow"
    | "saga";
  readonly agent?: string;
  readonly contract?: string;
  readonly message: string;
}

/** Lists everything wrong with a workflow's definition at once. */
export class WorkflowInvalid extends WalkbackError<{ workflow: string; issues: readonly WorkflowIssue[] }> {
  readonly code = "WORKFLOW_INVALID";
}

export class WorkflowUnknown extends WalkbackError<{ workflow: string; known: readonly string[] }> {
  readonly code = "WORKFLOW_UNKNOWN";
}

/** One thing that a run needs of the program that is to carry it on, and that this one lacks. */
export interface ProgramIssue {
  readonly problem: "no-upcast" | "contract-newer" | "contract-changed" | "product-changed" | "agent-gone" | "effect-gone";
  readonly agent?: string;
  readonly contract?: string;
  readonly effect?: string;
  readonly message: string;
}

/** The run was made by another program, and this one lacks something it needs. Lists all of it; nothing was touched. */
export class WorkflowChanged extends WalkbackError<{
  runId: string;
  workflow: string;
  runVersion: number;
  programVersion: number;
  missing: readonly ProgramIssue[];
}> {
  readonly code = "WORKFLOW_CHANGED";
}

/** What was handed in at the door does not fit the workflow's input contract. No run was accepted. */
export class InputInvalid extends WalkbackError<{ contract: string; issues: readonly Issue[] }> {
  readonly code = "INPUT_INVALID";
}

/** A handoff did not fit its contract, after every repair round. */
export class ContractViolated extends WalkbackError<{ agent: string; contract: string; round: number; issues: readonly Issue[] }> {
  readonly code = "CONTRACT_VIOLATED";
}

/** A node ran before what it consumes was there: the hand-written graph lacks an edge or an input. */
export class InputMissing extends WalkbackError<{ agent: string; contract: string }> {
  readonly code = "INPUT_MISSING";
}

export class NotPlainJson extends WalkbackError<{ path: string; found: string }> {
  readonly code = "NOT_PLAIN_JSON";
}

export class DocumentTooLarge extends WalkbackError<{ bytes: number; maxBytes: number }> {
  readonly code = "DOCUMENT_TOO_LARGE";
}

/** An agent threw something that trying again will not mend. */
export class AgentFailed extends WalkbackError<{ agent: string }> {
  readonly code = "AGENT_FAILED";
}

/** Throw this (or an error with a transient system code or HTTP status) from an agent to be tried again. */
export class AgentUnavailable extends WalkbackError<{ agent: string; retryAfterMs?: number }> {
  readonly code = "AGENT_UNAVAILABLE";
}

export class AgentTimeout extends WalkbackError<{ agent: string; timeoutMs: number }> {
  readonly code = "AGENT_TIMEOUT";
}

/** The agent itself signaled that it cannot do its work: `failed(reasonCode, summary)`. */
export class AgentGaveUp extends WalkbackError<{ agent: string; reasonCode: string }> {
  readonly code = "AGENT_GAVE_UP";
}

/**
 * The agent came back without a completion signal; prose is not a return code. `limit` is told where an agent with tools did not
 * finish within it.
 */
export class Incomplete extends WalkbackError<{ agent: string; found: string; limit?: "prose" | "steps" | "tokens" | "repeats" }> {
  readonly code = "INCOMPLETE";
}

/** An agent with tools ended its work `partial` or `blocked`. `final`: its workflow declared that no other tier is to be asked then. */
export class Unfinished extends WalkbackError<{
  agent: string;
  status: "partial" | "blocked";
  reasonCode: string;
  handles: readonly string[];
  final: boolean;
}> {
  readonly code = "UNFINISHED";
}

/** Only a human can go on here: the agent said so, or what it may use is at its end. The run waits for one, whatever `onFailure` says. */
export class HumanNeeded extends WalkbackError<{ agent: string; reasonCode: string }> {
  readonly code = "HUMAN_NEEDED";
}

/** The breaker refused the call without making it. Tripped by hand and with no time set, it stays open until it is reset (null). */
export class BreakerOpen extends WalkbackError<{ agent: string; tier?: string; halfOpenAfterMs: number | null }> {
  readonly code = "BREAKER_OPEN";
}

/** No breaker goes by this name. */
export class BreakerUnknown extends WalkbackError<{ breaker: string; known: readonly string[] }> {
  readonly code = "BREAKER_UNKNOWN";
}

export class BulkheadFull extends WalkbackError<{ agent: string; maxConcurrent: number; maxWaiting: number }> {
  readonly code = "BULKHEAD_FULL";
}

/** Thrown before the call that would overspend, never after it. `freeAt` (ISO 8601) is when it would fit if nothing else were spent. */
export class BudgetExceeded extends WalkbackError<{
  agent: string;
  scope: string;
  window: "run" | "hour" | "day";
  unit: "microDollars" | "tokens";
  limit: number;
  spent: number;
  reserved: number;
  wanted: number;
  freeAt?: string | undefined;
}> {
  readonly code = "BUDGET_EXCEEDED";
}

/** What is not known is never taken to cost nothing. */
export class PriceUnknown extends WalkbackError<{ provider?: string | undefined; model?: string | undefined }> {
  readonly code = "PRICE_UNKNOWN";
}

/** The provider's turn would not have come within the attempt's time; nothing was sent. */
export class RateLimited extends WalkbackError<{ agent: string; provider: string; retryAfterMs: number }> {
  readonly code = "RATE_LIMITED";
}

/** Lists everything wrong with a configuration at once. */
export class ConfigInvalid extends WalkbackError<{ issues: readonly Issue[] }> {
  readonly code = "CONFIG_INVALID";
}

/** `onFailure: "cached"` or a cached tier found no earlier answer to the same inputs by the same version of the agent. */
export class CacheMiss extends WalkbackError<{ agent: string }> {
  readonly code = "CACHE_MISS";
}

/** The agent's `onDegrade` would not have the answer of a lower tier. */
export class DegradedRefused extends WalkbackError<{ agent: string; tier: string; reason: string }> {
  readonly code = "DEGRADED_REFUSED";
}

export class EffectUndeclared extends WalkbackError<{ agent: string; effect: string; declared: readonly string[] }> {
  readonly code = "EFFECT_UNDECLARED";
}

export class EffectFailed extends WalkbackError<{ agent: string; effect: string; key: string }> {
  readonly code = "EFFECT_FAILED";
}

/**
 * It did not happen: the run is being walked back, is finished, or this attempt was given up, so nothing more may be done outside;
 * or the other side said no, and the effect's own `perform` threw this.
 */
export class EffectRefused extends WalkbackError<{ agent: string; effect: string; reason: string }> {
  readonly code = "EFFECT_REFUSED";
}

/** An opaque effect was sent and its answer lost: nobody but a human can say whether it happened. */
export class EffectUncertain extends WalkbackError<{ agent: string; effect: string; key: string }> {
  readonly code = "EFFECT_UNCERTAIN";
}

/** The same business identity was asked for again with different arguments. */
export class ConflictingIntent extends WalkbackError<{
  agent: string;
  effect: string;
  identity: string;
  recorded: JsonValue;
  offered: JsonValue;
}> {
  readonly code = "CONFLICTING_INTENT";
}

/** An irreversible effect waits for a human to approve these very arguments. */
export class ApprovalRequired extends WalkbackError<{
  agent: string;
  effect: string;
  identity: string;
  args: JsonValue;
  argsHash: string;
  expiresAfterMs: number;
}> {
  readonly code = "APPROVAL_REQUIRED";
}

/** A point of no return is behind the run: it can only be carried forward. */
export class PastPivot extends WalkbackError<{ runId: string; effect: string }> {
  readonly code = "PAST_PIVOT";
}

/** The run killed its process several times without getting any further. */
export class Quarantined extends WalkbackError<{ runId: string; crashes: number }> {
  readonly code = "QUARANTINED";
}

/** Another process holds the run's lease. */
export class RunHeld extends WalkbackError<{ runId: string; holder: string; until: string }> {
  readonly code = "RUN_HELD";
}

/** This process lost the run's lease and another carries the run on: nothing of this one may be written any more. */
export class Fenced extends WalkbackError<{ runId: string; epoch: number; currentEpoch: number }> {
  readonly code = "FENCED";
}

/** The orchestrator is stopping. The run is on disk; `recover` carries it on. */
export class Draining extends WalkbackError<{ runId: string }> {
  readonly code = "DRAINING";
}

/** The idempotency key of a start stands for another input. */
export class KeyReused extends WalkbackError<{ idempotencyKey: string; runId: string }> {
  readonly code = "KEY_REUSED";
}

export class UndoFailed extends WalkbackError<{ agent: string; effect: string; key: string }> {
  readonly code = "UNDO_FAILED";
}

/** In a replay an agent asked for something that the record of the run does not answer. */
export class NotRecorded extends WalkbackError<{ agent: string; effect: string; identity: string }> {
  readonly code = "NOT_RECORDED";
}

/** This call was stopped because something else in the run failed or the run was canceled; never counted as a failure. */
export class Aborted extends WalkbackError<{ agent: string }> {
  readonly code = "ABORTED";
}

export class Canceled extends WalkbackError<{ runId: string; reason: string }> {
  readonly code = "CANCELED";
}

/** A human answered a question with "reject". */
export class Rejected extends WalkbackError<{ agent: string; reason: string }> {
  readonly code = "REJECTED";
}

export class RunUnknown extends WalkbackError<{ runId: string }> {
  readonly code = "RUN_UNKNOWN";
}

/** `identical` is told where a run that was to be imported was compared with the one that is there. */
export class RunExists extends WalkbackError<{ runId: string; identical?: boolean }> {
  readonly code = "RUN_EXISTS";
}

/** The run had to wait, and there is no place left to wait in; nothing was accepted. The tenant is named when it is its own limit. */
export class QueueFull extends WalkbackError<{ queued: number; maxQueued: number; tenant?: string }> {
  readonly code = "QUEUE_FULL";
}

/** The run still waited for its turn when its deadline came; nothing of it was done. */
export class DeadlineExceeded extends WalkbackError<{ runId: string; deadline: string; waitedMs: number }> {
  readonly code = "DEADLINE_EXCEEDED";
}

export class RunNotWaiting extends WalkbackError<{ runId: string; status: string }> {
  readonly code = "RUN_NOT_WAITING";
}

export class RunFinished extends WalkbackError<{ runId: string; status: string }> {
  readonly code = "RUN_FINISHED";
}

export class DecisionInvalid extends WalkbackError<{ question: string; allowed: readonly string[]; issues: readonly Issue[] }> {
  readonly code = "DECISION_INVALID";
}

export class StoreBusy extends WalkbackError<{ path: string; waitedMs: number }> {
  readonly code = "STORE_BUSY";
}

export class StoreFailed extends WalkbackError<{ path: string; operation: string }> {
  readonly code = "STORE_FAILED";
}

/** The file was written by a newer Walkback than this one. */
export class StoreNewer extends WalkbackError<{ path: string; schemaVersion: number; supported: number }> {
  readonly code = "STORE_NEWER";
}

export class StoreClosed extends WalkbackError<{ path: string }> {
  readonly code = "STORE_CLOSED";
}

/** What is read does not hash to what was written, or a part of it is missing: it is not returned. */
export class StoreDamaged extends WalkbackError<{
  readonly path: string;
  readonly where: string;
  readonly runId?: string | undefined;
  readonly version?: number | undefined;
}> {
  readonly code = "STORE_DAMAGED";
}

/** A run's file is not what was exported: cut off, changed, of another make or a newer one. Nothing of it was kept. */
export class ArchiveInvalid extends WalkbackError<{ readonly line?: number | undefined; readonly reason: string }> {
  readonly code = "ARCHIVE_INVALID";
}

/** An option of a call from Node cannot be used. */
export class OptionInvalid extends WalkbackError<{ readonly option: string; readonly reason: string }> {
  readonly code = "OPTION_INVALID";
}

export function optionInvalid(option: string, reason: string): OptionInvalid {
  return new OptionInvalid(`The option ${option} ${reason}.`, { option, reason });
}

/** What was asked of a prune cannot be used: it is no time, or a negative one. */
export class PruneInvalid extends WalkbackError<{ readonly argument: "olderThanMs" | "before" | "keep"; readonly reason: string }> {
  readonly code = "PRUNE_INVALID";
}

export class VersionUnknown extends WalkbackError<{ readonly runId: string; readonly number: number; readonly last: number }> {
  readonly code = "VERSION_UNKNOWN";
}

/** What was asked of a bisection cannot be used: the expression, the script, or the versions to look at. */
export class BisectInvalid extends WalkbackError<{ readonly argument: "where" | "script" | "from"; readonly reason: string }> {
  readonly code = "BISECT_INVALID";
}

/** The predicate of a bisection could not say whether a version is good. */
export class PredicateFailed extends WalkbackError<{ readonly predicate: string; readonly number: number; readonly reason: string }> {
  readonly code = "PREDICATE_FAILED";
}

/** A channel of a LangGraph state holds what JSON cannot keep; LangGraph's own serializer would corrupt the whole checkpoint. */
export class StateNotSerializable extends WalkbackError<{ readonly channel: string; readonly found: string }> {
  readonly code = "STATE_NOT_SERIALIZABLE";
}
