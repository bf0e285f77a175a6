import { openWorkflows } from "./house.js";
import { tell } from "./print.js";
import { pausedText } from "./queue.js";
import { pause } from "./recover.js";
import { showRests } from "./rest.js";
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
  const rests = showRests(() => house.events, settings);
  const { onRest, onError } = rests;
  await using house = await openWorkflows(paths, settings, { maxConcurrent: concurrency, onRest, onError });
  const { orchestrator } = house;
  using stop = listenForStop(orchestrator);
  tell(`Serving ${settings.store}, ${concurrency} at a time. Ctrl-C stops it; nothing is lost.`);
  if (orchestrator.queue.state().paused) tell(pausedText(settings));
  do await orchestrator.recover({ queue: false, onRest, onError });
  while (await pause(every, stop.signal));
  await orchestrator.close();
  await rests.shown();
  rests.tellWhy();
  return stop.exitCode() ?? rests.exitCode();
}
