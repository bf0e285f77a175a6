import type { Database } from "better-sqlite3";
import { nameOf } from "../../contracts/documents.js";
import type { RunId } from "../../contracts/ids.js";
import { CHAIN_START, entryHash } from "../chain.js";
import { DEFAULT_PRIORITY, type JournalPhase } from "../ports.js";
import { Contents } from "./contents.js";
import { Heads } from "./heads.js";
import { type RunFacts, type RunLease, RunRows } from "./run-rows.js";
import { sumOf } from "./sums.js";

const TABLES = ["runs", "versions", "failed_steps", "journal", "events", "questions"] as const;
const INDEXES = ["runs_by_status", "versions_by_question", "journal_by_run", "journal_once", "events_by_run"];

type Row = Readonly<Record<string, string | number | null>>;

/**
 * From the first release's tables to those that follow: versions point at contents, and every row is covered by a hash
 * chain, a seal or a checksum. Hashes of versions stay as they were.
 */
export function upgradeFromFirst(database: Database, schema: string, path: string): void {
  for (const index of INDEXES) database.exec(`DROP INDEX IF EXISTS ${index}`);
  for (const table of TABLES) {
    for (const guard of ["no_update", "no_delete", "no_replace"]) database.exec(`DROP TRIGGER IF EXISTS ${table}_${guard}`);
    database.exec(`ALTER TABLE ${table} RENAME TO old_${table}`);
  }
  database.exec(schema);
  const contents = new Contents(database, path);
  const heads = new Heads(database, undefined);
  const rows = new RunRows(database, path, heads);
  for (const run of database.prepare<[], Row>("SELECT * FROM old_runs ORDER BY rowid").all()) {
    rows.insert(runFacts(run));
    copyRun(database, contents, rows, String(run["run_id"]) as RunId);
  }
  rows.flush();
  for (const table of TABLES.toReversed()) database.exec(`DROP TABLE old_${table}`);
}

function runFacts(run: Row): RunFacts & RunLease {
  const queue = { tenant: null, priority: DEFAULT_PRIORITY, deadline: null, queue_place: null, begun_at: null, degraded: 0 };
  const none = { program: null, forked_from: null, versions: 0, versions_head: CHAIN_START, failed_steps: 0 };
  const facts = { ...run, ...queue, ...none, journal: 0, journal_head: CHAIN_START, events: 0, questions: 0 };
  return facts as unknown as RunFacts & RunLease; // the first release's columns, and those that are new
}

function copyRun(database: Database, contents: Contents, rows: RunRows, runId: RunId): void {
  const all = (table: string, order: string) =>
    database.prepare<[string], Row>(`SELECT * FROM old_${table} WHERE run_id = ? ORDER BY ${order}`).all(runId);
  const insert = (table: string, row: Row) => {
    const names = Object.keys(row);
    database.prepare(`INSERT INTO ${table} (${names.join(", ")}) VALUES (${names.map((name) => `@${name}`).join(", ")})`).run(row);
  };
  const versions = all("versions", "number");
  for (const { data, ...version } of versions) {
    const content = contents.put({ type: "json", bytes: Buffer.from(String(data)) });
    insert("versions", { ...version, content, document: nameOf(String(version["contract"])) });
  }
  const failed = all("failed_steps", "rowid");
  for (const row of failed) insert("failed_steps", { ...row, sum: failedStepSum(row) });
  let journalHead = CHAIN_START;
  const journal = all("journal", "seq");
  for (const [place, entry] of journal.entries()) {
    journalHead = entryHash({ ...journalEntry(entry), runId, place }, journalHead);
    insert("journal", { ...entry, place, hash: journalHead });
  }
  const events = all("events", "seq");
  for (const [place, { seq: _seq, ...event }] of events.entries())
    insert("events", { ...event, place, sum: sumOf(runId, place, String(event["type"]), String(event["body"]), String(event["at"])) });
  const questions = all("questions", "rowid");
  for (const row of questions) insert("questions", { ...row, sum: questionSum(row) });
  rows.change(rows.get(runId), {
    versions: versions.length,
    versions_head: String(versions.at(-1)?.["hash"] ?? CHAIN_START),
    failed_steps: failed.length,
    journal: journal.length,
    journal_head: journalHead,
    events: events.length,
    questions: questions.length,
  });
}

function failedStepSum(row: Row): number {
  return sumOf(row["run_id"] ?? null, row["agent"] ?? null, row["round"] ?? null, row["failure"] ?? null, row["at"] ?? null);
}

function questionSum(row: Row): number {
  return sumOf(row["run_id"] ?? null, row["id"] ?? null, row["question"] ?? null, row["answer"] ?? null, row["answered_at"] ?? null);
}

function journalEntry(row: Row) {
  return {
    key: String(row["key"]),
    phase: row["phase"] as JournalPhase,
    agent: String(row["agent"]),
    effect: String(row["effect"]),
    identity: String(row["identity"]),
    generation: Number(row["generation"]),
    body: String(row["body"]),
    epoch: Number(row["epoch"]),
    at: String(row["at"]),
  };
}
