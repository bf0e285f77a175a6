import { lookUp, showRun, withRun } from "./answer.js";
import { jsonOption } from "./json-option.js";
import { paint } from "./paint.js";
import { print } from "./print.js";
import { exitCodeOf } from "./problem.js";
import type { Settings } from "./settings.js";

export interface ForkCommandOptions {
  readonly from: number;
  /** JSON, or `@file`. */
  readonly set?: string;
  /** The workflow's package, when it is not in the catalog. */
  readonly workflow?: string;
}

/** Begins a run with the history of another one, and carries it on. */
export async function forkCommand(
  wanted: string,
  { from, set: given, ...options }: ForkCommandOptions,
  settings: Settings,
): Promise<number> {
  const set = given === undefined ? {} : { set: jsonOption("--set", given) };
  const source = await lookUp(wanted, settings);
  const run = await withRun(source, options, settings, (orchestrator, runId) => orchestrator.fork(runId, { from, ...set }));
  if (!settings.json) print(paint.dim(`Forked from ${source.runId} at v${from}`));
  showRun(run, settings);
  return exitCodeOf(run.status);
}
