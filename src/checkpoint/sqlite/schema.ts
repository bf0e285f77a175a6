import type { Database } from "better-sqlite3";
import { StoreNewer } from "../../contracts/failure.js";

/** Each entry brings a file from the version of its index to the next; `PRAGMA user_version` says where a file stands. */
const MIGRATIONS: readonly string[] = [
  `
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
    epoch INTEGER NOT NULL,
    holder TEXT,
    lease_until TEXT,
    crashes INTEGER NOT NULL DEFAULT 0,
    progress INTEGER NOT NULL DEFAULT 0,
    cancel_reason TEXT
  ) STRICT;
  CREATE INDEX runs_by_status ON runs (status, run_id);

  CREATE TABLE versions (
    run_id TEXT NOT NULL REFERENCES runs,
    number INTEGER NOT NULL,
    agent TEXT NOT NULL,
    agent_version INTEGER NOT NULL,
    contract TEXT NOT NULL,
    parents TEXT NOT NULL,
    round INTEGER NOT NULL,
    source TEXT NOT NULL,
    input_hash TEXT NOT NULL,
    data TEXT NOT NULL,
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
    PRIMARY KEY (run_id, agent, round)
  ) STRICT;

  CREATE TABLE journal (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    run_id TEXT NOT NULL REFERENCES runs,
    key TEXT NOT NULL,
    phase TEXT NOT NULL,
    agent TEXT NOT NULL,
    effect TEXT NOT NULL,
    identity TEXT NOT NULL,
    generation INTEGER NOT NULL,
    body TEXT NOT NULL,
    epoch INTEGER NOT NULL,
    at TEXT NOT NULL
  ) STRICT;
  CREATE INDEX journal_by_run ON journal (run_id, seq);
  CREATE UNIQUE INDEX journal_once ON journal (key, phase) WHERE phase IN ('recorded', 'intended', 'performed', 'undone', 'settled');

  CREATE TABLE events (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    run_id TEXT NOT NULL,
    type TEXT NOT NULL,
    body TEXT NOT NULL,
    at TEXT NOT NULL
  ) STRICT;
  CREATE INDEX events_by_run ON events (run_id, seq);

  CREATE TABLE questions (
    run_id TEXT NOT NULL REFERENCES runs,
    id TEXT NOT NULL,
    question TEXT NOT NULL,
    answer TEXT,
    answered_at TEXT,
    PRIMARY KEY (run_id, id)
  ) STRICT;
  ${["versions", "failed_steps", "journal", "events"].map(insertOnly).join("")}
  ${noReplace("versions", "run_id = NEW.run_id AND number = NEW.number")}
  ${noReplace("journal", "seq = NEW.seq")}
  ${noReplace("events", "seq = NEW.seq")}
  `,
];

function insertOnly(table: string): string {
  return ["UPDATE", "DELETE"]
    .map(
      (verb) =>
        `CREATE TRIGGER ${table}_no_${verb.toLowerCase()} BEFORE ${verb} ON ${table} BEGIN SELECT RAISE(ABORT, '${table} is append-only'); END;\n`,
    )
    .join("");
}

/** INSERT OR REPLACE would take a row away without any DELETE. */
function noReplace(table: string, same: string): string {
  return `CREATE TRIGGER ${table}_no_replace BEFORE INSERT ON ${table} WHEN EXISTS (SELECT 1 FROM ${table} WHERE ${same}) BEGIN SELECT RAISE(ABORT, '${table} is append-only'); END;`;
}

/** Creates the tables, or brings an older file up to date. Throws `STORE_NEWER` for a file from a later release. */
export function migrate(database: Database, path: string): void {
  const isUpToDate = () => {
    const version = database.pragma("user_version", { simple: true }) as number;
    if (version > MIGRATIONS.length) throw newer(path, version);
    return version === MIGRATIONS.length;
  };
  if (isUpToDate()) return;
  database
    .transaction(() => {
      if (isUpToDate()) return; // another process was faster
      for (const migration of MIGRATIONS.slice(database.pragma("user_version", { simple: true }) as number)) database.exec(migration);
      database.pragma(`user_version = ${MIGRATIONS.length}`);
    })
    .immediate();
}

function newer(path: string, schemaVersion: number): StoreNewer {
  const supported = MIGRATIONS.length;
  return new StoreNewer(
    `${path} was written by a newer Walkback (schema ${schemaVersion}, this one knows ${supported}). Upgrade walkback to open it.`,
    { path, schemaVersion, supported },
  );
}
