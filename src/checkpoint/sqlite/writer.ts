import { setImmediate } from "node:timers"; // by import, so that fake timers in tests do not stop the disk
import type { Database } from "better-sqlite3";
import { isWalkbackError, messageOf, StoreClosed, StoreFailed } from "../../contracts/failure.js";
import { patiently } from "./busy.js";

interface Pending {
  readonly run: () => unknown;
  readonly resolve: (value: unknown) => void;
  readonly reject: (reason: unknown) => void;
}

/**
 * Group commit: the writes of all runs that are waiting share one transaction and one fsync, and each resolves only
 * after it. A write that throws is undone alone (a savepoint) and fails only its own caller.
 */
export class Writer {
  #queue: Pending[] = [];
  #scheduled = false;
  #closed = false;
  #idle: (() => void)[] = [];

  constructor(
    private readonly database: Database,
    private readonly path: string,
  ) {}

  /** Runs the statements in the next transaction and resolves with what they return once it is on disk. */
  write<T>(run: () => T): Promise<T> {
    if (this.#closed)
      return Promise.reject(new StoreClosed(`The store ${this.path} is closed. Open it again to write.`, { path: this.path }));
    return new Promise<T>((resolve, reject) => {
      this.#queue.push({ run, resolve: resolve as (value: unknown) => void, reject });
      this.#schedule();
    });
  }

  /** Joins the next transaction without anybody waiting for it. */
  enqueue(run: () => void): void {
    if (this.#closed) return;
    this.#queue.push({ run, resolve: () => {}, reject: () => {} });
    this.#schedule();
  }

  /** Resolves when nothing is queued any more. */
  async drain(): Promise<void> {
    if (this.#queue.length === 0 && !this.#scheduled) return;
    await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  /** Refuses further writes, then waits for those that were accepted. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.drain();
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => void this.#flush());
  }

  async #flush(): Promise<void> {
    try {
      await patiently(this.path, () => this.#commitQueue());
    } catch (thrown) {
      const failure = isWalkbackError(thrown) ? thrown : this.#failure("begin", thrown);
      for (const pending of this.#queue.splice(0)) pending.reject(failure);
    }
    this.#scheduled = false;
    if (this.#queue.length > 0) return this.#schedule();
    for (const resolve of this.#idle.splice(0)) resolve();
  }

  /** Synchronous from BEGIN to COMMIT, since others use the connection too. Throws, with the queue as it was, when it cannot begin. */
  #commitQueue(): void {
    this.database.exec("BEGIN IMMEDIATE");
    const batch = this.#queue.splice(0);
    const settle: (() => void)[] = [];
    try {
      for (const pending of batch) settle.push(this.#runOne(pending));
      this.database.exec("COMMIT");
    } catch (thrown) {
      const failure = this.#failure("commit", thrown);
      for (const pending of batch) pending.reject(failure);
      if (this.database.inTransaction) this.database.exec("ROLLBACK");
      return;
    }
    for (const finish of settle) finish();
  }

  #runOne(pending: Pending): () => void {
    this.database.exec("SAVEPOINT one");
    try {
      const value = pending.run();
      this.database.exec("RELEASE one");
      return () => pending.resolve(value);
    } catch (thrown) {
      if (!this.database.inTransaction) throw thrown; // the disk is full or gone: the whole batch fails
      this.database.exec("ROLLBACK TO one");
      this.database.exec("RELEASE one");
      return () => pending.reject(isWalkbackError(thrown) ? thrown : this.#failure("write", thrown));
    }
  }

  #failure(operation: string, thrown: unknown): StoreFailed {
    return new StoreFailed(
      `The store ${this.path} could not ${operation}: ${messageOf(thrown)}.`,
      { path: this.path, operation },
      { cause: thrown },
    );
  }
}
