import { type Replay, type ReplayOptions, replayRun } from "../replay/replay.js";
import { versionOf } from "./fork.js";
import { type Parts, recordOf } from "./parts.js";
import { continuable } from "./release.js";

export async function replay(parts: Parts, runId: string, options: ReplayOptions = {}): Promise<Replay> {
  const { store, runtime } = parts;
  const run = await recordOf(parts, runId);
  const { from = 0 } = options;
  await versionOf(parts, run.runId, from);
  const { entry, foreign } = await continuable(parts, run, from);
  const { maxDocumentBytes } = runtime;
  return replayRun({ store, run, workflow: entry.kit.workflow, foreign, maxDocumentBytes }, options);
}
