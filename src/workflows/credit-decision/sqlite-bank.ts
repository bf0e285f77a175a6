import Database from "better-sqlite3";
import { type Bank, BankRefusal, BOOK_NAMES, BOOKS, type BookEntry, type BookName } from "./bank.js";
import { type BankCall, bookIn, type Finding, type Objection, type StoredRow } from "./sqlite-book.js";

export interface SqliteBankOptions {
  /** A path, or ":memory:". */
  readonly file: string;
  /** The most that may be reserved at a time, in cents. Default: no limit. */
  readonly maxExposureCents?: number;
  readonly now?: () => Date;
}

export interface BookRow {
  readonly idempotencyKey: string;
  readonly id: string;
  readonly applicationId: string;
  readonly entry: BookEntry;
}

export type Snapshot = Readonly<Record<BookName, readonly BookRow[]>>;

export interface SqliteBank extends Bank {
  /** `find`, telling what was struck from what never arrived. */
  lookUp(book: BookName, idempotencyKey: string): Promise<Finding>;
  /** All books with their rows in the order of their keys; without the log, so that two of them can be compared. */
  snapshot(): Promise<Snapshot>;
  calls(): Promise<readonly BankCall[]>;
  close(): Promise<void>;
}

/** Entries are rows, strikes delete them; what was struck stands in the log alone, which can only grow. */
const SCHEMA = `
  ${BOOK_NAMES.map((book) => `CREATE TABLE IF NOT EXISTS ${book} (idempotency_key TEXT PRIMARY KEY, id TEXT NOT NULL UNIQUE, application_id TEXT NOT NULL, entry TEXT NOT NULL) STRICT;`).join("\n  ")}
  CREATE TABLE IF NOT EXISTS calls (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, at TEXT NOT NULL, book TEXT NOT NULL, action TEXT NOT NULL,
    idempotency_key TEXT NOT NULL, application_id TEXT, outcome TEXT NOT NULL
  ) STRICT;
  CREATE INDEX IF NOT EXISTS calls_by_key ON calls (book, idempotency_key);
  CREATE TRIGGER IF NOT EXISTS calls_no_update BEFORE UPDATE ON calls BEGIN SELECT RAISE(ABORT, 'calls is append-only'); END;
  CREATE TRIGGER IF NOT EXISTS calls_no_delete BEFORE DELETE ON calls BEGIN SELECT RAISE(ABORT, 'calls is append-only'); END;
`;

/** A bank in one SQLite file, which several processes may share. */
export function sqliteBank({ file, maxExposureCents, now = () => new Date() }: SqliteBankOptions): SqliteBank {
  const database = new Database(file, { timeout: 5_000 });
  database.pragma("journal_mode = WAL");
  database.pragma("synchronous = FULL");
  database.transaction(() => database.exec(SCHEMA)).immediate();
  const book = <Entry extends BookEntry>(name: BookName, objection?: Objection<Entry>) => bookIn<Entry>(database, now, name, objection);
  const books = {
    inquiries: book("bureau_inquiries"),
    evidenceHolds: book("evidence_holds"),
    fraudCases: book("fraud_cases"),
    reservations: book("exposure_reservations", maxExposureCents === undefined ? undefined : exposureLimit(database, maxExposureCents)),
    letters: book("offers"),
  };
  return {
    ...books,
    lookUp: (name, key) => books[BOOKS[name].port].lookUp(key),
    snapshot: async () => Object.fromEntries(BOOK_NAMES.map((name) => [name, rowsOf(database, name)])) as Snapshot, // one for each name
    calls: async () =>
      database
        .prepare<[], BankCall>(
          `SELECT seq, at, book, action, idempotency_key AS idempotencyKey, application_id AS applicationId, outcome FROM calls ORDER BY seq`,
        )
        .all(),
    close: async () => void database.close(),
  };
}

function exposureLimit(database: Database.Database, maxExposureCents: number): Objection<BookEntry & { readonly amountCents: number }> {
  const reserved = database.prepare<[], number>("SELECT COALESCE(SUM(entry ->> 'amountCents'), 0) FROM exposure_reservations").pluck();
  return ({ amountCents }) => {
    const already = reserved.get() ?? 0;
    if (already + amountCents <= maxExposureCents) return undefined;
    return new BankRefusal(
      "EXPOSURE_EXHAUSTED",
      `Reserving ${amountCents} cents on top of ${already} would exceed the limit of ${maxExposureCents}. Wait until others are released, or raise it.`,
    );
  };
}

function rowsOf(database: Database.Database, book: BookName): readonly BookRow[] {
  const rows = database.prepare<[], StoredRow>(`SELECT * FROM ${book} ORDER BY idempotency_key`).all();
  return rows.map(({ idempotency_key: idempotencyKey, id, application_id: applicationId, entry }) => ({
    idempotencyKey,
    id,
    applicationId,
    entry: JSON.parse(entry) as BookEntry, // written by `enter` alone
  }));
}
