import { setTimeout } from "node:timers/promises";
import { sqliteStore } from "../checkpoint/sqlite/store.js";
import type { Run } from "../contracts/run.js";
import { createOrchestrator, type Orchestrator } from "../orchestrator.js";
import { findPackage, workflowNames } from "./catalog.js";
import { existingStore } from "./house.js";
import { paint, paintStatus } from "./paint.js";
import { print, tell } from "./print.js";
import { EXIT, exitCodeOf } from "./problem.js";
import { questionsOf, runJson } from "./results.js";
import type { Settings } from "./settings.js";
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
  const file = existingStore(settings);
  const packages = await Promise.all([...workflowNames(), ...paths].map(findPackage));
  const opened = await Promise.all(packages.map((pkg) => pkg.open({ dataDir: settings.dataDir })));
  const store = sqliteStore(file);
  const orchestrator = createOrchestrator({ store, workflows: opened.map(({ workflow }) => workflow) });
  using stop = listenForStop(orchestrator);
  let worst: number = EXIT.fine;
  try {
    do {
      const runs = await orchestrator.recover();
      for (const run of runs) show(run, settings);
      worst = Math.max(worst, ...runs.map(({ status }) => exitCodeOf(status)));
      if (!watch) await showLeft(orchestrator, runs, settings);
    } while (watch && (await pause(every, stop.signal)));
  } finally {
    await orchestrator.close();
    await Promise.all(opened.map((each) => each.close()));
    await store.close();
  }
  return stop.exitCode() ?? worst;
}

/** Why runs that have not ended were not carried on. */
async function showLeft(orchestrator: Orchestrator, carried: readonly Run[], { json }: Settings): Promise<void> {
  const say = json ? tell : print;
  const ours = new Set(carried.map(({ runId }) => runId));
  const known = new Set(orchestrator.workflows.map(({ name }) => name));
  const left = (await orchestrator.list({ status: "running", limit: MANY })).filter(({ runId }) => !ours.has(runId));
  const strange = left.filter(({ workflow }) => !known.has(workflow));
  const held = left.length - strange.length;
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

function show(run: Run, settings: Settings): void {
  if (settings.json) return print(JSON.stringify({ ...runJson(run), ...questionsOf(run) }));
  const why = "failure" in run ? `  ${paint.dim(run.failure.message)}` : "";
  print(`${run.runId}  ${run.workflow.name}  ${paintStatus(run.status)}${why}`);
}

/** False when there was a signal to stop. */
async function pause(seconds: number, signal: AbortSignal): Promise<boolean> {
  await setTimeout(seconds * 1000, undefined, { signal }).catch(() => {});
  return !signal.aborted;
}
