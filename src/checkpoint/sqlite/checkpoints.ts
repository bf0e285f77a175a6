import type { Database } from "better-sqlite3";
import type { Content } from "../content.js";
import { type CompactId, expanded, isSame } from "./compact-id.js";
import type { Contents } from "./contents.js";
import { damaged, sumOf } from "./sums.js";

/** Where a channel's value is: the id of a content, or for a small one its JSON. */
export type ValueRef = number | string;

/** Smaller JSON than this stands in place: a reference would cost as much. */
export const IN_PLACE_BYTES = 64;
/** Of so many threads the newest checkpoint is kept at hand. */
const RECENT = 1_000;

export interface CheckpointRow {
  readonly thread: number;
  readonly id: CompactId;
  readonly parent: CompactId | null;
  /** A `CheckpointState`, see `stateText`. */
  readonly state: string;
  /** JSON of `Record<channel, ValueRef>`. */
  readonly channels: string;
  readonly metadata: string;
  readonly sum: number;
}

/** A checkpoint without its values. */
export interface CheckpointState {
  readonly v: number;
  readonly ts: string;
  readonly versions: Readonly<Record<string, string | number>>;
  readonly seen: Readonly<Record<string, Readonly<Record<string, string | number>>>>;
}

export interface WriteRow {
  readonly thread: number;
  readonly checkpoint: CompactId;
  readonly task: CompactId;
  readonly place: number;
  readonly channel: string;
  readonly value: ValueRef;
  readonly sum: number;
}

/** The rows of LangGraph's checkpoints and of the writes that came after each; transactions are the caller's. */
export class Checkpoints {
  readonly #find;
  readonly #put;
  readonly #latest;
  readonly #findWrites;
  readonly #putWrite;
  readonly #replaceWrite;
  /** The newest checkpoint that was put to each thread, the parent of the next, and what was written to it since. */
  readonly #recent = new Map<number, { readonly row: CheckpointRow; readonly writes: Pick<WriteRow, "channel" | "value">[] }>();

  constructor(
    database: Database,
    private readonly contents: Contents,
    private readonly path: string,
  ) {
    this.#find = database.prepare<[number, CompactId], CheckpointRow>("SELECT * FROM graph_checkpoints WHERE thread = ? AND id = ?");
    this.#latest = database.prepare<[number], CheckpointRow>("SELECT * FROM graph_checkpoints WHERE thread = ? ORDER BY id DESC LIMIT 1");
    this.#put = database.prepare(
      "INSERT OR REPLACE INTO graph_checkpoints (thread, id, parent, state, channels, metadata, sum) VALUES (?, ?, ?, ?, ?, ?, ?)",
    );
    this.#findWrites = database.prepare<[number, CompactId], WriteRow>(
      "SELECT * FROM graph_writes WHERE thread = ? AND checkpoint = ? ORDER BY task, place",
    );
    const columns = "graph_writes (thread, checkpoint, task, place, channel, value, sum) VALUES (?, ?, ?, ?, ?, ?, ?)";
    this.#putWrite = database.prepare(`INSERT INTO ${columns} ON CONFLICT (thread, checkpoint, task, place) DO NOTHING`);
    this.#replaceWrite = database.prepare(`INSERT OR REPLACE INTO ${columns}`);
  }

  find(thread: number, id: CompactId): CheckpointRow | undefined {
    return this.#recentOf(thread, id)?.row ?? this.checked(this.#find.get(thread, id));
  }

  /** After a transaction, or a part of one, that was undone. */
  forgetRecent(): void {
    this.#recent.clear();
  }

  latest(thread: number): CheckpointRow | undefined {
    return this.checked(this.#latest.get(thread));
  }

  put(row: Omit<CheckpointRow, "sum">): void {
    const { thread, id, parent, state, channels, metadata } = row;
    const sum = checkpointSum(row);
    this.#put.run(thread, id, parent, state, channels, metadata, sum);
    if (this.#recent.size >= RECENT) this.#recent.clear();
    this.#recent.set(thread, { row: { ...row, sum }, writes: [] });
  }

  /** What was written to a checkpoint, as far as it helps to know. */
  addedTo(thread: number, checkpoint: CompactId): readonly Pick<WriteRow, "channel" | "value">[] {
    return this.#recentOf(thread, checkpoint)?.writes ?? this.writesTo(thread, checkpoint);
  }

  writesTo(thread: number, checkpoint: CompactId): WriteRow[] {
    const rows = this.#findWrites.all(thread, checkpoint);
    if (rows.every((row) => row.sum === writeSum(row))) return rows;
    throw damaged({ path: this.path, where: "graph_writes" }, `a write after checkpoint ${expanded(checkpoint)} is not what was written`);
  }

  /** The first write at a place stands, unless it may be replaced. */
  putWrite(row: Omit<WriteRow, "sum" | "value">, value: Content, replace: boolean): void {
    const { thread, checkpoint, task, place, channel } = row;
    const ref = this.keep(value);
    const statement = replace ? this.#replaceWrite : this.#putWrite;
    statement.run(thread, checkpoint, task, place, channel, ref, writeSum({ ...row, value: ref }));
    this.#recentOf(thread, checkpoint)?.writes.push({ channel, value: ref });
  }

  /** `before` is the channel's value in the checkpoint before, `added` what was written to it since. */
  keep(value: Content, before?: ValueRef, added: readonly ValueRef[] = []): ValueRef {
    if (value.type === "json" && value.bytes.length <= IN_PLACE_BYTES) return Buffer.from(value.bytes).toString("utf8");
    return this.contents.put(value, { before: contentOf(before), added: added.flatMap((ref) => contentOf(ref) ?? []) });
  }

  valueOf(ref: ValueRef): Content {
    return typeof ref === "string" ? { type: "json", bytes: Buffer.from(ref) } : this.contents.get(ref);
  }

  #recentOf(thread: number, id: CompactId) {
    const recent = this.#recent.get(thread);
    return recent && isSame(recent.row.id, id) ? recent : undefined;
  }

  checked(row: CheckpointRow | undefined): CheckpointRow | undefined {
    if (!row || row.sum === checkpointSum(row)) return row;
    throw damaged({ path: this.path, where: "graph_checkpoints" }, `checkpoint ${expanded(row.id)} is not what was written`);
  }
}

function contentOf(ref: ValueRef | undefined): number | undefined {
  return typeof ref === "number" ? ref : undefined;
}

/** Short, since there is one for each step: a list, and the time in milliseconds. */
export function stateText({ v, ts, versions, seen }: CheckpointState): string {
  const ms = Date.parse(ts);
  const exact = Number.isFinite(ms) && new Date(ms).toISOString() === ts;
  return JSON.stringify([v, exact ? ms : ts, versions, seen]);
}

export function stateOf({ state }: Pick<CheckpointRow, "state">): CheckpointState {
  const [v, time, versions, seen] = JSON.parse(state) as [number, number | string, CheckpointState["versions"], CheckpointState["seen"]];
  return { v, ts: typeof time === "number" ? new Date(time).toISOString() : time, versions, seen };
}

export function checkpointSum({ thread, id, parent, state, channels, metadata }: Omit<CheckpointRow, "sum">): number {
  return sumOf(thread, expanded(id), parent === null ? null : expanded(parent), state, channels, metadata);
}

export function writeSum({ thread, checkpoint, task, place, channel, value }: Omit<WriteRow, "sum">): number {
  return sumOf(thread, expanded(checkpoint), expanded(task), place, channel, value);
}
