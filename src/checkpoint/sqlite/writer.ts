import { setImmediate, setTimeout } from "node:timers"; // by import, so that fake timers in tests do not stop the disk
import type { Database } from "better-sqlite3";
import { isWalkbackError, messageOf, StoreBusy, StoreClosed, StoreFailed } from "../../contracts/failure.js";

interface Pending {
  readonly run: () => unknown;
  readonly resolve: (value: unknown) => void;
  readonly reject: (reason: unknown) => void;
}

/** How long a write waits for another process to let go of the file. */
const BUSY_LIMIT_MS = 10_000;
const BUSY_PAUSE_MS = 5;

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

  async close(): Promise<void> {
    await this.drain();
    this.#closed = true;
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => this.#flush(Date.now()));
  }

  #flush(since: number): void {
    const batch = this.#queue;
    try {
      this.database.exec("BEGIN IMMEDIATE");
    } catch (thrown) {
      return this.#beginFailed(thrown, since);
    }
    this.#queue = [];
    const settle: (() => void)[] = [];
    try {
      for (const pending of batch) settle.push(this.#runOne(pending));
      this.database.exec("COMMIT");
    } catch (thrown) {
      if (this.database.inTransaction) this.database.exec("ROLLBACK");
      const failure = this.#failure("commit", thrown);
      for (const pending of batch) pending.reject(failure);
      return this.#next();
    }
    for (const finish of settle) finish();
    this.#next();
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

  #beginFailed(thrown: unknown, since: number): void {
    const waitedMs = Date.now() - since;
    if (isBusy(thrown) && waitedMs < BUSY_LIMIT_MS) {
      setTimeout(() => this.#flush(since), BUSY_PAUSE_MS);
      return;
    }
    const failure = isBusy(thrown)
      ? new StoreBusy(
          `Another process has held the store ${this.path} for ${waitedMs} ms. Try again, or find out which process does.`,
          { path: this.path, waitedMs },
          { cause: thrown },
        )
      : this.#failure("begin", thrown);
    const batch = this.#queue;
    this.#queue = [];
    for (const pending of batch) pending.reject(failure);
    this.#next();
  }

  #next(): void {
    this.#scheduled = false;
    if (this.#queue.length > 0) return this.#schedule();
    for (const resolve of this.#idle.splice(0)) resolve();
  }

  #failure(operation: string, thrown: unknown): StoreFailed {
    return new StoreFailed(
      `The store ${this.path} could not ${operation}: ${messageOf(thrown)}.`,
      { path: this.path, operation },
      { cause: thrown },
    );
  }
}

function isBusy(thrown: unknown): boolean {
  return thrown instanceof Error && "code" in thrown && String(thrown.code).startsWith("SQLITE_BUSY");
}
