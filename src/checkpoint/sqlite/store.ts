import { mkdirSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { SqliteSaver } from "@langchain/langgraph-checkpoint-sqlite";
import SqliteDatabase, { type Database } from "better-sqlite3";
import { isWalkbackError, messageOf, StoreFailed } from "../../contracts/failure.js";
import type { Store } from "../ports.js";
import { eventLog } from "./events.js";
import { effectJournal } from "./journal.js";
import { runLog } from "./runs.js";
import { migrate } from "./schema.js";
import { versionLog } from "./versions.js";
import { Writer } from "./writer.js";

/**
 * Opens (and creates) a store in one SQLite file, or in memory with `:memory:`.
 * WAL with `synchronous=FULL`: what was acknowledged survives a power cut.
 */
export function sqliteStore(file: string): Store {
  const path = file === ":memory:" ? file : resolve(file);
  const database = open(path);
  const writer = new Writer(database, path);
  return {
    location: path,
    runs: runLog(database, writer),
    versions: versionLog(database, writer),
    journal: effectJournal(database, writer),
    events: eventLog(database, writer),
    checkpointer: saver(database),
    async close() {
      if (!database.open) return;
      await writer.close();
      database.close();
    },
  };
}

function open(path: string): Database {
  try {
    if (path !== ":memory:") mkdirSync(dirname(path), { recursive: true });
    const database = new SqliteDatabase(path);
    database.pragma("journal_mode = WAL");
    database.pragma("synchronous = FULL");
    database.pragma("foreign_keys = ON");
    migrate(database, path);
    return database;
  } catch (thrown) {
    if (isWalkbackError(thrown)) throw thrown;
    throw new StoreFailed(
      `The store ${path} cannot be opened: ${messageOf(thrown)}. Check the path, its permissions, and that it is a Walkback store.`,
      { path, operation: "open" },
      { cause: thrown },
    );
  }
}

function saver(database: Database): SqliteSaver {
  const checkpointer = new SqliteSaver(database);
  // Its tables are made on first use otherwise, which could fall into one of our transactions.
  (checkpointer as unknown as { setup(): void }).setup(); // `setup` is protected in the published types
  return checkpointer;
}
