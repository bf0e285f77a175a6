import type { Database } from "better-sqlite3";
import { Fenced, RunFinished, RunUnknown } from "../../contracts/failure.js";
import type { RunId } from "../../contracts/ids.js";
import { sha256 } from "../../contracts/json.js";
import { isTerminal, type RunStatus } from "../../contracts/run.js";
import type { Fence } from "../ports.js";
import type { Heads } from "./heads.js";
import { OutsideChanges } from "./outside-changes.js";
import { damaged, sumOf } from "./sums.js";

/** What is known of a run. Everything else that belongs to it is counted here, so that none of it can go missing unnoticed. */
export interface RunFacts {
  readonly run_id: string;
  readonly workflow: string;
  readonly workflow_version: number;
  readonly status: RunStatus;
  readonly accepted_at: string;
  readonly ended_at: string | null;
  readonly failure: string | null;
  readonly output_version: number | null;
  readonly idempotency_key: string | null;
  readonly cancel_reason: string | null;
  /** The content that says what it was made with. */
  readonly program: number | null;
  /** JSON of a `ForkPoint`, and the hash of that version. */
  readonly forked_from: string | null;
  /** For whom it is. */
  readonly tenant: string | null;
  /** 1 (highest) to 10. */
  readonly priority: number;
  /** ISO 8601; a run that still waits in the queue then is canceled. */
  readonly deadline: string | null;
  /** The order in which queued runs were accepted; null for one that did not have to wait. */
  readonly queue_place: number | null;
  /** ISO 8601; when it left the queue. */
  readonly begun_at: string | null;
  /** 1 when an answer came from a lower tier than could have been asked. */
  readonly degraded: number;
  readonly versions: number;
  readonly versions_head: string;
  readonly failed_steps: number;
  readonly journal: number;
  readonly journal_head: string;
  readonly events: number;
  readonly questions: number;
}

/** Who carries it; changes all the time, so the seal does not cover it. */
export interface RunLease {
  readonly epoch: number;
  readonly holder: string | null;
  readonly lease_until: string | null;
  readonly crashes: number;
  readonly progress: number;
}

export type RunRow = RunFacts & RunLease & { readonly seal: string; readonly lease_sum: number };

const FACTS = [
  "run_id",
  "workflow",
  "workflow_version",
  "status",
  "accepted_at",
  "ended_at",
  "failure",
  "output_version",
  "idempotency_key",
  "cancel_reason",
  "program",
  "forked_from",
  "tenant",
  "priority",
  "deadline",
  "queue_place",
  "begun_at",
  "degraded",
  "versions",
  "versions_head",
  "failed_steps",
  "journal",
  "journal_head",
  "events",
  "questions",
] as const satisfies readonly (keyof RunFacts)[];
const LEASE = ["epoch", "holder", "lease_until", "crashes", "progress"] as const satisfies readonly (keyof RunLease)[];
/** Of so many runs the row is kept at hand. */
const KNOWN = 1_000;
const COLUMNS = [...FACTS, ...LEASE, "seal", "lease_sum"];
const INDEXED = [
  "status",
  "idempotency_key",
  "tenant",
  "priority",
  "deadline",
  "queue_place",
] as const satisfies readonly (keyof RunFacts)[];

/**
 * The rows of the runs. Within a transaction a row is read once, changed in memory, and written, sealed, once at its end:
 * fifty small changes to a run cost one update.
 */
export class RunRows {
  readonly #select;
  readonly #insert;
  readonly #update;
  /** Leaves alone what an index holds: SQLite would write the index as well, changed or not. */
  readonly #updateRest;
  /** Of the transaction under way: rows as they are now, and as they are on disk. */
  readonly #now = new Map<string, RunRow>();
  readonly #before = new Map<string, RunRow | undefined>();
  /** Of the rows as they are now, those that the database has been told already. */
  readonly #told = new Map<string, RunRow>();
  #undo: (readonly [string, RunRow | undefined])[] = [];
  /** A part of the transaction was undone: what the database has been told is not known any more. */
  #unsure = false;
  /** Rows as they are on disk, for as long as nobody else writes. */
  readonly #known = new Map<string, RunRow>();
  readonly #outside;
  readonly #refused = new Map<string, { readonly epoch: number; readonly thrown: unknown }>();

  constructor(
    database: Database,
    private readonly path: string,
    private readonly heads: Heads,
  ) {
    this.#select = database.prepare<[string], RunRow>("SELECT * FROM runs WHERE run_id = ?");
    this.#insert = database.prepare(`INSERT INTO runs (${COLUMNS.join(", ")}) VALUES (${COLUMNS.map((name) => `@${name}`).join(", ")})`);
    this.#outside = new OutsideChanges(database);
    const changing = COLUMNS.filter((name) => name !== "run_id");
    this.#update = database.prepare(updateOf(changing));
    this.#updateRest = database.prepare(updateOf(changing.filter((name) => !INDEXED.some((indexed) => indexed === name))));
  }

  /** Throws `STORE_DAMAGED` when the row is not what was written. */
  find(runId: string): RunRow | undefined {
    return this.#now.get(runId) ?? this.#unchanged(runId) ?? this.#read(runId);
  }

  #unchanged(runId: string): RunRow | undefined {
    if (this.#known.size > 0 && this.#outside.noticed()) this.forgetKnown();
    return this.#known.get(runId);
  }

