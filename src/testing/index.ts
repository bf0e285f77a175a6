export { FaultInvalid, injectFaults } from "./faults.js";
