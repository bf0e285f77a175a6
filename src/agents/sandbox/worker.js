// Plain JavaScript with checked types, and not TypeScript: a worker thread loads its file without any loader, and so this one
// file is the same next to the sources (vitest, tsx) and next to the build, and finds its packages from wherever it lies.
import { parentPort, workerData } from "node:worker_threads";
import releaseSync from "@jitl/quickjs-ng-wasmfile-release-sync";
import { newQuickJSWASMModuleFromVariant, newVariant } from "quickjs-emscripten-core";
import { prepareGuest } from "./guest.js";

/**
 * @typedef {import("./protocol.js").SandboxRequest} SandboxRequest
 * @typedef {import("./protocol.js").SandboxOutcome} SandboxOutcome
 * @typedef {import("quickjs-emscripten-core").QuickJSHandle} QuickJSHandle
 */

const MIB = 1024 * 1024;
const PAGE = 64 * 1024;
/** What the engine has for itself beside the memory of the code, so that it can still say what went wrong. Its image starts with so much. */
const ENGINE_MEMORY = 16 * MIB;
/** Enough for some thousand calls within each other; the engine's image has 5 MiB for its stack, and more would run into its data. */
const MAX_STACK = MIB;
const JOBS_AT_ONCE = 1000;
const FILE = "code.js";

/** @type {SandboxRequest} */
const request = workerData;
const port = /** @type {import("node:worker_threads").MessagePort} */ (parentPort);

/** By its types the module were CommonJS. */
const variant = /** @type {import("quickjs-emscripten-core").QuickJSSyncVariant} */ (/** @type {unknown} */ (releaseSync));
const memory = new WebAssembly.Memory({ initial: ENGINE_MEMORY / PAGE, maximum: (ENGINE_MEMORY + request.memoryMb * MIB) / PAGE });
const engine = await newQuickJSWASMModuleFromVariant(newVariant(variant, { wasmModule: request.engine, wasmMemory: memory }));
const runtime = engine.newRuntime({ memoryLimitBytes: request.memoryMb * MIB, maxStackSizeBytes: MAX_STACK });
const context = runtime.newContext();
let output = "";
let deadline = Number.POSITIVE_INFINITY;
const late = () => performance.now() > deadline;

/** The code used up what it had; thrown through whatever the engine has under way. */
class OutOf extends Error {
  /** @param {"memory" | "time"} resource */
  constructor(resource) {
    super(resource);
    this.resource = resource;
  }
}

class CodeThrew extends Error {
  /** @param {import("./protocol.js").CodeError} error */
  constructor(error) {
    super(error.message);
    this.error = error;
  }
}

/** @type {{ encode: QuickJSHandle, describe: QuickJSHandle } | undefined} */
let guest;
port.postMessage({ status: "started" });
deadline = performance.now() + request.timeMs;
runtime.setInterruptHandler(late);
port.postMessage(outcome());

/** @returns {SandboxOutcome} */
function outcome() {
  try {
    guest = prepare();
    const code = given(context.evalCode(`(async function () {\n${request.code}\n})`, FILE));
    const value = settled(given(context.callFunction(code, context.undefined)));
    const json = textFrom(given(context.callFunction(guest.encode, context.undefined, value)));
    return { status: "returned", json, output };
  } catch (thrown) {
    if (thrown instanceof OutOf) return { status: "out-of", resource: thrown.resource };
    if (thrown instanceof CodeThrew) return { status: "threw", error: thrown.error, output };
    if (thrown instanceof RangeError) return { status: "threw", error: { name: "RangeError", message: thrown.message }, output }; // V8's own stack
    throw thrown;
  }
}

/** The handles are never freed: the whole engine ends with this thread. */
function prepare() {
  const write = context.newFunction("write", (line) => {
    const left = request.maxOutputLength - output.length;
    if (left > 0) output += `${textFrom(line, request.maxOutputLength)}\n`.slice(0, left);
  });
  const start = given(context.evalCode(`(${prepareGuest})`));
  const limits = [request.maxResultLength, request.maxOutputLength].map((limit) => context.newNumber(limit));
  const prepared = given(context.callFunction(start, context.undefined, write, context.newString(request.globals), ...limits));
  return { encode: context.getProp(prepared, "encode"), describe: context.getProp(prepared, "describe") };
}

/**
 * What a promise of the engine comes to, once no job is left.
 * @param {QuickJSHandle} promise
 */
function settled(promise) {
  while (runtime.hasPendingJob()) {
    const done = runtime.executePendingJobs(JOBS_AT_ONCE);
    if (late()) throw new OutOf("time");
    if (done.error) throw failureOf(done.error);
  }
  const state = context.getPromiseState(promise);
  if (state.type === "fulfilled") return state.value;
  if (state.type === "rejected") throw failureOf(state.error);
  throw new CodeThrew({
    name: "Error",
    message: "The code waits for a promise that nothing will ever settle: there are no timers and no network.",
  });
}

/** @param {{ value: QuickJSHandle, error?: undefined } | { error: QuickJSHandle }} result */
function given(result) {
  if (result.error) throw failureOf(result.error);
  return result.value;
}

/** @param {QuickJSHandle} thrown */
function failureOf(thrown) {
  if (late()) return new OutOf("time");
  if (!guest) return new OutOf("memory"); // there was not even room for what the code is given
  const description = context.callFunction(guest.describe, context.undefined, thrown);
  if (late()) return new OutOf("time");
  if (description.error) return new OutOf("memory"); // describing never throws by itself
  const { name, message, stack } = JSON.parse(textFrom(description.value));
  const exhausted = memory.buffer.byteLength > (ENGINE_MEMORY + request.memoryMb * MIB) / 2;
  // With not even enough left for an error, the engine throws null.
  if ((name === "InternalError" && message === "out of memory") || (exhausted && name === "Thrown" && message === "null"))
    return new OutOf("memory");
  return new CodeThrew({ name, message, ...lineIn(stack) });
}

/** @param {string} stack */
function lineIn(stack) {
  const line = Number(/code\.js:(\d{1,7})\b/.exec(stack)?.[1]) - 1; // the code begins in the second line
  return line >= 1 ? { line: Math.min(line, request.code.split("\n").length) } : {};
}

/**
 * Copies a text out of the engine, never more than was agreed on.
 * @param {QuickJSHandle} text
 */
function textFrom(text, maxLength = request.maxResultLength * 2) {
  if (context.typeof(text) !== "string") throw new CodeThrew({ name: "TypeError", message: "The code changed how its result is written." });
  const length = context.getNumber(context.getProp(text, "length"));
  if (length > maxLength) throw new CodeThrew({ name: "RangeError", message: "What the code returns is too large." });
  return context.getString(text);
}
