import { setImmediate } from "node:timers"; // by import, so that fake timers in tests do not stop the disk
import type { Database } from "better-sqlite3";
import { isWalkbackError, messageOf, StoreClosed, StoreFailed } from "../../contracts/failure.js";
import { patiently } from "./busy.js";

interface Pending {
  readonly run: () => unknown;
  readonly resolve: (value: unknown) => void;
  readonly reject: (reason: unknown) => void;
}

/** What keeps something in memory while a transaction is under way. */
export interface Participant {
  /** The transaction has begun; nothing was written yet. */
  begun(): void;
  /** Called where one write begins; what it returns goes back there. */
  mark(): () => void;
  /** Writes what it kept; the last thing before the commit. */
  flush(): void;
  /** The transaction is on disk. */
  committed(): void;
  /** The transaction was undone. */
  aborted(): void;
}

/**
 * Group commit: the writes of all runs that are waiting share one transaction and one fsync, and each resolves only
 * after it. A write that throws is undone alone (a savepoint) and fails only its own caller. A write may be run twice, the
 * first time undone: all it may change is the database and what takes part in its transactions.
 */
export class Writer {
  #queue: Pending[] = [];
  #scheduled = false;
  #closed = false;
  /** The last batch failed as a whole: its writes are tried one by one. */
  #careful = false;
  #idle: (() => void)[] = [];
  readonly #begin;
  readonly #commit;
  readonly #savepoint;
  readonly #release;
  readonly #rollback;
  readonly #rollbackTo;

  constructor(
    private readonly database: Database,
    private readonly path: string,
    private readonly participant: Participant | undefined = undefined,
  ) {
    this.#begin = database.prepare("BEGIN IMMEDIATE");
    this.#commit = database.prepare("COMMIT");
    this.#savepoint = database.prepare("SAVEPOINT one");
    this.#release = database.prepare("RELEASE one");
    this.#rollback = database.prepare("ROLLBACK");
    this.#rollbackTo = database.prepare("ROLLBACK TO one");
  }

  /** Runs the statements in the next transaction and resolves with what they return once it is on disk. */
  write<T>(run: () => T): Promise<T> {
    if (this.#closed) return Promise.reject(this.#refusal());
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

  /** Throws `STORE_CLOSED`. */
  requireOpen(): void {
    if (this.#closed) throw this.#refusal();
  }

  #refusal(): StoreClosed {
    return new StoreClosed(`The store ${this.path} is closed. Open it again to go on with it.`, { path: this.path });
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

  /**
   * Synchronous from BEGIN to COMMIT, since others use the connection too. Nearly always all of a batch can be written: only
   * when one of it cannot is each run again, within a savepoint of its own. Throws, with the queue as it was, when it cannot
   * begin.
   */
  #commitQueue(): void {
    this.#begin.run();
    const batch = this.#queue.splice(0);
    const careful = this.#careful;
    this.#careful = false;
    try {
      this.participant?.begun();
      const settle = batch.map((pending) => (careful ? this.#runOne(pending) : runPlainly(pending)));
      this.participant?.flush();
      this.#commit.run();
      this.participant?.committed();
      for (const finish of settle) finish();
    } catch (thrown) {
      const retry = !careful && this.database.inTransaction; // otherwise the disk is full or gone: the whole batch fails
      if (this.database.inTransaction) this.#rollback.run();
      this.participant?.aborted();
      if (retry) {
        this.#queue.unshift(...batch);
        this.#careful = true;
        return this.#commitQueue();
      }
      const failure = isWalkbackError(thrown) ? thrown : this.#failure("commit", thrown);
      for (const pending of batch) pending.reject(failure);
    }
  }

  #runOne(pending: Pending): () => void {
    this.#savepoint.run();
    const goBack = this.participant?.mark();
    try {
      const value = pending.run();
      this.#release.run();
      return () => pending.resolve(value);
    } catch (thrown) {
      if (!this.database.inTransaction) throw thrown;
      goBack?.();
      this.#rollbackTo.run();
      this.#release.run();
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

function runPlainly({ run, resolve }: Pending): () => void {
  const value = run();
  return () => resolve(value);
}
