export type { Expectation, ExpectedRequest } from "./expected-request.js";
export { FaultInvalid, injectFaults } from "./faults.js";
export type { LoopbackAnswer, LoopbackFunction, LoopbackRecording, LoopbackReply, LoopbackStep } from "./loopback/answer.js";
export type { LoopbackOptions } from "./loopback/answering.js";
export { LOOPBACK_FAULTS, LOOPBACK_STREAM_FAULTS, type LoopbackFault } from "./loopback/faults.js";
export { type LoopbackProvider, loopbackProvider } from "./loopback/provider.js";
export type { LoopbackRequest } from "./loopback/received.js";
export { judgeSaga, type SagaLife, type SagaObservation, type SagaVerdict } from "./saga-lab/judge.js";
export { type SagaEngine, SagaEngineInvalid, type SagaFinding, type SagaLabOptions, type SagaLabResult, sagaLab } from "./saga-lab/lab.js";
export { type SagaOutside, SagaRefused, sagaOutside } from "./saga-lab/outside.js";
export {
  type LedgerEntry,
  SAGA_SCENARIOS,
  type SagaAction,
  type SagaOutcome,
  type SagaReport,
  type SagaScenario,
} from "./saga-lab/scenario.js";
export { walkbackEngine } from "./saga-lab/walkback.js";
export { ScriptMismatch } from "./script.js";
export {
  type ScriptedAnswer,
  type ScriptedFunction,
  type ScriptedModel,
  type ScriptedModelOptions,
  type ScriptedStep,
  scriptedModel,
} from "./scripted-model.js";
export type { ScriptedReply, ScriptedToolCall } from "./scripted-reply.js";
