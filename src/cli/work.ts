import { messageOf } from "../contracts/failure.js";
import type { RunId } from "../contracts/ids.js";
import type { Run } from "../contracts/run.js";
import { openWorkflows, shortId } from "./house.js";
import { paintErr } from "./paint.js";
import { tell } from "./print.js";
import { EXIT, exitCodeOf } from "./problem.js";
import { pausedText } from "./queue.js";
import { pause, showRest } from "./recover.js";
import { placesOf, type Settings } from "./settings.js";
import { listenForStop } from "./stop.js";

export interface WorkOptions {
  /** Runs at one time. */
  readonly concurrency?: number;
  /** Seconds between two looks for runs that nobody carries. */
  readonly every: number;
  /** Modules with workflows that are not in the catalog. */
  readonly workflow?: readonly string[];
}

/** A worker: begins who is next in the queue and carries on what crashed, until it is stopped. */
export async function workCommand({ every, workflow: paths = [], ...options }: WorkOptions, settings: Settings): Promise<number> {
  const concurrency = placesOf(options.concurrency, settings);
  let worst: number = EXIT.fine;
  const onRest = (run: Run) => {
    worst = Math.max(worst, exitCodeOf(run.status));
    showRest(run, settings);
  };
  const onError = (thrown: unknown, runId: RunId | undefined) => {
    worst = EXIT.runFailed;
    tell(`${paintErr.red("error:")} ${runId === undefined ? "" : `run ${shortId(runId)}: `}${messageOf(thrown)}`);
  };
  await using house = await openWorkflows(paths, settings, { maxConcurrent: concurrency, onRest, onError });
  const { orchestrator } = house;
  using stop = listenForStop(orchestrator);
  tell(`Serving ${settings.store}, ${concurrency} at a time. Ctrl-C stops it; nothing is lost.`);
  if (orchestrator.queue.state().paused) tell(pausedText(settings));
  do await orchestrator.recover({ queue: false, onRest, onError });
  while (await pause(every, stop.signal));
  return stop.exitCode() ?? worst;
}
