import { createHash } from "node:crypto";
import type { Database } from "better-sqlite3";
import canonicalize from "canonicalize";
import { BankRefusal, type Book, type BookEntry, type Receipt } from "./bank.js";

export const BOOKS = ["bureau_inquiries", "evidence_holds", "fraud_cases", "exposure_reservations", "offers"] as const;
export type BookName = (typeof BOOKS)[number];

/** One line of the log: every call, whatever came of it. */
export interface BankCall {
  readonly seq: number;
  readonly at: string;
  readonly book: string;
  readonly action: "enter" | "strike";
  readonly idempotencyKey: string;
  /** Null for a strike of what never was. */
  readonly applicationId: string | null;
  /** `done` changed the books; `repeated` was done before; the rest is why it was refused. */
  readonly outcome: "done" | "repeated" | "refused: KEY_REUSED" | "refused: KEY_STRUCK" | "refused: EXPOSURE_EXHAUSTED";
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
): Book<Entry> {
  const select = database.prepare<[string], StoredRow>(`SELECT * FROM ${name} WHERE idempotency_key = ?`);
  const insert = database.prepare<[string, string, string, string]>(`INSERT INTO ${name} VALUES (?, ?, ?, ?)`);
  const remove = database.prepare<[string]>(`DELETE FROM ${name} WHERE idempotency_key = ?`);
  const struck = database.prepare<[string]>(`SELECT 1 FROM calls WHERE book = '${name}' AND idempotency_key = ? AND action = 'strike'`);
  const append = database.prepare<[string, string, string, string | null, string]>(
    `INSERT INTO calls (at, book, action, idempotency_key, application_id, outcome) VALUES (?, '${name}', ?, ?, ?, ?)`,
  );
  const log = (action: BankCall["action"], key: string, applicationId: string | null, outcome: BankCall["outcome"]) => {
    append.run(now().toISOString(), action, key, applicationId, outcome);
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
    const verdict = judge(entry, text, key);
    const refused = verdict instanceof BankRefusal;
    if (verdict === "done") insert.run(key, idFor(name, key), entry.applicationId, text);
    log("enter", key, entry.applicationId, refused ? `refused: ${verdict.code}` : verdict);
    return refused ? verdict : { id: idFor(name, key) };
  });
  const strike = database.transaction((key: string) => {
    const before = select.get(key);
    const repeated = struck.get(key) !== undefined;
    remove.run(key);
    log("strike", key, before?.application_id ?? null, repeated ? "repeated" : "done");
  });

  return {
    async enter(entry, key) {
      const answer = enter.immediate(entry, key);
      if (answer instanceof BankRefusal) throw answer; // thrown outside, so that its line in the log is kept
      return answer;
    },
    strike: async (key) => strike.immediate(key),
  };
}

/** Names an entry for whoever reads about it; the same for the same key, so that a repeat gives the same receipt. */
function idFor(book: BookName, key: string): string {
  return `${book.replaceAll("_", "-")}-${createHash("sha256").update(key).digest("hex").slice(0, 16)}`;
}

/** Two entries are the same if they say the same, in whatever order. */
function canonical(entry: BookEntry): string {
  return canonicalize(entry) ?? "";
}
