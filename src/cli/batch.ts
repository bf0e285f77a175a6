import { Readable } from "node:stream";
import { describeIssues } from "../contracts/contract.js";
import { type Failure, InputInvalid, type Issue, isWalkbackError, pointerOf } from "../contracts/failure.js";
import type { RunId } from "../contracts/ids.js";
import type { Run } from "../contracts/run.js";
import type { Workflow } from "../graph/workflow.js";
import type { PlaceOptions } from "../orchestrator/queue-options.js";
import type { Orchestrator } from "../orchestrator.js";
import type { InputRow } from "./input-row.js";

/** What became of a row: a run, or no run because its input was refused. */
export type RowResult = { readonly row: number; readonly run: Run } | { readonly row: number; readonly rejected: Failure };

export interface Batch {
  readonly orchestrator: Orchestrator;
  readonly workflow: Workflow;
  /** Runs under way at one time. */
  readonly concurrency: number;
  /** No row is started once it is aborted. */
  readonly stop: AbortSignal;
  readonly onAccepted?: (runId: RunId) => void;
  /** The field of the input that tells one intent from another: a row that was run before keeps its run. */
  readonly keyField?: string | undefined;
  readonly place?: PlaceOptions | undefined;
  /** Accepts the runs, and leaves them to whoever serves the queue. */
  readonly submit?: boolean | undefined;
}

/** Finished results that may wait for a slower row before them: the order of the output is that of the input. */
const MAX_AHEAD = 256;

/** Starts a run for each row and yields what became of them, in the order of the rows, never holding all of them. */
export async function* runRows(rows: AsyncIterable<InputRow>, batch: Batch): AsyncGenerator<RowResult> {
  const { concurrency, stop } = batch;
  const options = { concurrency, highWaterMark: Math.max(MAX_AHEAD, concurrency) };
  const work = async (row: InputRow) => (stop.aborted ? ABORTED : runRow(row, batch));
  const results: AsyncIterable<Awaited<ReturnType<typeof work>>> = Readable.from(until(stop, rows)).map(work, options);
  for await (const result of results) if (result !== ABORTED) yield result;
}

async function runRow(line: InputRow, batch: Batch): Promise<RowResult | typeof ABORTED> {
  const { orchestrator, workflow, onAccepted, keyField, place, submit = false } = batch;
  const { row } = line;
  if ("issues" in line) return { row, rejected: inputInvalid(workflow, line.issues) };
  const key = keyOf(workflow, line.input, keyField);
  if ("issues" in key) return { row, rejected: inputInvalid(workflow, key.issues) };
  try {
    const options = { ...place, ...key, ...(onAccepted ? { onAccepted } : {}) };
    if (!submit) return { row, run: await orchestrator.start(workflow.name, line.input, options) };
    return { row, run: await orchestrator.get(await orchestrator.submit(workflow.name, line.input, options)) };
  } catch (thrown) {
    if (isWalkbackError(thrown) && thrown.code === "DRAINING") return ABORTED;
    if (isWalkbackError(thrown) && REFUSED.has(thrown.code)) return { row, rejected: thrown.toJSON() };
    throw thrown;
  }
}

/** What `start` throws about the input; anything else ends the batch. */
const REFUSED: ReadonlySet<string> = new Set(["INPUT_INVALID", "NOT_PLAIN_JSON", "DOCUMENT_TOO_LARGE", "KEY_REUSED", "QUEUE_FULL"]);

type Key = { readonly idempotencyKey?: string } | { readonly issues: readonly Issue[] };

function keyOf({ name }: Workflow, input: unknown, field: string | undefined): Key {
  if (field === undefined) return {};
  const value: unknown = typeof input === "object" && input !== null && Object.hasOwn(input, field) ? Reflect.get(input, field) : undefined;
  if (typeof value === "number" || (typeof value === "string" && value !== "")) return { idempotencyKey: `${name}/${value}` };
  return { issues: [{ path: pointerOf([field]), message: "the idempotency key is taken from here: it must be a text or a number" }] };
}

function inputInvalid({ input }: Workflow, issues: readonly Issue[]): Failure {
  const message = `The input does not fit ${input.id}: ${describeIssues(issues)}.`;
  return new InputInvalid(message, { contract: input.id, issues }).toJSON();
}

/** The same items until the signal is aborted, also while waiting for the next one. */
async function* until<T>(signal: AbortSignal, items: AsyncIterable<T>): AsyncGenerator<T> {
  const iterator = items[Symbol.asyncIterator]();
  for (;;) {
    const next = await unlessAborted(signal, iterator.next());
    if (next === ABORTED || next.done) return;
    yield next.value;
  }
}

const ABORTED = Symbol("aborted");

/** Leaves nothing behind on the signal; `Promise.race` with one promise for all would keep every result alive. */
function unlessAborted<T>(signal: AbortSignal, promise: Promise<T>): Promise<T | typeof ABORTED> {
  if (signal.aborted) return Promise.resolve(ABORTED);
  return new Promise((resolve, reject) => {
    const abort = () => resolve(ABORTED);
    signal.addEventListener("abort", abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}
