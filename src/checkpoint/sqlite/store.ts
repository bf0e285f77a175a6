import { mkdirSync } from "node:fs";
import { dirname, resolve } from "node:path";
import SqliteDatabase, { type Database } from "better-sqlite3";
import { isWalkbackError, messageOf, StoreFailed } from "../../contracts/failure.js";
import type { Store } from "../ports.js";
import { BUSY_BLOCK_MS, blockUntilFree } from "./busy.js";
import { eventLog } from "./events.js";
import { effectJournal } from "./journal.js";
import { runLog } from "./runs.js";
import { FencedSaver } from "./saver.js";
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
    checkpointer: new FencedSaver(database, writer),
    async close() {
      if (!database.open) return;
      await writer.close();
      database.close();
    },
  };
}

/** How long opening waits for another process that is creating or migrating the same file. */
const OPEN_BLOCK_MS = 10_000;

function open(path: string): Database {
  try {
    if (path !== ":memory:") mkdirSync(dirname(path), { recursive: true });
    const database = new SqliteDatabase(path, { timeout: OPEN_BLOCK_MS });
    try {
      prepare(database, path);
      return database;
    } catch (thrown) {
      database.close();
      throw thrown;
    }
  } catch (thrown) {
    if (isWalkbackError(thrown)) throw thrown;
    throw new StoreFailed(
      `The store ${path} cannot be opened: ${messageOf(thrown)}. Check the path, its permissions, and that it is a Walkback store.`,
      { path, operation: "open" },
      { cause: thrown },
    );
  }
}

function prepare(database: Database, path: string): void {
  blockUntilFree(() => database.pragma("journal_mode = WAL"));
  database.pragma("synchronous = FULL");
  database.pragma("foreign_keys = ON");
  migrate(database, path);
  database.pragma(`busy_timeout = ${BUSY_BLOCK_MS}`); // from here on the event loop has others to serve
}
