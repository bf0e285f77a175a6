import { isTerminal } from "../../contracts/run.js";
import type { Pruned } from "../ports.js";
import { type CheckpointRow, stateOf } from "./checkpoints.js";
import type { CompactId } from "./compact-id.js";
import type { Ground } from "./ground.js";
import type { RunRow } from "./run-rows.js";
import { whileDeletable } from "./schema.js";

export type Keep = "terminal" | "none";

/** A run that ended long enough ago. */
export interface Ended {
  readonly runId: string;
  readonly endedAt: string;
}

/** Which checkpoints of a thread go, with the writes after them: those with a smaller id. */
interface Edge {
  readonly thread: number;
  readonly below: CompactId;
  /** Writes after this checkpoint stay: formats before 4 keep there what the next one is given. */
  readonly stays: CompactId | null;
}

type Took = Pick<Pruned, "checkpoints" | "writes" | "bytes">;

/** Checkpoints that go at one time. */
const CHUNK = 500;
/** What belongs to a run by its id, in the order in which it may go. */
const BY_RUN = ["questions", "events", "journal", "failed_steps", "versions", "runs"] as const;
const GUARDED = ["events", "journal", "failed_steps", "versions"] as const;

/** The statements that take away what belongs to ended runs, or only count it. Transactions are the caller's. */
export class Removal {
  /** Of the runs that went as a whole. */
  readonly sealsTaken: string[] = [];
  readonly #threads;
  readonly #latest;
  readonly #edge;
  readonly #tables = new Map<string, { readonly bytes: string }>();

