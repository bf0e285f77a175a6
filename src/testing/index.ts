export { FaultInvalid, injectFaults } from "./faults.js";
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
