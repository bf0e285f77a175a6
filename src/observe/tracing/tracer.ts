import type { Store } from "../../checkpoint/ports.js";
import type { RunEvent } from "../../contracts/event.js";
import { isTracingOn, type TracingOptions } from "../../contracts/tracing.js";
import type { Environment } from "./options.js";
import { RunTracer } from "./run-tracer.js";
import { samplingRate } from "./sampling.js";
import { tellOnce } from "./told-once.js";

/** Tells LangSmith of the runs whose events it hears. */
export interface Tracer {
  /** Never throws, and returns at once. */
  readonly onEvent: (event: RunEvent) => void;
  /** Sends what has not been sent, for at most five seconds. What is heard after that is not told. */
  close(): Promise<void>;
}

/**
 * A tracer, when the environment asks for one: `LANGSMITH_TRACING=true` (or one of its older names) with `LANGSMITH_API_KEY`, or
 * with a `LANGSMITH_ENDPOINT` of one's own. Undefined otherwise; nothing is loaded then, nothing listens and nothing is sent.
 */
export function createTracer(
  store: Pick<Store, "events" | "versions" | "journal" | "runs">,
  options: TracingOptions = {},
  environment: Environment = process.env,
): Tracer | undefined {
  if (!isTracingOn(environment)) return undefined;
  const problem = tellOnce();
  const isReachable = ["API_KEY", "ENDPOINT"].some((name) => environment[`LANGSMITH_${name}`] || environment[`LANGCHAIN_${name}`]);
  const rate = samplingRate(environment);
  if (isReachable && rate !== undefined) return new RunTracer(store, options, environment, rate, problem);
  problem(isReachable ? "LANGSMITH_TRACING_SAMPLING_RATE must be a number from 0 to 1" : "LANGSMITH_API_KEY is not set");
  return undefined;
}
