import { createHash } from "node:crypto";
import type { RunId } from "../../contracts/ids.js";
import type { Environment } from "./options.js";

/** Whether a run is among those that are traced, by LANGSMITH_TRACING_SAMPLING_RATE; the same in every process. */
export function sampler(environment: Environment): (runId: RunId) => boolean {
  const rate = Number.parseFloat(environment["LANGSMITH_TRACING_SAMPLING_RATE"] || environment["LANGCHAIN_TRACING_SAMPLING_RATE"] || "1");
  if (!(rate < 1)) return () => true;
  return (runId) => createHash("sha256").update(runId).digest().readUInt32BE() < rate * 2 ** 32;
}
