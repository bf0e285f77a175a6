import type { WorkflowPackage } from "../graph/workflow.js";
import type { PlaceOptions, QueueOptions } from "../orchestrator/queue-options.js";
import { injectFaults } from "../testing/index.js";
import { runRows } from "./batch.js";
import { findPackage } from "./catalog.js";
import { degradedRuns } from "./degraded.js";
import { openHouse } from "./house.js";
import { type Watched, watchRows } from "./not-begun.js";
import { overrideOnFailure } from "./on-failure.js";
import { tell } from "./print.js";
import { EXIT, misused } from "./problem.js";
import { showsProgress, startProgress } from "./progress.js";
import { pausedText } from "./queue.js";
import { type Format, type InputFile, readInput } from "./read-input.js";
import { jsonPrinter, tablePrinter } from "./result-printer.js";
import { hasFailed } from "./results.js";
import { commandLine, concurrencyOf, placesOf, type Settings } from "./settings.js";
import { listenForStop } from "./stop.js";

/** What both `run` and `submit` are told. */
export interface SubmitOptions extends PlaceOptions {
  readonly input?: string;
  readonly samples?: boolean;
  readonly format?: Format;
  readonly limit?: number;
  /** The field of the input whose value is the idempotency key. */
  readonly idempotencyKey?: string;
}

export interface RunOptions extends SubmitOptions {
  readonly concurrency?: number;
  readonly inject?: readonly string[];
  readonly onFailure?: readonly string[];
  /** Accepts the runs, and leaves them to whoever serves the queue. */
  readonly submit?: boolean;
}

/** Runs a workflow on every row of a file and prints what became of each, in the order of the rows. */
export async function runCommand(workflowName: string, options: RunOptions, settings: Settings): Promise<number> {
  const pkg = await findPackage(workflowName);
  const { rows, total } = await inputOf(pkg, options);
  const watched = watchRows({ rows, endless: options.input === "-" });
  await using house = await openHouse(settings, pkg);
  const workflow = overrideOnFailure(injectFaults(house.workflow, options.inject ?? []), options.onFailure ?? []);
  const orchestrator = house.orchestrate(workflow, queueOf(options, settings));
  const { submit = false } = options;
  if (orchestrator.queue.state().paused && !submit && takesPart(options)) tell(pausedText(settings));

  using stop = listenForStop(orchestrator);
  using progress = startProgress({ total, enabled: showsProgress(settings) });
  const printer = settings.json ? jsonPrinter() : tablePrinter(pkg, progress);
  const degraded = degradedRuns(house.events, settings);
  const seen = { row: 0, ended: 0, failed: 0, left: 0, waiting: 0, queued: 0 };
  const { idempotencyKey: keyField } = options;
  const concurrency = concurrencyOf(options.concurrency, settings);
  const batch = { orchestrator, workflow, concurrency, keyField, place: placeOf(options), submit, stop: stop.signal };
  for await (const result of runRows(watched.rows, batch)) {
    const failed = hasFailed(result);
    seen.row = result.row;
    if ("run" in result) seen.ended++;
    if ("run" in result && result.run.status === "running") seen.left++;
    if ("run" in result && result.run.status === "queued") seen.queued++;
    if ("run" in result && "questions" in result.run) seen.waiting++;
    if (failed) seen.failed++;
    progress.advance(failed);
    printer.add(result, "run" in result ? await degraded.see(result.run) : []);
  }
  progress.clear();
  printer.end();
  degraded.tell();
  if (seen.left > 0)
    tell(`${count(seen.left, "run was", "runs were")} stopped half-way. Carry on what is on disk: ${commandLine(settings, "recover")}`);
  if (seen.queued > 0) tell(`${count(seen.queued, "waits", "wait")} in the queue. Worked off by: ${commandLine(settings, "work")}`);
  if (seen.waiting > 0) tell(`${count(seen.waiting, "waits", "wait")} for a human: ${commandLine(settings, "inbox")}`);
  if (stop.exitCode() !== undefined) await tellNotBegun(watched, seen.row, options);
  return stop.exitCode() ?? (seen.ended === 0 ? EXIT.wrongInput : seen.failed > 0 ? EXIT.runFailed : EXIT.fine);
}

function count(number: number, one: string, many: string): string {
  return `${number} ${number === 1 ? one : many}`;
}

/** Whether the runs wait for their turn as others do. With faults put in, or other policies, they are nobody else's business. */
function takesPart({ inject = [], onFailure = [] }: RunOptions): boolean {
  return inject.length === 0 && onFailure.length === 0;
}

function queueOf(options: RunOptions, settings: Settings): QueueOptions | undefined {
  if (options.submit) return { maxConcurrent: 0 };
  return takesPart(options) ? { maxConcurrent: placesOf(options.concurrency, settings) } : undefined;
}

function placeOf({ priority, tenant, deadline }: PlaceOptions): PlaceOptions {
  return {
    ...(priority === undefined ? {} : { priority }),
    ...(tenant === undefined ? {} : { tenant }),
    ...(deadline === undefined ? {} : { deadline }),
  };
}

/** Without a key the same command would begin with the first row again, and decide it a second time. */
async function tellNotBegun(watched: Watched, begun: number, { idempotencyKey }: RunOptions): Promise<void> {
  const notBegun = await watched.notBegunAfter(begun);
  if (notBegun === undefined) return;
  const again =
    "run them from a file of their own, since the same command decides the rows before them again (--idempotency-key prevents it)";
  tell(`${notBegun}; ${idempotencyKey === undefined ? again : "run them with the same command, the rows before them keep their runs"}.`);
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
