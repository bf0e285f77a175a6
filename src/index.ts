export {
  type Agent,
  type AgentContext,
  type AgentDefinition,
  type CachedTier,
  type ContractMap,
  type DegradedAnswer,
  type DoneWork,
  defineAgent,
  type EmergencyTier,
  type Inputs,
  type LimitsDefinition,
  type LiveTier,
  type OnFailure,
  type Performer,
  type RecordCall,
  type Spend,
  type Tier,
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
export { askModel, type QuestionContext } from "./agents/model/ask-model.js";
export type { ModelContext } from "./agents/model/call-model.js";
export type {
  AskOptions,
  ChatModel,
  ModelMessage,
  ModelReply,
  ModelRequest,
  ModelUsage,
  OfferedTool,
  ToolCall,
} from "./agents/model/chat-model.js";
export { judgeReply } from "./agents/model/judge-reply.js";
export { type ModelAgentDefinition, modelAgent } from "./agents/model/model-agent.js";
export { type EnvironmentModels, modelsFromEnvironment } from "./agents/model/models-from-environment.js";
export { type Ignorable, type OneWord, type OneWordDefinition, oneWord } from "./agents/model/one-word.js";
export { openAIModel } from "./agents/model/openai-model.js";
export type { OpenAIModelOptions } from "./agents/model/openai-options.js";
export type { ModelQuestion } from "./agents/model/question.js";
export { createRuntime, type Runtime, type RuntimeOptions } from "./agents/runtime.js";
export { climb } from "./agents/sandbox/climb.js";
export { runInSandbox, type SandboxOptions, type SandboxResult } from "./agents/sandbox/run-in-sandbox.js";
export { SandboxFailed } from "./agents/sandbox/sandbox-failed.js";
export { SANDBOX_LADDER, type SandboxAnswer, type SandboxToolOptions, sandboxTool } from "./agents/sandbox/sandbox-tool.js";
export type { Route } from "./agents/tool/ending.js";
export type { Finish } from "./agents/tool/finish.js";
export { OutOfResources, outOfResources, type Resource, type Resources } from "./agents/tool/out-of-resources.js";
export type { ResultOf } from "./agents/tool/results.js";
export {
  defineTool,
  type EffectTool,
  type EffectToolDefinition,
  effectTool,
  type PlainTool,
  type Tool,
  type ToolContext,
  type ToolDefinition,
} from "./agents/tool/tool.js";
export { type ToolAgentDefinition, toolAgent } from "./agents/tool/tool-agent.js";
export type { EffectRecord } from "./checkpoint/journal-view.js";
export type {
  Accepted,
  Admission,
  AnsweredQuestion,
  AskedBefore,
  BeginNext,
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
  Pruned,
  PruneOptions,
  QueueDepth,
  QueueHead,
  QueueView,
  RunChange,
  RunLog,
  RunQuery,
  RunQueue,
  RunRecord,
  Store,
  StoreProblem,
  StoreProgress,
  TenantLimits,
  TenantLoad,
  Verification,
  VerifyOptions,
  Version,
  VersionLog,
  VersionSource,
} from "./checkpoint/ports.js";
export { sqliteStore } from "./checkpoint/sqlite/store.js";
export { type VerifyFileOptions, verifySqliteStore } from "./checkpoint/sqlite/verify-file.js";
export { defineConfig, type LoadOptions, loadConfig } from "./config/load.js";
export type { WalkbackConfig } from "./config/schema.js";
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
  ArchiveInvalid,
  BisectInvalid,
  BreakerOpen,
  BreakerUnknown,
  BudgetExceeded,
  BulkheadFull,
  CacheMiss,
  Canceled,
  ConfigInvalid,
  ConflictingIntent,
  ContractConflict,
  ContractInvalid,
  ContractUnknown,
  ContractViolated,
  DeadlineExceeded,
  DecisionInvalid,
  DegradedRefused,
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
  HumanNeeded,
  Incomplete,
  InputInvalid,
  InputMissing,
  type Issue,
  isWalkbackError,
  KeyReused,
  NotPlainJson,
  NotRecorded,
  OptionInvalid,
  PastPivot,
  PredicateFailed,
  PriceUnknown,
  type ProgramIssue,
  PruneInvalid,
  Quarantined,
  QueueFull,
  RateLimited,
  Rejected,
  RunExists,
  RunFinished,
  RunHeld,
  RunNotWaiting,
  RunUnknown,
  StateNotSerializable,
  StoreBusy,
  StoreClosed,
  StoreDamaged,
  StoreFailed,
  StoreNewer,
  ToolInvalid,
  UndoFailed,
  Unfinished,
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
export {
  type AskedModel,
  ModelAnswerInvalid,
  ModelAuthentication,
  ModelBadRequest,
  ModelContextLength,
  ModelDisconnected,
  ModelEmpty,
  ModelFailure,
  type ModelFailureOptions,
  ModelFiltered,
  ModelMalformed,
  ModelProse,
  ModelQuota,
  ModelRateLimited,
  ModelRefused,
  ModelStreamFailed,
  ModelTooLarge,
  ModelTruncated,
  ModelUnavailable,
} from "./contracts/model-failure.js";
export type { Program } from "./contracts/program.js";
export type { Decision, DecisionKind, Question, QuestionKind } from "./contracts/question.js";
export { type ContractRegistry, contractRegistry } from "./contracts/registry.js";
export { isTerminal, type Remaining, type Run, type RunStatus, type Undone, type VersionHead } from "./contracts/run.js";
export type { TracingOptions } from "./contracts/tracing.js";
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
export type { Alert } from "./limits/alerts.js";
export type { BreakerState, BreakerTransition } from "./limits/breaker.js";
export type { Breaker, BreakerEntry, Breakers } from "./limits/breaker-book.js";
export type {
  BreakerDefinition,
  BreakerLimits,
  BreakerPolicy,
  ConsecutiveBreaker,
  CountBreaker,
  SamplingBreaker,
  ShortBreaker,
} from "./limits/breaker-policy.js";
export type { BudgetReport, BudgetReportOptions, NamedSum, ScopeBalance, SpendSum } from "./limits/budget-report.js";
export type { Amount } from "./limits/budget-window.js";
export type {
  AlertOptions,
  BudgetLimit,
  Budgets,
  LimitOptions,
  ModelPrice,
  RateLimit,
  WebhookOptions,
  WindowBudgets,
} from "./limits/limit-options.js";
export { DEFAULT_LIMITS, type Limits } from "./limits/limits.js";
export type { Meter } from "./limits/meter.js";
export type { SpendCall, Spent, Usage } from "./limits/meter-call.js";
export type { AgentStats } from "./observe/agent-stats.js";
export type { Inspection } from "./observe/inspect.js";
export type { Percentiles } from "./observe/percentiles.js";
export type { RunStats } from "./observe/run-stats.js";
export { createTracer, type Tracer } from "./observe/tracing/tracer.js";
export type { ResumeOptions } from "./orchestrator/answer.js";
export type { ForkOptions } from "./orchestrator/fork.js";
export type { StopOptions } from "./orchestrator/operations.js";
export type { Queue, QueueState } from "./orchestrator/queue-door.js";
export type { PlaceOptions, QueueOptions } from "./orchestrator/queue-options.js";
export type { RecoverOptions } from "./orchestrator/recover.js";
export type { StartOptions } from "./orchestrator/start.js";
export type { Stats, StatsOptions } from "./orchestrator/stats.js";
export { createOrchestrator, type Orchestrator, type OrchestratorOptions } from "./orchestrator.js";
export type { Replacement } from "./replay/agents.js";
export type { Difference } from "./replay/difference.js";
export type { Replay, ReplayOptions } from "./replay/replay.js";
