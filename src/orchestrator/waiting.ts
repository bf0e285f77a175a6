import type { RunId } from "../contracts/ids.js";

interface Waiter {
  readonly promise: Promise<void>;
  readonly resolve: () => void;
  readonly reject: (reason: unknown) => void;
}

/** Those who wait here for a run that waits in the queue; as many as there are runs, and little for each. */
export class Waiting {
  readonly #waiters = new Map<RunId, Waiter>();

  get size(): number {
    return this.#waiters.size;
  }

  runIds(): readonly RunId[] {
    return [...this.#waiters.keys()];
  }

  /** Resolves when somebody says that there is nothing more to wait for. */
  for(runId: RunId): Promise<void> {
    const known = this.#waiters.get(runId);
    if (known) return known.promise;
    let resolve = () => {};
    let reject: Waiter["reject"] = () => {};
    const promise = new Promise<void>((...settle) => {
      [resolve, reject] = settle;
    });
    this.#waiters.set(runId, { promise, resolve, reject });
    return promise;
  }

  end(runId: RunId): void {
    this.#take(runId)?.resolve();
  }

  fail(runId: RunId, thrown: unknown): void {
    this.#take(runId)?.reject(thrown);
  }

  #take(runId: RunId): Waiter | undefined {
    const waiter = this.#waiters.get(runId);
    this.#waiters.delete(runId);
    return waiter;
  }
}
