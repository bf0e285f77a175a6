import { setTimeout as delay } from "node:timers/promises";
import * as z from "zod";
import { type BankAction, BankRefusal, BOOKS, type Book, type BookEntry, type BookName, type RefusalCode } from "./bank.js";
import { BankFault, faultBox } from "./bank-faults.js";
import type { SqliteBank } from "./sqlite-bank.js";

/** What came over the wire, and what goes back: no sockets here. */
export interface Request {
  readonly method: string;
  readonly path: string;
  readonly idempotencyKey: string | undefined;
  readonly body: string;
}

export type Reply =
  | { readonly status: number; readonly body?: unknown }
  /** The connection is cut. */
  | "lost"
  /** The caller waits for ever. */
  | "never";

/** Says what was wrong with a request, or with the bank. */
export class Complaint extends Error {
  override readonly name = "Complaint";

  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

/** As an HTTP header carries it. */
const KEY = /^[\x21-\x7e]{1,1000}$/;

const STATUS_OF: Readonly<Record<RefusalCode, number>> = { KEY_REUSED: 422, KEY_STRUCK: 410, EXPOSURE_EXHAUSTED: 409, ENTRY_INVALID: 400 };

/** Takes the bank's requests one by one and misbehaves where it was told to. Never rejects. */
export function bankDesk(bank: SqliteBank): (request: Request) => Promise<Reply> {
  const faults = faultBox();

  const call = (book: BookName, action: BankAction, key: string, work: (entries: Book<BookEntry>) => Promise<Reply>) =>
    suffering(faults.meet(book, action, key), () => answering(() => work(bank[BOOKS[book].port])));

  const routes: readonly Route[] = [
    route("GET", /^\/books$/, async () => ({ status: 200, body: await bank.snapshot() })),
    route("GET", /^\/calls$/, async () => ({ status: 200, body: await bank.calls() })),
    route("GET", /^\/faults$/, async () => ({ status: 200, body: faults.list() })),
    route("PUT", /^\/faults$/, async ({ body }) => {
      faults.arm(faultsIn(jsonIn(body)));
      return { status: 200, body: faults.list() };
    }),
    route("DELETE", /^\/faults$/, async () => {
      faults.arm([]);
      return { status: 204 };
    }),
    route("POST", /^\/books\/([^/]+)\/entries$/, async ({ idempotencyKey, body }, [name]) => {
      const key = checkedKey(idempotencyKey);
      const entry = jsonIn(body) as BookEntry; // the book itself looks at what it is handed
      return call(bookNamed(name), "enter", key, async (entries) => ({ status: 200, body: await entries.enter(entry, key) }));
    }),
    route("DELETE", /^\/books\/([^/]+)\/entries\/(.+)$/, async (_request, [name, rest]) => {
      const key = keyIn(rest);
      return call(bookNamed(name), "strike", key, async (entries) => {
        await entries.strike(key);
        return { status: 204 };
      });
    }),
    route("GET", /^\/books\/([^/]+)\/entries\/(.+)$/, async (_request, [name, rest]) => {
      const book = bookNamed(name);
      const key = keyIn(rest);
      return call(book, "find", key, () => whatBecame(bank, book, key));
    }),
  ];
  return (request) => answering(() => dispatch(routes, request));
}

interface Route {
  readonly method: string;
  readonly path: RegExp;
  readonly answer: (request: Request, parts: readonly string[]) => Promise<Reply>;
}

function route(method: string, path: RegExp, answer: Route["answer"]): Route {
  return { method, path, answer };
}

async function dispatch(routes: readonly Route[], request: Request): Promise<Reply> {
  const here = routes.filter(({ path }) => path.test(request.path));
  const found = here.find(({ method }) => method === request.method);
  if (found) return found.answer(request, found.path.exec(request.path)?.slice(1) ?? []);
  const methods = here.map(({ method }) => method).join(", ");
  if (methods) throw new Complaint(405, "METHOD_NOT_ALLOWED", `${request.path} takes ${methods}, not ${request.method}.`);
  throw new Complaint(404, "PATH_UNKNOWN", `There is nothing at ${request.path}; see /books, /calls and /faults.`);
}

async function whatBecame(bank: SqliteBank, book: BookName, key: string): Promise<Reply> {
  const finding = await bank.lookUp(book, key);
  switch (finding.status) {
    case "entered":
      return { status: 200, body: finding.receipt };
    case "struck":
      throw new BankRefusal("KEY_STRUCK", `The entry ${key} was struck from ${book}.`);
    case "unknown":
      throw new Complaint(404, "KEY_UNKNOWN", `Nothing ever arrived in ${book} under the key ${key}.`);
  }
}

/** Does the work with the fault around it. */
async function suffering(fault: BankFault | undefined, work: () => Promise<Reply>): Promise<Reply> {
  switch (fault?.kind) {
    case undefined:
      return work();
    case "slow":
      await delay(fault.ms, undefined, { ref: false });
      return work();
    case "lose":
      await work();
      return "lost";
    case "hang":
      if (fault.work === "done") await work();
      return "never";
    case "fail":
      if (fault.work === "done") await work();
      throw new Complaint(500, "FAULT", "The bank was told to fail.");
  }
}

/** Whatever is thrown, as an answer without a stack trace. */
async function answering(work: () => Promise<Reply>): Promise<Reply> {
  try {
    return await work();
  } catch (thrown) {
    const message = thrown instanceof Error ? thrown.message : String(thrown);
    if (thrown instanceof BankRefusal) return { status: STATUS_OF[thrown.code], body: { code: thrown.code, message } };
    if (thrown instanceof Complaint) return { status: thrown.status, body: { code: thrown.code, message } };
    return { status: 500, body: { code: "BANK_FAILED", message: `The bank could not do it: ${message}.` } };
  }
}

function bookNamed(name = ""): BookName {
  if (Object.hasOwn(BOOKS, name)) return name as BookName; // just looked up
  throw new Complaint(404, "BOOK_UNKNOWN", `There is no book ${name}. The books are ${Object.keys(BOOKS).join(", ")}.`);
}

function keyIn(rest = ""): string {
  try {
    return checkedKey(decodeURIComponent(rest));
  } catch (thrown) {
    if (thrown instanceof URIError) throw new Complaint(400, "KEY_INVALID", `${rest} is not percent-encoded as it should be.`);
    throw thrown;
  }
}

function checkedKey(key: string | undefined): string {
  if (key === undefined) throw new Complaint(400, "KEY_MISSING", "Name the intent in the header Idempotency-Key.");
  if (KEY.test(key)) return key;
  throw new Complaint(400, "KEY_INVALID", "An idempotency key is 1 to 1,000 visible ASCII characters, without spaces.");
}

function jsonIn(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    throw new Complaint(400, "NOT_JSON", "The body is not JSON.");
  }
}

function faultsIn(body: unknown): readonly BankFault[] {
  const { data, error } = z.array(BankFault).safeParse(body);
  if (data) return data;
  const issues = error.issues.map(({ path, message }) => `${path.join(".") || "the body"}: ${message}`);
  throw new Complaint(400, "FAULT_INVALID", `That is no list of faults. ${issues.join("; ")}.`);
}
