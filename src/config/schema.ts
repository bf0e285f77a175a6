import * as z from "zod";
import type { Issue } from "../contracts/failure.js";
import { TracingOptions } from "../contracts/tracing.js";
import { issuesOf } from "../limits/check-options.js";
import { LimitOptions } from "../limits/limit-options.js";
import { QueueLimits } from "../limits/queue-limits.js";

const ConfigShape = z
  .strictObject({
    /** The SQLite file that remembers the runs; relative to the configuration's folder. */
    store: z.string().min(1).optional(),
    /** The folder for the workflows' other side; relative to the configuration's folder. */
    dataDir: z.string().min(1).optional(),
    limits: LimitOptions.optional(),
    queue: QueueLimits.optional(),
    /** What LangSmith is told of the runs, when its environment variables ask for traces. */
    tracing: TracingOptions.optional(),
  })
  .readonly();

/** What a deployment sets: where the store is, and what all runs on it may consume. */
export type WalkbackConfig = z.infer<typeof ConfigShape>;

/** The configuration as it will be used, and everything that is wrong with it; what is wrong is left out. */
export function checkConfig(candidate: unknown): { readonly config: WalkbackConfig; readonly issues: readonly Issue[] } {
  const checked = ConfigShape.safeParse(candidate);
  return checked.success ? { config: checked.data, issues: [] } : { config: {}, issues: issuesOf(checked.error) };
}
