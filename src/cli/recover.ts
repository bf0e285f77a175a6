import { setTimeout } from "node:timers/promises";
import type { Run } from "../contracts/run.js";
import type { Orchestrator } from "../orchestrator.js";
import { existingStore, openWorkflows } from "./house.js";
import { print, tell } from "./print.js";
import { pausedText } from "./queue.js";
import { showRests } from "./rest.js";
import { placesOf, type Settings } from "./settings.js";
import { listenForStop } from "./stop.js";

export interface RecoverOptions {
  /** Go on looking until stopped. */
  readonly watch?: boolean;
  /** Seconds between two looks. */
  readonly every: number;
  /** Modules with workflows that are not in the catalog. */
  readonly workflow?: readonly string[];
}

/** Carries on every run that nobody carries: its process died, was stopped, or a human has answered meanwhile. */
export async function recoverCommand({ watch = false, every, workflow: paths = [] }: RecoverOptions, settings: Settings): Promise<number> {
  existingStore(settings);
  await using house = await openWorkflows(paths, settings, { maxConcurrent: placesOf(undefined, settings, AT_ONCE) });
  const { orchestrator } = house;
  using stop = listenForStop(orchestrator);
  const rests = showRests(() => house.events, settings);
  do {
    const runs = await orchestrator.recover({ onRest: rests.onRest }).finally(rests.shown);
    if (!watch) await showLeft(orchestrator, runs, settings);
  } while (watch && (await pause(every, stop.signal)));
  rests.tellWhy();
  return stop.exitCode() ?? rests.exitCode();
}

const AT_ONCE = 16;

/** Why runs that have not ended were not carried on. */
async function showLeft(orchestrator: Orchestrator, carried: readonly Run[], settings: Settings): Promise<void> {
  const { json } = settings;
  const say = json ? tell : print;
  const ours = new Set(carried.map(({ runId }) => runId));
  const known = new Set(orchestrator.workflows.map(({ name }) => name));
  const running = (await orchestrator.list({ status: "running", limit: MANY })).filter(({ runId }) => !ours.has(runId));
  const left = [...running, ...(await orchestrator.list({ status: "queued", limit: MANY }))];
  const strange = left.filter(({ workflow }) => !known.has(workflow));
  const held = running.filter(({ workflow }) => known.has(workflow)).length;
  if (orchestrator.queue.state().paused) say(pausedText(settings));
  const names = [...new Set(strange.map(({ workflow }) => workflow))].join(", ");
  if (held > 0)
    say(
      held === 1
        ? "1 run is held by another process; if it has died it is free within 30 s."
        : `${held} runs are held by another process; if it has died they are free within 30 s.`,
    );
  if (strange.length > 0)
    say(`${strange.length} of ${names} cannot be carried on from here. Name the workflow's module with --workflow PATH.`);
  if (left.length === 0 && carried.length === 0 && !json) print("There is nothing to recover.");
}

const MANY = 1_000_000;

/** False when there was a signal to stop. */
export async function pause(seconds: number, signal: AbortSignal): Promise<boolean> {
  await setTimeout(seconds * 1000, undefined, { signal }).catch(() => {});
  return !signal.aborted;
}
