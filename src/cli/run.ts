import type { WorkflowPackage } from "../graph/workflow.js";
import { injectFaults } from "../testing/index.js";
import { runRows } from "./batch.js";
import { findPackage } from "./catalog.js";
import { openHouse } from "./house.js";
import { overrideOnFailure } from "./on-failure.js";
import { tell } from "./print.js";
import { EXIT, misused } from "./problem.js";
import { startProgress } from "./progress.js";
import { type Format, type InputFile, readInput } from "./read-input.js";
import { jsonPrinter, tablePrinter } from "./result-printer.js";
import { hasFailed } from "./results.js";
import { commandLine, type Settings } from "./settings.js";
import { listenForStop } from "./stop.js";

export interface RunOptions {
  readonly input?: string;
  readonly samples?: boolean;
  readonly format?: Format;
  readonly limit?: number;
  readonly concurrency: number;
  readonly inject?: readonly string[];
  readonly onFailure?: readonly string[];
}

/** Runs a workflow on every row of a file and prints what became of each, in the order of the rows. */
export async function runCommand(workflowName: string, options: RunOptions, settings: Settings): Promise<number> {
  const pkg = await findPackage(workflowName);
  const { rows, total } = await inputOf(pkg, options);
  await using house = await openHouse(settings, pkg);
  const workflow = overrideOnFailure(injectFaults(house.workflow, options.inject ?? []), options.onFailure ?? []);
  const orchestrator = house.orchestrate(workflow);

  using stop = listenForStop(orchestrator);
  using progress = startProgress({ total, enabled: showsProgress(settings) });
  const printer = settings.json ? jsonPrinter() : tablePrinter(pkg, progress);
  const seen = { ended: 0, failed: 0, left: 0 };
  const { concurrency } = options;
  for await (const result of runRows(rows, { orchestrator, workflow, concurrency, stop: stop.signal })) {
    const failed = hasFailed(result);
    if ("run" in result) seen.ended++;
    if ("run" in result && result.run.status === "running") seen.left++;
    if (failed) seen.failed++;
    progress.advance(failed);
    printer.add(result);
  }
  progress.clear();
  printer.end();
  if (seen.left > 0) tell(`${seen.left} runs were stopped half-way and are on disk. Carry them on: ${commandLine(settings, "recover")}`);
  return stop.exitCode() ?? (seen.ended === 0 ? EXIT.wrongInput : seen.failed > 0 ? EXIT.runFailed : EXIT.fine);
}

/** Not in a pipe, and not where it would get between the lines of the output. */
function showsProgress({ json }: Settings): boolean {
  return process.stderr.isTTY && !(json && process.stdout.isTTY) && process.env["TERM"] !== "dumb";
}

async function inputOf(pkg: WorkflowPackage, { input, samples = false, format, limit }: RunOptions): Promise<InputFile> {
  if (samples === (input !== undefined))
    throw misused("--input", "Say what to run it on: --input FILE (- for standard input) or --samples.");
  const file = input === undefined ? samplesOf(pkg) : await readInput({ source: input, format, csv: pkg.csv });
  if (limit === undefined) return file;
  return { rows: take(limit, file.rows), total: Math.min(limit, file.total ?? limit) };
}

function samplesOf({ samples }: WorkflowPackage): InputFile {
  async function* rows() {
    for (const [index, { input }] of samples.entries()) yield { row: index + 1, input };
  }
  return { rows: rows(), total: samples.length };
}

async function* take<T>(limit: number, items: AsyncIterable<T>): AsyncGenerator<T> {
  let left = limit;
  for await (const item of items) {
    yield item;
    if (--left === 0) return;
  }
}
