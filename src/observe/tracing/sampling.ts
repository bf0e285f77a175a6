import { createHash } from "node:crypto";
import type { RunId } from "../../contracts/ids.js";
import type { Environment } from "./options.js";

/** How many of the runs are traced, from 0 to 1; undefined when what the environment says of it is no such number. */
export function samplingRate(environment: Environment): number | undefined {
  const rate = Number(environment["LANGSMITH_TRACING_SAMPLING_RATE"] || environment["LANGCHAIN_TRACING_SAMPLING_RATE"] || "1");
  return rate >= 0 && rate <= 1 ? rate : undefined;
}

/** Whether a run is among those that are traced; the same in every process. */
export function sampler(rate: number): (runId: RunId) => boolean {
  if (rate === 1) return () => true;
  return (runId) => createHash("sha256").update(runId).digest().readUInt32BE() < rate * 2 ** 32;
}
