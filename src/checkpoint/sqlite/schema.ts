import type { Database } from "better-sqlite3";
import { StoreNewer } from "../../contracts/failure.js";
import { adoptUpstream, hasUpstreamTables } from "./adopt.js";
import { upgradeFromFirst } from "./upgrade-1.js";

/** Brings a file from the version of its index to the next; `PRAGMA user_version` says where a file stands. */
const MIGRATIONS: readonly ((database: Database, path: string) => void)[] = [
  () => {}, // a new file has the newest tables at once
  (database, path) => upgradeFromFirst(database, SCHEMA, path),
];

/** What this release writes. */
export const SCHEMA_VERSION = MIGRATIONS.length;

/** The tables of this release. Versions, journal, events, failed steps and contents are insert-only. */
const SCHEMA = `
  CREATE TABLE store_facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
  INSERT INTO store_facts (name, value) VALUES ('id', lower(hex(randomblob(16))));

  CREATE TABLE heads (seq INTEGER PRIMARY KEY, digest TEXT NOT NULL, sum INTEGER NOT NULL) STRICT;

  CREATE TABLE contents (
    id INTEGER PRIMARY KEY,
    hash BLOB NOT NULL,
    type TEXT NOT NULL,
    base INTEGER REFERENCES contents,
    shared INTEGER NOT NULL,
    depth INTEGER NOT NULL,
    tail BLOB NOT NULL,
    rest INTEGER REFERENCES contents,
    rest_bytes INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX contents_by_hash ON contents (substr(hash, 1, 6));

  CREATE TABLE runs (
    run_id TEXT PRIMARY KEY,
    workflow TEXT NOT NULL,
    workflow_version INTEGER NOT NULL,
    status TEXT NOT NULL,
    accepted_at TEXT NOT NULL,
    ended_at TEXT,
    failure TEXT,
    output_version INTEGER,
    idempotency_key TEXT UNIQUE,
    cancel_reason TEXT,
    program INTEGER REFERENCES contents,
    forked_from TEXT,
    tenant TEXT,
    priority INTEGER NOT NULL,
    deadline TEXT,
    queue_place INTEGER,
    begun_at TEXT,
    degraded INTEGER NOT NULL,
    versions INTEGER NOT NULL,
    versions_head TEXT NOT NULL,
    failed_steps INTEGER NOT NULL,
    journal INTEGER NOT NULL,
    journal_head TEXT NOT NULL,
    events INTEGER NOT NULL,
    questions INTEGER NOT NULL,
    epoch INTEGER NOT NULL,
    holder TEXT,
    lease_until TEXT,
    crashes INTEGER NOT NULL,
    progress INTEGER NOT NULL,
    seal TEXT NOT NULL,
    lease_sum INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX runs_by_status ON runs (status, priority, tenant, queue_place);
  CREATE INDEX runs_by_tail ON runs (substr(run_id, -8));
  CREATE INDEX runs_by_deadline ON runs (deadline) WHERE status = 'queued' AND deadline IS NOT NULL;

  CREATE TABLE versions (
    run_id TEXT NOT NULL REFERENCES runs,
    number INTEGER NOT NULL,
    agent TEXT NOT NULL,
    agent_version INTEGER NOT NULL,
    contract TEXT NOT NULL,
    document TEXT NOT NULL,
    parents TEXT NOT NULL,
    round INTEGER NOT NULL,
    source TEXT NOT NULL,
    tier TEXT,
    input_hash TEXT NOT NULL,
    content INTEGER NOT NULL REFERENCES contents,
    data_hash TEXT NOT NULL,
    previous_hash TEXT NOT NULL,
    hash TEXT NOT NULL,
    at TEXT NOT NULL,
    PRIMARY KEY (run_id, number),
    UNIQUE (run_id, agent, round)
  ) STRICT;
  CREATE INDEX versions_by_question ON versions (agent, agent_version, input_hash);

  CREATE TABLE failed_steps (
    run_id TEXT NOT NULL REFERENCES runs,
    agent TEXT NOT NULL,
    round INTEGER NOT NULL,
    failure TEXT NOT NULL,
    at TEXT NOT NULL,
    sum INTEGER NOT NULL,
    PRIMARY KEY (run_id, agent, round)
  ) STRICT;

  CREATE TABLE journal (
    seq INTEGER PRIMARY KEY,
    run_id TEXT NOT NULL REFERENCES runs,
    place INTEGER NOT NULL,
    key TEXT NOT NULL,
    phase TEXT NOT NULL,
    agent TEXT NOT NULL,
    effect TEXT NOT NULL,
    identity TEXT NOT NULL,
    generation INTEGER NOT NULL,
    body TEXT NOT NULL,
    epoch INTEGER NOT NULL,
    at TEXT NOT NULL,
    hash TEXT NOT NULL
  ) STRICT;
  CREATE UNIQUE INDEX journal_by_run ON journal (run_id, place);
  CREATE UNIQUE INDEX journal_once ON journal (key, phase) WHERE phase IN ('recorded', 'intended', 'performed', 'undone', 'settled');

  CREATE TABLE events (
    run_id TEXT NOT NULL REFERENCES runs,
    place INTEGER NOT NULL,
    type TEXT NOT NULL,
    body TEXT NOT NULL,
    at TEXT NOT NULL,
    sum INTEGER NOT NULL,
    PRIMARY KEY (run_id, place)
  ) STRICT;

  CREATE TABLE questions (
    run_id TEXT NOT NULL REFERENCES runs,
    id TEXT NOT NULL,
    question TEXT NOT NULL,
    answer TEXT,
    answered_at TEXT,
    sum INTEGER NOT NULL,
    PRIMARY KEY (run_id, id)
  ) STRICT;

  CREATE TABLE limit_cells (
    key TEXT PRIMARY KEY,
    body TEXT NOT NULL,
    sum INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE limit_log (
    seq INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    key TEXT NOT NULL,
    run_id TEXT,
    body TEXT NOT NULL,
    at TEXT NOT NULL,
    sum INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX limit_log_by_time ON limit_log (kind, at);

  CREATE TABLE graph_threads (
    id INTEGER PRIMARY KEY,
    thread_id TEXT NOT NULL,
    namespace TEXT NOT NULL,
    sum INTEGER NOT NULL,
    UNIQUE (thread_id, namespace)
  ) STRICT;

  CREATE TABLE graph_checkpoints (
    thread INTEGER NOT NULL REFERENCES graph_threads,
    id ANY NOT NULL,
    parent ANY,
    state TEXT NOT NULL,
    channels TEXT NOT NULL,
    metadata TEXT NOT NULL,
    sum INTEGER NOT NULL,
    UNIQUE (thread, id)
  ) STRICT;

  CREATE TABLE graph_writes (
    thread INTEGER NOT NULL REFERENCES graph_threads,
    checkpoint ANY NOT NULL,
    task ANY NOT NULL,
    place INTEGER NOT NULL,
    channel TEXT NOT NULL,
    value ANY NOT NULL,
    sum INTEGER NOT NULL,
    PRIMARY KEY (thread, checkpoint, task, place)
  ) STRICT, WITHOUT ROWID;
`;

