import type { Database } from "better-sqlite3";
import { damaged, sumOf } from "./sums.js";

interface Row {
  readonly id: number;
  readonly sum: number;
}

const RECENT = 1_000;

/** LangGraph's threads and their namespaces, by a small number that their many rows bear. */
export class Threads {
  readonly #select;
  readonly #insert;
  readonly #recent = new Map<string, number>();

  constructor(
    database: Database,
    private readonly path: string,
  ) {
    this.#select = database.prepare<[string, string], Row>("SELECT id, sum FROM graph_threads WHERE thread_id = ? AND namespace = ?");
    this.#insert = database.prepare("INSERT INTO graph_threads (thread_id, namespace, sum) VALUES (?, ?, ?)");
  }

  find(threadId: string, namespace: string): number | undefined {
    const row = this.#select.get(threadId, namespace);
    if (row) this.check(threadId, namespace, row.sum);
    return row?.id;
  }

  /** Throws `STORE_DAMAGED`. */
  check(threadId: string, namespace: string, sum: number): void {
    if (sum === sumOf(threadId, namespace)) return;
    throw damaged({ path: this.path, where: "graph_threads" }, "a thread is not what was written");
  }

  /** Inside a transaction. */
  findOrAdd(threadId: string, namespace: string): number {
    const name = JSON.stringify([threadId, namespace]);
    const recent = this.#recent.get(name);
    if (recent !== undefined) return recent;
    const id = this.find(threadId, namespace) ?? this.#add(threadId, namespace);
    if (this.#recent.size >= RECENT) this.#recent.clear();
    this.#recent.set(name, id);
    return id;
  }

  /** After a transaction, or a part of one, that was undone, and when threads were deleted. */
  forgetRecent(): void {
    this.#recent.clear();
  }

  #add(threadId: string, namespace: string): number {
    return Number(this.#insert.run(threadId, namespace, sumOf(threadId, namespace)).lastInsertRowid);
  }
}
