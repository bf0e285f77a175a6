import { Worker, type WorkerOptions } from "node:worker_threads";
import type { SandboxMessage, SandboxOutcome, SandboxRequest } from "./protocol.js";

/** Plain JavaScript in the sources and in the build alike, so that no loader is needed; see there. */
const WORKER = new URL("./worker.js", import.meta.url);
const START_MS = 30_000;
/** How much later than the engine itself this side looks at the clock: for what the engine does without ever asking whether it may go on. */
const GRACE_MS = 500;

/** A thread for one run: it is gone when this comes back, however the run ended. */
export async function runInWorker(request: SandboxRequest, signal: AbortSignal): Promise<SandboxOutcome> {
  const worker = start(request);
  if (!(worker instanceof Worker)) return worker;
  try {
    return await outcomeOf(worker, request.timeMs, signal);
  } finally {
    await worker.terminate();
  }
}

function start(request: SandboxRequest): Worker | SandboxOutcome {
  try {
    return new Worker(WORKER, optionsFor(request));
  } catch (thrown) {
    if (!isShortage(thrown)) throw thrown;
    return { status: "out-of", resource: "process", cause: thrown };
  }
}

function optionsFor(request: SandboxRequest): WorkerOptions {
  return {
    workerData: request,
    env: {},
    execArgv: [], // neither loaders nor inspectors of this process
    stdout: true, // held back: neither the code nor the engine writes to the terminal
    stderr: true,
    // The memory of the engine is bounded by itself; this is for the little that the worker does around it.
    resourceLimits: { maxOldGenerationSizeMb: 64, maxYoungGenerationSizeMb: 16, stackSizeMb: 16 },
  };
}

function outcomeOf(worker: Worker, timeMs: number, signal: AbortSignal): Promise<SandboxOutcome> {
  const { promise, resolve, reject } = withResolvers<SandboxOutcome>();
  const late = () => resolve({ status: "out-of", resource: "time" });
  const died = (cause?: unknown) => resolve({ status: "out-of", resource: "process", cause });
  let started = false;
  let alarm = setTimeout(died, START_MS);
  const begin = () => {
    started = true;
    clearTimeout(alarm);
    // One round of the event loop more: where this process was busy itself, the answer is here already and only not read yet.
    alarm = setTimeout(() => setImmediate(late), timeMs + GRACE_MS);
  };
  const abort = () => reject(signal.reason);
  worker.on("message", (message: SandboxMessage) => (message.status === "started" ? begin() : resolve(message)));
  worker.on("error", (error) => (started || isShortage(error) ? died(error) : reject(error)));
  worker.on("exit", () => died());
  signal.addEventListener("abort", abort, { once: true });
  if (signal.aborted) abort();
  return promise.finally(() => {
    clearTimeout(alarm);
    signal.removeEventListener("abort", abort);
  });
}

/** There was no room for the thread or for the memory of its engine; whatever else keeps it from starting is a broken installation. */
function isShortage(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return (
    error instanceof RangeError ||
    ("code" in error && (error.code === "ERR_WORKER_OUT_OF_MEMORY" || error.code === "ERR_WORKER_INIT_FAILED"))
  );
}

function withResolvers<Value>() {
  let resolve: (value: Value) => void = () => undefined;
  let reject: (reason: unknown) => void = () => undefined;
  const promise = new Promise<Value>((keep, refuse) => {
    resolve = keep;
    reject = refuse;
  });
  return { promise, resolve, reject };
}
