import { createHash } from "node:crypto";
import type { Database } from "better-sqlite3";
import canonicalize from "canonicalize";
import { type BankAction, BankRefusal, BOOKS, type Book, type BookEntry, type BookName, type Receipt, type RefusalCode } from "./bank.js";

/** One line of the log: every call, whatever came of it. */
export interface BankCall {
  readonly seq: number;
  readonly at: string;
  readonly book: BookName;
  readonly action: BankAction;
  readonly idempotencyKey: string;
  /** Null for a call about what is not there. */
  readonly applicationId: string | null;
  /** `done` changed the books; `repeated` was done before; a `find` says what it found; the rest is why it was refused. */
  readonly outcome: "done" | "repeated" | Finding["status"] | `refused: ${RefusalCode}`;
}

/** What became of a key. */
export type Finding =
  | { readonly status: "entered"; readonly receipt: Receipt }
  | { readonly status: "struck" }
  /** Never heard of. */
  | { readonly status: "unknown" };

/** A book that can tell what was struck from what never arrived. */
export interface SqliteBook<Entry extends BookEntry> extends Book<Entry> {
  lookUp(idempotencyKey: string): Promise<Finding>;
}

/** Why a book will not take an entry, or undefined. */
export type Objection<Entry> = (entry: Entry) => BankRefusal | undefined;

export interface StoredRow {
  readonly idempotency_key: string;
  readonly id: string;
  readonly application_id: string;
  readonly entry: string;
}

/** One table behind the port: every call is one transaction that also writes its line in the log. */
export function bookIn<Entry extends BookEntry>(
  database: Database,
  now: () => Date,
  name: BookName,
  objection: Objection<Entry> = () => undefined,
): SqliteBook<Entry> {
  const select = database.prepare<[string], StoredRow>(`SELECT * FROM ${name} WHERE idempotency_key = ?`);
  const insert = database.prepare<[string, string, string, string]>(`INSERT INTO ${name} VALUES (?, ?, ?, ?)`);
  const remove = database.prepare<[string]>(`DELETE FROM ${name} WHERE idempotency_key = ?`);
  const struck = database.prepare<[string]>(`SELECT 1 FROM calls WHERE book = '${name}' AND idempotency_key = ? AND action = 'strike'`);
  const append = database.prepare<[string, string, string, string | null, string]>(
    `INSERT INTO calls (at, book, action, idempotency_key, application_id, outcome) VALUES (?, '${name}', ?, ?, ?, ?)`,
  );
  const log = (action: BankAction, key: string, applicationId: string | undefined, outcome: BankCall["outcome"]) => {
    append.run(now().toISOString(), action, key, applicationId ?? null, outcome);
  };

  const judge = (entry: Entry, text: string, key: string): "done" | "repeated" | BankRefusal => {
    const before = select.get(key);
    if (before?.entry === text) return "repeated";
    if (before)
      return new BankRefusal("KEY_REUSED", `The key ${key} stands for another entry in ${name}. Use a key of its own for each intent.`);
    if (struck.get(key)) return new BankRefusal("KEY_STRUCK", `The entry ${key} was struck from ${name}. Use a new key to make it again.`);
    return objection(entry) ?? "done";
  };
  const enter = database.transaction((entry: Entry, key: string): Receipt | BankRefusal => {
    const text = canonical(entry);
    const invalid = misfit(name, entry);
    const verdict = invalid ?? judge(entry, text, key);
    const refused = verdict instanceof BankRefusal;
    if (verdict === "done") insert.run(key, idFor(name, key), entry.applicationId, text);
    log("enter", key, invalid ? undefined : entry.applicationId, refused ? `refused: ${verdict.code}` : verdict);
    return refused ? verdict : { id: idFor(name, key) };
  });
  const strike = database.transaction((key: string) => {
    const before = select.get(key);
    const repeated = struck.get(key) !== undefined;
    remove.run(key);
    log("strike", key, before?.application_id, repeated ? "repeated" : "done");
  });
  const lookUp = database.transaction((key: string): Finding => {
    const row = select.get(key);
    const finding: Finding = row ? { status: "entered", receipt: { id: row.id } } : { status: struck.get(key) ? "struck" : "unknown" };
    log("find", key, row?.application_id, finding.status);
    return finding;
  });

  return {
    async enter(entry, key, options) {
      options?.signal?.throwIfAborted();
      const answer = enter.immediate(entry, key);
      if (answer instanceof BankRefusal) throw answer; // thrown outside, so that its line in the log is kept
      return answer;
    },
    async strike(key, options) {
      options?.signal?.throwIfAborted();
      strike.immediate(key);
    },
    async find(key, options) {
      options?.signal?.throwIfAborted();
      const finding = lookUp.immediate(key);
      return finding.status === "entered" ? finding.receipt : undefined;
    },
    lookUp: async (key) => lookUp.immediate(key),
  };
}

/** Types end at the process boundary, so the bank looks at what it is handed. */
function misfit(name: BookName, entry: unknown): BankRefusal | undefined {
  const { error } = BOOKS[name].entry.safeParse(entry);
  if (!error) return undefined;
  const issues = error.issues.map(({ path, message }) => `${path.join(".") || "the entry"}: ${message}`);
  return new BankRefusal("ENTRY_INVALID", `That is no entry for ${name}. ${issues.join("; ")}.`);
}

/** Names an entry for whoever reads about it; the same for the same key, so that a repeat gives the same receipt. */
function idFor(book: BookName, key: string): string {
  return `${book.replaceAll("_", "-")}-${createHash("sha256").update(key).digest("hex").slice(0, 16)}`;
}

/** Two entries are the same if they say the same, in whatever order. */
function canonical(entry: BookEntry): string {
  return canonicalize(entry) ?? "";
}
