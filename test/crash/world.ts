import SqliteDatabase from "better-sqlite3";
import type { OutsideWorld } from "../support/invariants.js";

/** What the other side makes of a key: it refuses to do it twice, can be asked, or takes no notice. */
export type Flavor = "keyed" | "findable" | "opaque";

/** The world outside, in a file of its own: rows by idempotency key, and a log of every call. */
export interface World extends OutsideWorld {
  /** Adds a row under the key. What was undone is refused, so a call that comes late changes nothing. */
  perform(key: string, flavor: Flavor): { readonly row: number };
  /** The receipt of the row under the key, if there is one. */
  find(key: string): { readonly row: number } | undefined;
  /** Takes out what stands under the key; twice is once. */
  undo(key: string, flavor: Flavor): void;
  /** A call that costs money and changes nothing. */
  pay(key: string): void;
  /** Something a person has put right for a run, so that it works from now on. */
  mend(runId: string, what: string): void;
  isMended(runId: string, what: string): boolean;
  /** True for the first caller: for what fails once. */
  isFirst(what: string): boolean;
  close(): void;
}

const TABLES = `
  CREATE TABLE IF NOT EXISTS entries (row INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT NOT NULL);
  CREATE INDEX IF NOT EXISTS entries_by_key ON entries (key);
  CREATE TABLE IF NOT EXISTS tombstones (key TEXT PRIMARY KEY);
  CREATE TABLE IF NOT EXISTS calls (seq INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT NOT NULL, action TEXT NOT NULL, outcome TEXT NOT NULL, caller TEXT NOT NULL);
  CREATE TABLE IF NOT EXISTS mended (run_id TEXT, what TEXT, PRIMARY KEY (run_id, what));
  CREATE TABLE IF NOT EXISTS seen (what TEXT PRIMARY KEY);
`;

let opened = 0;

export function openWorld(file: string): World {
  const database = new SqliteDatabase(file, { timeout: 10_000 });
  database.pragma("journal_mode = WAL");
  database.pragma("synchronous = FULL");
  database.exec(TABLES);
  opened += 1;
  const caller = `${process.pid}.${opened}`;

  const insertCall = database.prepare("INSERT INTO calls (key, action, outcome, caller) VALUES (?, ?, ?, ?)");
  const log = (key: string, action: string, outcome: string) => insertCall.run(key, action, outcome, caller);
  const select = database.prepare<[string], { row: number }>("SELECT row FROM entries WHERE key = ?");
  const insert = database.prepare<[string], { row: number }>("INSERT INTO entries (key) VALUES (?) RETURNING row");
  const remove = database.prepare("DELETE FROM entries WHERE key = ?");
  const bury = database.prepare("INSERT OR IGNORE INTO tombstones VALUES (?)");
  const isBuried = database.prepare("SELECT 1 FROM tombstones WHERE key = ?");
  const atomically = <T>(work: () => T): T => database.transaction(work).immediate();

  const perform = (key: string, flavor: Flavor) => {
    if (flavor !== "opaque" && isBuried.get(key)) {
      log(key, "perform", "refused");
      return undefined;
    }
    const known = flavor === "keyed" ? select.get(key) : undefined;
    log(key, "perform", known ? "repeated" : "applied");
    return known ?? insert.get(key);
  };

  return {
    perform(key, flavor) {
      const receipt = atomically(() => perform(key, flavor));
      if (receipt) return receipt;
      throw new Error(`${key} was undone and is not done again`);
    },
    find: (key) =>
      atomically(() => {
        const found = select.get(key);
        log(key, "find", found ? "found" : "not found");
        return found;
      }),
    undo: (key, flavor) =>
      atomically(() => {
        log(key, "undo", remove.run(key).changes > 0 ? "undone" : "nothing there");
        if (flavor !== "opaque") bury.run(key);
      }),
    pay: (key) => void log(key, "pay", "paid"),
    mend: (runId, what) => void database.prepare("INSERT OR IGNORE INTO mended VALUES (?, ?)").run(runId, what),
    isMended: (runId, what) => database.prepare("SELECT 1 FROM mended WHERE run_id = ? AND what = ?").get(runId, what) !== undefined,
    isFirst: (what) => database.prepare("INSERT OR IGNORE INTO seen VALUES (?)").run(what).changes > 0,
    standing: () => database.prepare<[], string>("SELECT key FROM entries ORDER BY row").pluck().all(),
    calls: () =>
      database.prepare<[], ReturnType<OutsideWorld["calls"]>[number]>("SELECT key, action, outcome, caller FROM calls ORDER BY seq").all(),
    close: () => void database.close(),
  };
}
