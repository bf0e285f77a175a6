import { setTimeout } from "node:timers/promises";
import type { Runtime } from "../agents/runtime.js";
import { Draining } from "../contracts/failure.js";

const STOP_DEADLINE_MS = 10_000;

export interface StopOptions {
  /** How long the steps in flight may take to end by themselves; 10 s when left out. */
  readonly deadlineMs?: number;
}

/** What an orchestrator has been asked to do and has not done yet. */
export interface Operations {
  /** Counts an operation from its first moment on, not only once its run is under way. */
  count<Args extends unknown[], T>(operation: (...args: Args) => Promise<T>): (...args: Args) => Promise<T>;
  /** Resolves when none is left, those included that were asked for meanwhile. */
  settled(): Promise<void>;
}

export function operationsOf(): Operations {
  const underway = new Set<Promise<unknown>>();
  return {
    count:
      (operation) =>
      (...args) => {
        const promise = operation(...args);
        underway.add(promise);
        const done = () => underway.delete(promise);
        promise.then(done, done);
        return promise;
      },
    async settled() {
      while (underway.size > 0) await Promise.allSettled(underway);
    },
  };
}

export async function stop(
  runtime: Runtime,
  operations: Operations,
  queue: { stop(): Promise<void> } | undefined,
  { deadlineMs = STOP_DEADLINE_MS }: StopOptions = {},
): Promise<void> {
  runtime.drain();
  await queue?.stop();
  const settled = operations.settled();
  const timer = new AbortController();
  await Promise.race([settled, setTimeout(deadlineMs, undefined, { signal: timer.signal }).catch(() => {})]);
  timer.abort();
  for (const scope of runtime.activeScopes()) {
    const { runId } = scope;
    scope.halt(new Draining(`Run ${runId} was stopped at the deadline; it is on disk.`, { runId }));
  }
  await settled;
}
