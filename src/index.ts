export {
  type Agent,
  type AgentContext,
  type AgentDefinition,
  type ContractMap,
  type DoneWork,
  defineAgent,
  type Inputs,
  type LimitsDefinition,
  type OnFailure,
  type Performer,
  type RecordCall,
} from "./agents/agent.js";
export { type Completion, completed, failed } from "./agents/completion.js";
export {
  defineEffect,
  type Effect,
  type EffectDefinition,
  type EffectKind,
  type PerformContext,
  type UndoContext,
} from "./agents/effect.js";
export { type FanOutDefinition, fanOut } from "./agents/fan-out.js";
export { createRuntime, type Runtime, type RuntimeOptions } from "./agents/runtime.js";
export type { EffectRecord } from "./checkpoint/journal-view.js";
export type {
  Accepted,
  AnsweredQuestion,
  AskedBefore,
  EffectJournal,
  EventLog,
  Fence,
  ForkPoint,
  JournalEntry,
  JournalPhase,
  Lease,
  LimitChange,
  LimitEntry,
  LimitQuery,
  LimitStore,
  NewFork,
  NewRun,
  NewVersion,
  Outcome,
  RunChange,
  RunLog,
  RunQuery,
  RunRecord,
  Store,
  Version,
  VersionLog,
  VersionSource,
} from "./checkpoint/ports.js";
export { sqliteStore } from "./checkpoint/sqlite/store.js";
export { type Compatibility, compareShapes, type JsonSchema } from "./contracts/compatibility.js";
export {
  type Checked,
  type Contract,
  type ContractDefinition,
  check,
  defineContract,
  type Infer,
  type InferInput,
  type Rules,
  type Verdict,
} from "./contracts/contract.js";
export type { RunEvent, RunEventBody } from "./contracts/event.js";
export {
  Aborted,
  AgentFailed,
  AgentGaveUp,
  AgentInvalid,
  AgentTimeout,
  AgentUnavailable,
  ApprovalRequired,
  BisectInvalid,
  BreakerOpen,
  BulkheadFull,
  CacheMiss,
  Canceled,
  ConflictingIntent,
  ContractConflict,
  ContractInvalid,
  ContractUnknown,
  ContractViolated,
  DecisionInvalid,
  DocumentTooLarge,
  Draining,
  EffectFailed,
  EffectInvalid,
  EffectRefused,
  EffectUncertain,
  EffectUndeclared,
  FAILURES,
  type Failure,
  type FailureCode,
  Fenced,
  Incomplete,
  InputInvalid,
  InputMissing,
  type Issue,
  isWalkbackError,
  KeyReused,
  NotPlainJson,
  NotRecorded,
  PastPivot,
  PredicateFailed,
  type ProgramIssue,
  Quarantined,
  Rejected,
  RunExists,
  RunFinished,
  RunHeld,
  RunNotWaiting,
  RunUnknown,
  StoreBusy,
  StoreClosed,
  StoreFailed,
  StoreNewer,
  UndoFailed,
  UpcastMissing,
  VersionUnknown,
  WalkbackError,
  WorkflowChanged,
  WorkflowInvalid,
  type WorkflowIssue,
  WorkflowUnknown,
} from "./contracts/failure.js";
export type { RunId } from "./contracts/ids.js";
export { hashOf, MAX_DOCUMENT_BYTES, type Sealed, seal } from "./contracts/json.js";
export type { JsonObject, JsonValue } from "./contracts/json-value.js";
export type { Program } from "./contracts/program.js";
export type { Decision, DecisionKind, Question, QuestionKind } from "./contracts/question.js";
export { type ContractRegistry, contractRegistry } from "./contracts/registry.js";
export { isTerminal, type Remaining, type Run, type RunStatus, type Undone, type VersionHead } from "./contracts/run.js";
export { type CompiledWorkflow, type CompileOptions, compileWorkflow } from "./graph/compile.js";
export { createKit, type Kit } from "./graph/kit.js";
export { acceptInput, agentNode, type GraphNode, gate, settle } from "./graph/nodes.js";
export { channelsOf, type StateUpdate, type WorkflowState } from "./graph/state.js";
export { studioGraph } from "./graph/studio.js";
export { walkBack } from "./graph/walk-back.js";
export { defineWorkflow, type Sample, type Workflow, type WorkflowDefinition, type WorkflowPackage } from "./graph/workflow.js";
export { type Bisection, type BisectOptions, bisect, type Probe } from "./history/bisect.js";
export { contractHolds } from "./history/contract-holds.js";
export { type Change, type ContractDiff, diffVersions, type PatchOperation, type VersionDiff } from "./history/diff.js";
export { functionHolds, type Judgement, type Moment, type Predicate, type StatePredicate } from "./history/predicate.js";
export { type ScriptOptions, scriptHolds } from "./history/script-holds.js";
export type { State, VersionedStore } from "./history/state.js";
export { type WhereOptions, whereHolds } from "./history/where-holds.js";
export type { BreakerState } from "./limits/guard.js";
export { DEFAULT_LIMITS, type Limits } from "./limits/limits.js";
export type { Inspection } from "./observe/inspect.js";
export type { ResumeOptions } from "./orchestrator/answer.js";
export type { ForkOptions } from "./orchestrator/fork.js";
export type { StopOptions } from "./orchestrator/operations.js";
export type { RecoverOptions } from "./orchestrator/recover.js";
export type { StartOptions } from "./orchestrator/start.js";
export { createOrchestrator, type Orchestrator, type OrchestratorOptions } from "./orchestrator.js";
export type { Replacement } from "./replay/agents.js";
export type { Difference } from "./replay/difference.js";
export type { Replay, ReplayOptions } from "./replay/replay.js";