  constructor(
    private readonly ground: Ground,
    private readonly keep: Keep,
    private readonly before: number,
  ) {
    const { database } = ground;
    this.#threads = database.prepare<[string], number>("SELECT id FROM graph_threads WHERE thread_id = ? ORDER BY id").pluck();
    this.#latest = database.prepare<[number], CheckpointRow>("SELECT * FROM graph_checkpoints WHERE thread = ? ORDER BY id DESC LIMIT 1");
    this.#edge = database.prepare<[number, number], CompactId>(
      "SELECT id FROM graph_checkpoints WHERE thread = ? ORDER BY id LIMIT 1 OFFSET ?",
    );
  }

  /** The runs of which something would go, oldest first. */
  *candidates(): Iterable<Ended> {
    const select = this.ground.database.prepare<[], { run_id: string; status: RunRow["status"]; ended_at: string | null }>(
      "SELECT run_id, status, ended_at FROM runs WHERE ended_at IS NOT NULL ORDER BY rowid",
    );
    for (const { run_id: runId, status, ended_at: endedAt } of select.all()) {
      if (endedAt === null || !isTerminal(status) || !(Date.parse(endedAt) < this.before)) continue;
      if (this.keep === "none" || this.#edges(runId).some((edge) => this.#hasAny(edge))) yield { runId, endedAt };
    }
  }

  /** What goes with a run, but for contents. */
  measure(runId: string): Took {
    if (this.keep === "terminal") return this.#edges(runId).reduce((sum, edge) => total(sum, this.#ofEdge(edge, false)), NONE);
    return total(this.#ofThreads(runId, false), this.#ofRun(runId, false));
  }

  /** Takes away at least a part; a run that is not what it was any more is left alone. */
  take({ runId, endedAt }: Ended): Took & { readonly done: boolean } {
    const row = this.ground.rows.find(runId);
    if (row?.ended_at !== endedAt || !isTerminal(row.status)) return { ...NONE, done: true };
    let took = NONE;
    for (const edge of this.#edges(runId)) {
      const part = this.#partOf(edge);
      took = total(took, this.#ofEdge(part, true));
      if (part !== edge) return { ...took, done: false };
    }
    if (this.keep === "terminal") return { ...took, done: true };
    took = total(took, this.#ofThreads(runId, true));
    took = total(took, this.#ofRun(runId, true));
    this.sealsTaken.push(row.seal);
    return { ...took, done: true };
  }

  unguarded(run: () => void): void {
    if (this.keep === "terminal") run();
    else whileDeletable(this.ground.database, GUARDED, run);
  }

  /** Writes down which rows would go, for `garbageIn`; in tables of this connection only. */
  markDoomed(chosen: readonly Ended[]): void {
    const { database } = this.ground;
    database.exec(
      "CREATE TEMP TABLE doomed_runs (run_id TEXT PRIMARY KEY); CREATE TEMP TABLE doomed_edges (thread INTEGER, below ANY, stays ANY)",
    );
    const addRun = database.prepare("INSERT INTO doomed_runs VALUES (?)");
    const addEdge = database.prepare("INSERT INTO doomed_edges VALUES (?, ?, ?)");
    for (const { runId } of chosen) {
      if (this.keep === "none") addRun.run(runId);
      else for (const { thread, below, stays } of this.#edges(runId)) addEdge.run(thread, below, stays);
    }
  }

  #edges(runId: string): Edge[] {
    return (this.#threads.all(runId) as number[]).flatMap((thread) => {
      const last = this.#latest.get(thread);
      if (!last || needsHistory(last)) return [];
      return [{ thread, below: last.id, stays: stateOf(last).v < 4 ? last.parent : null }];
    });
  }

  #hasAny({ thread, below, stays }: Edge): boolean {
    const { database } = this.ground;
    const checkpoint = database.prepare(`SELECT 1 FROM graph_checkpoints WHERE ${CHECKPOINTS} LIMIT 1`).get(thread, below);
    return (
      checkpoint !== undefined ||
      database.prepare(`SELECT 1 FROM graph_writes WHERE ${WRITES} LIMIT 1`).get(thread, below, stays) !== undefined
    );
  }

  /** As much of it as may go at one time. */
  #partOf(edge: Edge): Edge {
    const next = this.#edge.get(edge.thread, CHUNK) as CompactId | undefined;
    const more = next !== undefined && this.ground.database.prepare("SELECT ? < ?").pluck().get(next, edge.below) === 1;
    return more ? { ...edge, below: next } : edge;
  }

  #ofEdge({ thread, below, stays }: Edge, take: boolean): Took {
    const checkpoints = this.#of("graph_checkpoints", CHECKPOINTS, [thread, below], take);
    const writes = this.#of("graph_writes", WRITES, [thread, below, stays], take);
    return { checkpoints: checkpoints.rows, writes: writes.rows, bytes: checkpoints.bytes + writes.bytes };
  }

  #ofThreads(runId: string, take: boolean): Took {
    let sum = NONE;
    for (const thread of this.#threads.all(runId) as number[]) {
      const checkpoints = this.#of("graph_checkpoints", "thread = ?", [thread], take);
      const writes = this.#of("graph_writes", "thread = ?", [thread], take);
      sum = total(sum, { checkpoints: checkpoints.rows, writes: writes.rows, bytes: checkpoints.bytes + writes.bytes });
    }
    // The newest thread stays, as an empty one, so that no other is ever given its number.
    const { bytes } = this.#of("graph_threads", "thread_id = ? AND id < (SELECT max(id) FROM graph_threads)", [runId], take);
    return total(sum, { ...NONE, bytes });
  }

  #ofRun(runId: string, take: boolean): Took {
    const bytes = BY_RUN.reduce((sum, table) => sum + this.#of(table, "run_id = ?", [runId], take).bytes, 0);
    return { ...NONE, bytes };
  }

  #of(table: string, where: string, values: readonly unknown[], take: boolean): { readonly rows: number; readonly bytes: number } {
    const { database } = this.ground;
    const known = this.#tables.get(table) ?? { bytes: bytesOf(database, table) };
    this.#tables.set(table, known);
    const found = database
      .prepare<unknown[], { rows: number; bytes: number }>(
        `SELECT count(*) AS rows, coalesce(sum(${known.bytes}), 0) AS bytes FROM ${table} WHERE ${where}`,
      )
      .get(...values);
    if (take) database.prepare(`DELETE FROM ${table} WHERE ${where}`).run(...values);
    return found ?? { rows: 0, bytes: 0 };
  }
}

const CHECKPOINTS = "thread = ? AND id < ?";
const WRITES = "thread = ? AND checkpoint < ? AND checkpoint IS NOT ?";
const NONE: Took = { checkpoints: 0, writes: 0, bytes: 0 };

function total(a: Took, b: Took): Took {
  return { checkpoints: a.checkpoints + b.checkpoints, writes: a.writes + b.writes, bytes: a.bytes + b.bytes };
}

/** LangGraph's delta channels keep a value as what was written to it since an earlier checkpoint. */
function needsHistory({ metadata }: CheckpointRow): boolean {
  return metadata.includes('"counters_since_delta_snapshot"');
}

/** SQL for how much a row of a table holds. */
export function bytesOf(database: Ground["database"], table: string): string {
  const columns = database.pragma(`table_info(${table})`) as readonly { readonly name: string }[];
  return columns.map(({ name }) => `coalesce(octet_length(${name}), 0)`).join(" + ");
}
