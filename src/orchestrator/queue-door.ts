import { QUEUE_CELL, type QueueDepth } from "../checkpoint/ports.js";
import type { JsonObject } from "../contracts/json-value.js";
import type { Operations } from "./operations.js";
import type { Parts } from "./parts.js";
import type { Serving } from "./queue.js";

/** The runs that wait for their turn, of all processes on the store. */
export interface Queue {
  /** Nobody begins any more, in any process, until `resume`; what runs goes on, and runs are accepted as before. */
  pause(): Promise<void>;
  resume(): Promise<void>;
  /** Works the queue off: resolves when nobody waits. While it is paused, or runs only others can carry wait, that takes until they are gone. */
  drain(): Promise<void>;
  state(): QueueState;
}

export interface QueueState {
  readonly paused: boolean;
  /** How many wait. */
  readonly queued: number;
  /** How many are being carried, in all processes. */
  readonly running: number;
  /** Those that wait, by priority and then by tenant. */
  readonly waiting: readonly QueueDepth[];
}

export function queueDoor({ store, runtime }: Parts, serving: Serving | undefined, operations: Operations): Queue {
  const set = async (paused: boolean): Promise<void> => {
    await store.limits.change([QUEUE_CELL], ([cell]) => {
      const { paused: _, ...rest } = (cell ?? {}) as JsonObject; // only the store and this function write it
      return { cells: [paused ? { ...rest, paused } : rest], result: undefined };
    });
    serving?.wake();
  };
  return {
    pause: operations.count(() => set(true)),
    resume: operations.count(() => set(false)),
    drain: operations.count(async () => serving?.drain()),
    state() {
      const waiting = store.queue.depths();
      const queued = waiting.reduce((sum, depth) => sum + depth.queued, 0);
      return { paused: store.queue.isPaused(), queued, running: store.queue.running(runtime.now().toISOString()), waiting };
    },
  };
}
