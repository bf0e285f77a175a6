import * as z from "zod";
import { WalkbackError } from "../../index.js";
import { type Bank, BankRefusal, type Book, type BookEntry, type BookName, type CallOptions, REFUSALS, Receipt } from "./bank.js";

export interface HttpBankOptions {
  /** Where a `bankServer` answers, like `http://127.0.0.1:4040`. */
  readonly url: string;
}

/** What was given as the bank's address is none. */
export class BankUrlInvalid extends WalkbackError<{ url: string }> {
  readonly code = "INPUT_INVALID";
}

/**
 * No answer that can be trusted: the connection was lost, the bank failed, or something else answered in its place. The
 * bank may have done it all the same. Send it again under the same key, or ask `find`.
 */
export class OutcomeUnknown extends Error {
  override readonly name = "OutcomeUnknown";
  readonly code = "OUTCOME_UNKNOWN";

  constructor(
    message: string,
    /** Of the answer, if there was one. */
    readonly status?: number,
    options?: { readonly cause: unknown },
  ) {
    super(message, options);
  }
}

/** A bank in another process. Tries once: retries and timeouts belong to whoever calls. Throws `BankUrlInvalid`. */
export function httpBank({ url }: HttpBankOptions): Bank {
  const base = addressOf(url);
  const book = <Entry extends BookEntry>(name: BookName) => bookAt<Entry>(`${base}/books/${name}/entries`);
  return {
    inquiries: book("bureau_inquiries"),
    evidenceHolds: book("evidence_holds"),
    fraudCases: book("fraud_cases"),
    reservations: book("exposure_reservations"),
    letters: book("offers"),
  };
}

function addressOf(url: string): string {
  const { protocol, username, search, hash, href } = URL.canParse(url) ? new URL(url) : ({} as Partial<URL>);
  const isPlain = (protocol === "http:" || protocol === "https:") && !username && !search && !hash;
  if (isPlain && href !== undefined) return href.replace(/\/+$/, "");
  const message = `"${url}" is not the address of a bank. Give httpBank or WALKBACK_BANK_URL one like http://127.0.0.1:4040, with no user, query or fragment.`;
  throw new BankUrlInvalid(message, { url });
}

function bookAt<Entry extends BookEntry>(entries: string): Book<Entry> {
  const entryAt = (key: string) => `${entries}/${encodeURIComponent(key)}`;
  return {
    async enter(entry, key, options) {
      const headers = { "content-type": "application/json", "idempotency-key": key };
      const answer = await ask(entries, { method: "POST", headers, body: JSON.stringify(entry) }, options);
      return receiptIn(answer);
    },
    async strike(key, options) {
      const answer = await ask(entryAt(key), { method: "DELETE" }, options);
      if (answer.status !== 204) throw problemIn(answer);
    },
    async find(key, options) {
      const answer = await ask(entryAt(key), { method: "GET" }, options);
      return NOTHING_THERE.safeParse(answer.body).success ? undefined : receiptIn(answer);
    },
  };
}

/** By its code, not by the status: any server answers 404 where there is no bank. */
const NOTHING_THERE = z.object({ code: z.enum(["KEY_UNKNOWN", "KEY_STRUCK"]) });
const Refusal = z.object({ code: z.enum(REFUSALS), message: z.string() });

interface Answer {
  readonly from: string;
  readonly status: number;
  /** Undefined when it was not JSON. */
  readonly body: unknown;
}

async function ask(url: string, init: RequestInit, { signal }: CallOptions = {}): Promise<Answer> {
  const from = new URL(url).origin;
  try {
    const response = await fetch(url, { ...init, redirect: "error", ...(signal && { signal }) });
    return { from, status: response.status, body: jsonIn(await response.text()) };
  } catch (thrown) {
    if (signal?.aborted) throw thrown;
    throw new OutcomeUnknown(`The bank at ${from} gave no answer (${reasonOf(thrown)}). ${NOW_WHAT}`, undefined, { cause: thrown });
  }
}

const NOW_WHAT = "Whether it was done is not known; send it again under the same key, or look the key up";

function receiptIn(answer: Answer): Receipt {
  const receipt = answer.status === 200 ? Receipt.safeParse(answer.body) : undefined;
  if (receipt?.success) return receipt.data;
  throw problemIn(answer);
}

function problemIn({ from, status, body }: Answer): BankRefusal | OutcomeUnknown {
  const { data: refusal } = Refusal.safeParse(body);
  if (refusal && status < 500) return new BankRefusal(refusal.code, refusal.message);
  return new OutcomeUnknown(`What answers at ${from} said ${status}, which is no answer of a bank that works. ${NOW_WHAT}`, status);
}

function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Node says "fetch failed" and keeps what happened in the cause. */
function reasonOf(thrown: unknown): string {
  const { cause = thrown } = thrown as { readonly cause?: unknown };
  if (!(cause instanceof Error)) return String(cause);
  return cause.message || ("code" in cause ? String(cause.code) : cause.name);
}
