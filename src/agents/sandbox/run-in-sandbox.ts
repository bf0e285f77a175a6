import { messageOf, optionInvalid } from "../../contracts/failure.js";
import { seal } from "../../contracts/json.js";
import type { JsonValue } from "../../contracts/json-value.js";
import { outOfResources, type Resources } from "../tool/out-of-resources.js";
import { engine } from "./engine.js";
import type { CodeError, SandboxOutcome } from "./protocol.js";
import { runInWorker } from "./run-in-worker.js";
import { SandboxFailed } from "./sandbox-failed.js";

export interface SandboxOptions {
  /** Plain JSON that the code finds, frozen, as the global `input`; null when left out. It sees nothing else of this process. */
  readonly input?: unknown;
  /** Plain JSON that it finds as the global `results`. */
  readonly results?: Readonly<Record<string, unknown>>;
  readonly resources: Resources;
  /** Ends the code at once. */
  readonly signal?: AbortSignal | undefined;
}

export interface SandboxResult {
  readonly result: JsonValue;
  /** What the code printed by `console`, at most 16 kB. */
  readonly output: string;
}

const MAX_RESULT_BYTES = 256 * 1024;
const MAX_OUTPUT_LENGTH = 16 * 1024;
export const MAX_CODE_LENGTH = 256 * 1024;
/** What of the output stands in the message of a failure; all of it is in the details. */
const MAX_TOLD_OUTPUT = 4000;
const MIN_MEMORY_MB = 4;
/** WebAssembly ends at 2 GiB, and the engine needs something for itself. */
const MAX_MEMORY_MB = 2000;
const MAX_TIME_MS = 10 * 60_000;

/**
 * Runs JavaScript that nobody has read: in an engine of its own (QuickJS as WebAssembly), in a thread of its own, with so much
 * memory and time and no more. There is no network, no file, no process, no module and no timer in it, and nothing of one run
 * is there in the next. The code is the body of an async function: it ends with `return` and plain JSON (up to 256 kB).
 *
 * Throws `SANDBOX_FAILED` when the code is wrong, `OUT_OF_RESOURCES` when it needs more, and the signal's reason.
 */
export async function runInSandbox(
  code: string,
  { input = null, results = {}, resources, signal = new AbortController().signal }: SandboxOptions,
): Promise<SandboxResult> {
  checkResources(resources);
  if (code.length > MAX_CODE_LENGTH)
    throw failed({ name: "RangeError", message: `The code has more than ${MAX_CODE_LENGTH} characters.` }, "");
  const globals = seal({ input, results }).json;
  signal.throwIfAborted();
  const limits = { ...resources, maxResultLength: MAX_RESULT_BYTES, maxOutputLength: MAX_OUTPUT_LENGTH };
  return resultOf(await runInWorker({ code, globals, ...limits, engine: await engine() }, signal), resources);
}

/** Throws `OPTION_INVALID` for limits that cannot be kept. */
export function checkResources({ memoryMb, timeMs }: Resources, option = "resources"): void {
  if (!Number.isInteger(memoryMb) || memoryMb < MIN_MEMORY_MB || memoryMb > MAX_MEMORY_MB)
    throw optionInvalid(`${option}.memoryMb`, `must be a whole number from ${MIN_MEMORY_MB} to ${MAX_MEMORY_MB}`);
  if (!(timeMs > 0 && timeMs <= MAX_TIME_MS)) throw optionInvalid(`${option}.timeMs`, `must be more than 0 and at most ${MAX_TIME_MS}`);
}

function resultOf(outcome: SandboxOutcome, had: Resources): SandboxResult {
  switch (outcome.status) {
    case "returned":
      return { result: checked(outcome.json, outcome.output), output: printable(outcome.output) };
    case "threw":
      throw failed(outcome.error, outcome.output);
    case "out-of":
      throw outOfResources(outcome.resource, had, null, outcome.cause === undefined ? undefined : { cause: outcome.cause });
  }
}

/** The code had a hand in what was checked inside, so it is checked again out here. */
function checked(json: string, output: string): JsonValue {
  try {
    return seal(JSON.parse(json), MAX_RESULT_BYTES).data;
  } catch (thrown) {
    throw failed({ name: "TypeError", message: `The result cannot be used. ${messageOf(thrown)}` }, output);
  }
}

function failed({ name, message, line }: CodeError, printedBefore: string): SandboxFailed {
  const error = printable(name).trim() || "Error";
  const output = printable(printedBefore);
  const where = line === undefined ? "" : ` in line ${line}`;
  const before = output === "" ? "" : `\nIt had printed:\n${output.slice(0, MAX_TOLD_OUTPUT).toWellFormed()}`;
  return new SandboxFailed(`The code failed${where}: ${error}: ${printable(message)}${before}`, { error, line, output });
}

/** Without what moves a cursor, hides text or turns its direction; lines and tabs stay. */
function printable(text: string): string {
  return text.toWellFormed().replaceAll(/[\p{Zl}\p{Zp}]|[^\P{C}\n\t]/gu, "");
}