/** Tables whose rows are never changed nor taken away, each with what makes a row the same row. */
const INSERT_ONLY = {
  versions: "run_id = NEW.run_id AND number = NEW.number",
  failed_steps: "run_id = NEW.run_id AND agent = NEW.agent AND round = NEW.round",
  journal: "seq = NEW.seq",
  events: "run_id = NEW.run_id AND place = NEW.place",
  limit_log: "seq = NEW.seq",
  contents: "id = NEW.id",
} as const;

/** Makes the database itself refuse every change of what is append-only. */
function guardAppendOnly(database: Database): void {
  for (const [table, same] of Object.entries(INSERT_ONLY)) database.exec(insertOnly(table) + noReplace(table, same));
}

function insertOnly(table: string): string {
  return refusing("UPDATE", table) + refusing("DELETE", table);
}

function refusing(verb: "UPDATE" | "DELETE", table: string): string {
  return `CREATE TRIGGER ${table}_no_${verb.toLowerCase()} BEFORE ${verb} ON ${table} BEGIN SELECT RAISE(ABORT, '${table} is append-only'); END;\n`;
}

/** Lets rows of insert-only tables be taken away by what is run; inside a transaction, so that nobody else ever may. */
export function whileDeletable(database: Database, tables: readonly (keyof typeof INSERT_ONLY)[], run: () => void): void {
  for (const table of tables) database.exec(`DROP TRIGGER ${table}_no_delete`);
  run();
  for (const table of tables) database.exec(refusing("DELETE", table));
}

/** INSERT OR REPLACE would take a row away without any DELETE. */
function noReplace(table: string, same: string): string {
  return `CREATE TRIGGER ${table}_no_replace BEFORE INSERT ON ${table} WHEN EXISTS (SELECT 1 FROM ${table} WHERE ${same}) BEGIN SELECT RAISE(ABORT, '${table} is append-only'); END;\n`;
}

/**
 * Creates the tables, or brings an older file up to date: then it returns true. Throws `STORE_NEWER` for a file from a
 * later release.
 */
export function migrate(database: Database, path: string): boolean {
  const isUpToDate = () => {
    const version = database.pragma("user_version", { simple: true }) as number;
    if (version > MIGRATIONS.length) throw newer(path, version);
    return version === MIGRATIONS.length;
  };
  if (isUpToDate() && !hasUpstreamTables(database)) return false;
  return database
    .transaction(() => {
      const version = database.pragma("user_version", { simple: true }) as number; // another process may have been faster
      if (version === 0) database.exec(SCHEMA);
      else for (const upgrade of MIGRATIONS.slice(version)) upgrade(database, path);
      if (version < MIGRATIONS.length) guardAppendOnly(database);
      if (hasUpstreamTables(database)) adoptUpstream(database, path);
      database.pragma(`user_version = ${MIGRATIONS.length}`);
      return version > 0 && version < MIGRATIONS.length;
    })
    .immediate();
}

export function newer(path: string, schemaVersion: number): StoreNewer {
  const supported = MIGRATIONS.length;
  return new StoreNewer(
    `${path} was written by a newer Walkback (schema ${schemaVersion}, this one knows ${supported}). Upgrade walkback to open it.`,
    { path, schemaVersion, supported },
  );
}
