import { mkdirSync } from "node:fs";
import { dirname, resolve } from "node:path";
import SqliteDatabase, { type Database } from "better-sqlite3";
import { isWalkbackError, messageOf, StoreFailed } from "../../contracts/failure.js";
import type { Store } from "../ports.js";
import { hasUpstreamTables } from "./adopt.js";
import { type Anchor, anchorFor } from "./anchor.js";
import { answering, damagedFile } from "./answering.js";
import { archive } from "./archive.js";
import { BUSY_BLOCK_MS, blockUntilFree } from "./busy.js";
import { eventLog } from "./events.js";
import { type Ground, groundOf } from "./ground.js";
import { refuseCutOff } from "./heads.js";
import { effectJournal } from "./journal.js";
import { limitStore } from "./limits.js";
import { pruneStore } from "./prune.js";
import { runQueue } from "./queue.js";
import { runLog } from "./runs.js";
import { GraphSaver } from "./saver.js";
import { migrate } from "./schema.js";
import { verifyStore } from "./verify.js";
import { versionLog } from "./versions.js";

export interface SqliteStoreOptions {
  /** Where the store's head is remembered outside of it; a file beside it (`.anchor`) when left out, nowhere when false. */
  readonly anchor?: Anchor | false;
}

/**
 * Opens (and creates) a store in one SQLite file, or in memory with `:memory:`. WAL with `synchronous=FULL`: what was
 * acknowledged survives a power cut. Throws `STORE_DAMAGED` when the file has lost what its anchor has seen.
 */
export function sqliteStore(file: string, options: SqliteStoreOptions = {}): Store {
  const path = file === ":memory:" ? file : resolve(file);
  try {
    if (path !== ":memory:") mkdirSync(dirname(path), { recursive: true });
    const database = new SqliteDatabase(path, { timeout: OPEN_BLOCK_MS });
    try {
      const upgraded = prepare(database, path);
      const ground = groundOf(database, path, anchorFor(path, options.anchor));
      if (upgraded) ground.heads.accept(); // the release before had no anchor
      refuseCutOff(ground);
      return storeOn(ground);
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

function storeOn(ground: Ground): Store {
  const { path, database, writer, heads } = ground;
  return {
    location: path,
    runs: answering(ground, runLog(ground)),
    queue: answering(ground, runQueue(ground)),
    versions: answering(ground, versionLog(ground)),
    journal: answering(ground, effectJournal(ground)),
    events: answering(ground, eventLog(ground)),
    limits: answering(ground, limitStore(ground)),
    checkpointer: new GraphSaver(ground),
    async verify(runId, options) {
      writer.requireOpen();
      return verifyStore(ground, runId, options);
    },
    async prune(options) {
      writer.requireOpen();
      return await pruneStore(ground, options).catch((thrown: unknown) => Promise.reject(damagedFile(path, thrown)));
    },
    ...archive(ground),
    async close() {
      if (!database.open) return;
      await writer.close();
      heads.close();
      database.close();
    },
  };
}

/** How long opening waits for another process that is creating or migrating the same file. */
const OPEN_BLOCK_MS = 10_000;

/** Half of SQLite's default: most of what a commit touches are small rows, and the log of a commit holds whole pages. */
const PAGE_BYTES = 2048;

/** The tables that every release had; before these, nothing of a file is changed. */
const OURS = ["runs", "versions", "journal"] as const;

/** A database of somebody else is left alone: nothing is written into it. */
function refuseForeign(database: Database, path: string): void {
  const tables = database.prepare<[], string>("SELECT name FROM sqlite_schema WHERE type = 'table'").pluck().all() as string[];
  if (tables.length === 0 || OURS.every((table) => tables.includes(table)) || hasUpstreamTables(database)) return;
  const message = `${path} is a SQLite database, but no Walkback store (it has ${tables.slice(0, 3).join(", ")}). Nothing of it was changed; name another file.`;
  throw new StoreFailed(message, { path, operation: "open" });
}

function prepare(database: Database, path: string): boolean {
  refuseForeign(database, path);
  database.pragma(`page_size = ${PAGE_BYTES}`); // of a new file; an older one keeps its own
  blockUntilFree(() => database.pragma("journal_mode = WAL"));
  database.pragma("synchronous = FULL");
  database.pragma("foreign_keys = ON");
  const upgraded = migrate(database, path);
  database.pragma(`busy_timeout = ${BUSY_BLOCK_MS}`); // from here on the event loop has others to serve
  return upgraded;
}