  #read(runId: string): RunRow | undefined {
    const row = this.checked(this.#select.get(runId));
    if (row) this.#keep(row);
    return row;
  }

  #keep(row: RunRow): void {
    if (this.#known.size >= KNOWN) this.#known.clear();
    this.#known.set(row.run_id, row);
  }

  /** Throws `RUN_UNKNOWN`. */
  get(runId: RunId): RunRow {
    const row = this.find(runId);
    if (row) return row;
    throw new RunUnknown(`There is no run ${runId} in this store.`, { runId });
  }

  /** Throws `FENCED` when the run has changed hands since, and with `unended` `RUN_FINISHED` when it has ended. */
  held({ runId, epoch }: Fence, { unended }: { readonly unended: boolean }): RunRow {
    const row = this.get(runId);
    const refused = this.#refused.get(runId);
    if (refused?.epoch === epoch) throw refused.thrown;
    if (row.epoch !== epoch) {
      const message = `Run ${runId} was taken over (epoch ${row.epoch}, this writer has ${epoch}); nothing of this process may be written to it.`;
      throw new Fenced(message, { runId, epoch, currentEpoch: row.epoch });
    }
    if (unended && isTerminal(row.status))
      throw new RunFinished(`Run ${runId} has ended as ${row.status}; nothing is added to it.`, { runId, status: row.status });
    return row;
  }

  /** From here on nothing is written to the run under this epoch: a write that nobody waited for has failed. */
  refuse({ runId, epoch }: Fence, thrown: unknown): void {
    this.#refused.set(runId, { epoch, thrown });
  }

  insert(row: RunFacts & RunLease): void {
    const sealed = { ...row, seal: sealOf(row), lease_sum: leaseSumOf(row) };
    this.#insert.run(sealed);
    this.#before.set(row.run_id, undefined);
    this.#set(row.run_id, sealed);
    this.#told.set(row.run_id, sealed);
  }

  change(row: RunRow, change: Partial<RunFacts & RunLease>): RunRow {
    const { run_id } = row;
    if (!this.#before.has(run_id)) this.#before.set(run_id, this.find(run_id));
    const next = { ...row, ...change };
    this.#set(run_id, next);
    return next;
  }

  /** Counts one more of something that belongs to the run. */
  count(row: RunRow, what: "failed_steps" | "events" | "questions", by = 1): void {
    this.change(row, { [what]: row[what] + by });
  }

  /** A row that was read by another statement. */
  checked(row: RunRow | undefined): RunRow | undefined {
    if (!row || (row.seal === sealOf(row) && row.lease_sum === leaseSumOf(row))) return row;
    throw damaged({ path: this.path, where: "runs", runId: row.run_id as RunId }, "the row of a run is not what was written");
  }

  /** Where one write of a transaction begins. */
  mark(): number {
    return this.#undo.length;
  }

  /** One write of the transaction failed; the others stand. */
  rollback(mark: number): void {
    this.#told.clear();
    this.#unsure = true;
    for (const [runId, row] of this.#undo.splice(mark).reverse()) {
      if (row) this.#now.set(runId, row);
      else this.#now.delete(runId);
    }
  }

  /** Writes what has changed so far, for a statement that looks for rows by what is in them. */
  settle(): void {
    for (const [runId, row] of this.#now) {
      if (this.#told.get(runId) === row) continue;
      const sealed = { ...row, seal: sealOf(row), lease_sum: leaseSumOf(row) };
      const before = this.#told.get(runId) ?? this.#before.get(runId);
      const sameIndexes = !this.#unsure && before !== undefined && INDEXED.every((name) => before[name] === row[name]);
      (sameIndexes ? this.#updateRest : this.#update).run(sealed);
      this.#now.set(runId, sealed);
      this.#told.set(runId, sealed);
    }
  }

  /** Writes what has changed; the last thing in a transaction. */
  flush(): void {
    this.settle();
    const seals: { from: string | undefined; to: string }[] = [];
    for (const [runId, { seal }] of this.#now) {
      const before = this.#before.get(runId)?.seal;
      if (before !== seal) seals.push({ from: before, to: seal });
    }
    if (seals.length > 0) this.heads.advance(seals);
  }

  /** Rows of this process may be gone, or not be what they were. */
  forgetKnown(): void {
    this.#known.clear();
  }

  /** The transaction is on disk. */
  committed(): void {
    for (const row of this.#now.values()) this.#keep(row);
    this.forget();
  }

  /** The transaction is over. */
  forget(): void {
    this.#now.clear();
    this.#before.clear();
    this.#told.clear();
    this.#unsure = false;
    this.#undo = [];
  }

  #set(runId: string, row: RunRow): void {
    this.#undo.push([runId, this.#now.get(runId)]);
    this.#now.set(runId, row);
  }
}

function updateOf(columns: readonly string[]): string {
  return `UPDATE runs SET ${columns.map((name) => `${name} = @${name}`).join(", ")} WHERE run_id = @run_id`;
}

export function sealOf(row: RunFacts): string {
  return sha256(JSON.stringify(FACTS.map((name) => row[name])));
}

export function leaseSumOf(row: RunLease & Pick<RunFacts, "run_id">): number {
  return sumOf(row.run_id, ...LEASE.map((name) => row[name]));
}
