import type { RunId } from "../contracts/ids.js";
import type { Run } from "../contracts/run.js";
import type { Operations } from "./operations.js";
import type { QueueListener } from "./queue-options.js";
import { Waiting } from "./waiting.js";

/** The runs that are carried in the background, and whoever listens to or waits for them. */
export class Background {
  /** Those who started a run that had to wait. */
  readonly waiting = new Waiting();
  readonly #carrying = new Map<RunId, Promise<void>>();
  readonly #listeners = new Set<QueueListener>();

  constructor(private readonly operations: Operations) {}

  get size(): number {
    return this.#carrying.size;
  }

  has(runId: RunId): boolean {
    return this.#carrying.has(runId);
  }

  /** Resolves when all that are carried now have come to rest. */
  async settled(): Promise<void> {
    await Promise.all(this.#carrying.values());
  }

  /** Carries a run; `close` waits for it. The work returns nothing when the run was left to others. */
  carry(runId: RunId, work: () => Promise<Run | undefined>): void {
    const carried = this.operations
      .count(work)()
      .then(
        (run) => {
          this.#carrying.delete(runId);
          if (run) this.#rest(run);
        },
        (thrown: unknown) => {
          this.#carrying.delete(runId);
          this.failed(thrown, runId);
          this.waiting.fail(runId, thrown);
        },
      );
    this.#carrying.set(runId, carried);
  }

  failed(thrown: unknown, runId: RunId | undefined): void {
    for (const { onError } of this.#listeners) onError?.(thrown, runId);
  }

  listen(listener: QueueListener): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) };
  }

  #rest(run: Run): void {
    for (const { onRest } of this.#listeners) onRest?.(run);
    this.waiting.end(run.runId);
  }
}
