import { setTimeout } from "node:timers/promises";
import { sqliteStore } from "../checkpoint/sqlite/store.js";
import type { Run } from "../contracts/run.js";
import { createOrchestrator } from "../orchestrator.js";
import { findPackage, workflowNames } from "./catalog.js";
import { paint, paintStatus } from "./paint.js";
import { print } from "./print.js";
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
  const packages = await Promise.all([...workflowNames(), ...paths].map(findPackage));
  const opened = await Promise.all(packages.map((pkg) => pkg.open({ dataDir: settings.dataDir })));
  const store = sqliteStore(settings.store);
  const orchestrator = createOrchestrator({ store, workflows: opened.map(({ workflow }) => workflow) });
  using stop = listenForStop(orchestrator);
  let worst: number = EXIT.fine;
  try {
    do {
      const runs = await orchestrator.recover();
      for (const run of runs) show(run, settings);
      worst = Math.max(worst, ...runs.map(({ status }) => exitCodeOf(status)));
      if (runs.length === 0 && !watch && !settings.json) print("There is nothing to recover.");
    } while (watch && (await pause(every, stop.signal)));
  } finally {
    await orchestrator.close();
    await Promise.all(opened.map((each) => each.close()));
    await store.close();
  }
  return stop.exitCode() ?? worst;
}

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
