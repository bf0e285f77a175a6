import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, test, vi } from "vitest";
import { type Agent, completed, createOrchestrator, defineAgent, defineWorkflow } from "walkback";
import {
  type Bank,
  bankServer,
  CreditApplication,
  CreditScore,
  creditDecision,
  httpBank,
  OutcomeUnknown,
  sqliteBank,
} from "walkback/workflows/credit-decision";
import { anOffer, bankConformance, type OpenBank } from "./bank-conformance.js";
import { viewsOf } from "./bank-views.js";
import { aBank, anApplication, emptyBooks } from "./support.js";

/** A client on a server on a bank in memory. */
async function aServedBank(options: { readonly maxExposureCents?: number } = {}) {
  const behind = sqliteBank({ file: ":memory:", now: () => new Date("2026-10-12T09:00:00.000Z"), ...options });
  const server = await bankServer({ bank: behind, port: 0 });
  const { url } = server;
  return {
    ...httpBank({ url }),
    url,
    ...viewsOf(url),
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      await behind.close();
    },
  };
}

bankConformance("httpBank", aServedBank satisfies OpenBank);

describe("a misbehaving bank", () => {
  test("that loses its answer has done the work, and gives the same receipt to a second try", async () => {
    await using bank = await aServedBank();
    await bank.misbehave({ kind: "lose", calls: { next: 1 } });

    await expect(bank.letters.enter(anOffer, "key-1")).rejects.toMatchObject({ name: "OutcomeUnknown", code: "OUTCOME_UNKNOWN" });
    const found = await bank.letters.find("key-1");

    expect(await bank.letters.enter(anOffer, "key-1")).toEqual(found);
    expect((await bank.snapshot()).offers).toHaveLength(1);
  });

  test.each([
    ["none", undefined, []],
    ["done", { id: expect.any(String) }, [{ idempotencyKey: "key-1" }]],
  ] as const)("that fails with its work %s answers 500, and can be asked which it was", async (work, found, rows) => {
    await using bank = await aServedBank();
    await bank.misbehave({ kind: "fail", work, action: "enter" });

    await expect(bank.letters.enter(anOffer, "key-1")).rejects.toMatchObject({ name: "OutcomeUnknown", status: 500 });

    expect(await bank.letters.find("key-1")).toEqual(found);
    expect((await bank.snapshot()).offers).toMatchObject(rows);
  });

  test.each([
    ["none", 0],
    ["done", 1],
  ] as const)("that hangs with its work %s keeps the caller until he gives up", async (work, rows) => {
    await using bank = await aServedBank();
    await bank.misbehave({ kind: "hang", work });

    const entered = bank.letters.enter(anOffer, "key-1", { signal: AbortSignal.timeout(50) });

    await expect(entered).rejects.toMatchObject({ name: "TimeoutError" });
    expect((await bank.snapshot()).offers).toHaveLength(rows);
  });

  test("that is slow does its work late; what was struck in the meantime is refused", async () => {
    await using bank = await aServedBank();
    await bank.misbehave({ kind: "slow", ms: 100, action: "enter" });
    await bank.letters.enter(anOffer, "key-1", { signal: AbortSignal.timeout(20) }).catch(() => {});

    await bank.letters.strike("key-1");

    await vi.waitFor(async () => expect(await bank.calls()).toHaveLength(2), { timeout: 5_000 });
    expect(await bank.calls()).toMatchObject([
      { action: "strike", outcome: "done" },
      { action: "enter", outcome: "refused: KEY_STRUCK" },
    ]);
    expect(await bank.snapshot()).toEqual(emptyBooks);
  });

  test("shows what it was told and how often that came about, until it is told to behave", async () => {
    await using bank = await aServedBank();
    await bank.misbehave({ kind: "lose", book: "offers", calls: { next: 3 } });
    await bank.letters.find("key-1").catch(() => {});

    const armed = await bank.faults();
    const disarmed = await bank.behave();

    expect(armed).toEqual([{ kind: "lose", book: "offers", calls: { next: 3 }, met: 1 }]);
    expect(disarmed.status).toBe(204);
    expect(await bank.letters.find("key-1")).toBeUndefined();
  });
});

describe("a bad request", () => {
  const post = (path: string, body: string, headers: Record<string, string> = { "idempotency-key": "key-1" }) =>
    [path, { method: "POST", body, headers }] as const;

  test.each([
    ["an unknown path", ["/", {}], 404, "PATH_UNKNOWN"],
    ["a wrong method", ["/books", { method: "POST" }], 405, "METHOD_NOT_ALLOWED"],
    ["an unknown book", post("/books/toString/entries", "{}"), 404, "BOOK_UNKNOWN"],
    ["a book of faults that is none", ["/faults", { method: "PUT", body: '{"kind":"lose"}' }], 400, "FAULT_INVALID"],
    ["an unknown fault", ["/faults", { method: "PUT", body: '[{"kind":"explode"}]' }], 400, "FAULT_INVALID"],
    ["no key", post("/books/offers/entries", "{}", {}), 400, "KEY_MISSING"],
    ["a key with a space", post("/books/offers/entries", "{}", { "idempotency-key": "a b" }), 400, "KEY_INVALID"],
    ["a key badly encoded", ["/books/offers/entries/%zz", {}], 400, "KEY_INVALID"],
    ["no JSON", post("/books/offers/entries", "{"), 400, "NOT_JSON"],
    ["null for an entry", post("/books/offers/entries", "null"), 400, "ENTRY_INVALID"],
    ["a field too many", post("/books/offers/entries", JSON.stringify({ ...anOffer, gift: 1 })), 400, "ENTRY_INVALID"],
    ["a body too large", post("/books/offers/entries", JSON.stringify("x".repeat(100_000))), 413, "TOO_LARGE"],
    ["a key never heard of", ["/books/offers/entries/key-9", {}], 404, "KEY_UNKNOWN"],
  ] as const)("with %s is answered with a code and a message, and changes nothing", async (_what, [path, init], status, code) => {
    await using bank = await aServedBank();

    const response = await fetch(`${bank.url}${path}`, init);

    expect(response.status).toBe(status);
    expect(await response.json()).toEqual({ code, message: expect.stringMatching(/^[^\n]+\.$/) });
    expect(await bank.snapshot()).toEqual(emptyBooks);
  });

  test("about a struck key is answered with 410", async () => {
    await using bank = await aServedBank();
    await bank.letters.strike("key-1");

    const response = await fetch(`${bank.url}/books/offers/entries/key-1`);

    expect(response.status).toBe(410);
    expect(await response.json()).toMatchObject({ code: "KEY_STRUCK" });
  });

  test("to a bank whose database is gone is answered without a stack trace", async () => {
    const behind = aBank();
    await using server = await bankServer({ bank: behind, port: 0 });
    await behind.close();

    const response = await fetch(`${server.url}/books`);

    expect(response.status).toBe(500);
    expect(await response.json()).toEqual({ code: "BANK_FAILED", message: expect.not.stringContaining("\n") });
  });
});

/** A server that is no bank. */
async function aServer(listener: RequestListener) {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
    },
  };
}

describe("what is no answer of a bank is never taken for one:", () => {
  test.each<readonly [string, RequestListener]>([
    ["a page of another server", (_request, response) => response.end("<html>Welcome</html>")],
    ["another server's 404", (_request, response) => response.writeHead(404).end('{"code":"NOT_FOUND"}')],
    ["a receipt without an id", (_request, response) => response.end('{"id":""}')],
    ["a redirect", (_request, response) => response.writeHead(307, { location: "http://127.0.0.1:9/" }).end()],
    [
      "half an answer",
      (_request, response) => void response.writeHead(200, { "content-length": 100 }).write('{"id":"a"}', () => response.destroy()),
    ],
    ["a gateway's refusal", (_request, response) => response.writeHead(502).end('{"code":"KEY_REUSED","message":"no"}')],
    ["no HTTP", (request) => request.socket.end("hello\r\n\r\n")],
    ["a connection cut at once", (request) => request.socket.resetAndDestroy()],
  ])("%s", async (_what, listener) => {
    await using server = await aServer(listener);
    const { letters } = httpBank(server);

    await expect(letters.enter(anOffer, "key-1")).rejects.toBeInstanceOf(OutcomeUnknown);
    await expect(letters.strike("key-1")).rejects.toBeInstanceOf(OutcomeUnknown);
    await expect(letters.find("key-1")).rejects.toBeInstanceOf(OutcomeUnknown);
  });
});

describe("the guard takes it for something that passes:", () => {
  /** The failure of a run whose only agent sends a letter and tries it once. */
  async function failureAt(bank: Bank) {
    const score = { applicationId: "A-1", points: 500, probabilityOfDefault: 0.5, reasons: [] };
    const agent = defineAgent({
      name: "write-letter",
      consumes: { application: CreditApplication },
      produces: CreditScore,
      limits: { retries: 0 },
      execute: async (_inputs, { signal }) => {
        await bank.letters.enter(anOffer, "key-1", { signal });
        return completed(score);
      },
    });
    const workflow = defineWorkflow({
      name: "letter",
      input: CreditApplication,
      output: CreditScore,
      agents: [agent as unknown as Agent], // one agent among others of the list
    });
    await using orchestrator = createOrchestrator({ workflows: [workflow] });
    return await orchestrator.start(workflow, anApplication());
  }

  test("a lost answer, and a failing bank", async () => {
    await using bank = await aServedBank();
    for (const fault of [{ kind: "lose" }, { kind: "fail", work: "none" }] as const) {
      await bank.misbehave(fault);

      expect(await failureAt(bank)).toMatchObject({ status: "rolled-back", failure: { code: "AGENT_UNAVAILABLE" } });
    }
  });

  test("a bank that is not there", async () => {
    const gone = await aServedBank();
    await gone[Symbol.asyncDispose]();

    expect(await failureAt(gone)).toMatchObject({ status: "rolled-back", failure: { code: "AGENT_UNAVAILABLE" } });
  });

  test("but not a refusal", async () => {
    await using bank = await aServedBank();
    await bank.letters.strike("key-1");

    expect(await failureAt(bank)).toMatchObject({ status: "rolled-back", failure: { code: "AGENT_FAILED" } });
  });
});

describe("WALKBACK_BANK_URL", () => {
  test("puts the workflow of the command line on the bank at that address", async () => {
    await using bank = await aServedBank();
    vi.stubEnv("WALKBACK_BANK_URL", `${bank.url}/`);

    const { workflow, close } = await creditDecision.open({ dataDir: undefined });
    await using orchestrator = createOrchestrator({ workflows: [workflow] });
    const run = await orchestrator.start("credit-decision", anApplication());
    await close();

    expect(run).toMatchObject({ status: "completed" });
    expect((await bank.snapshot()).offers).toMatchObject([{ applicationId: "A-1" }]);
  });

  test.each(["4040", "localhost:4040", "ftp://bank", "http://", "http://me:secret@bank", "http://bank/?a=b", "http://bank/#a"])(
    "is refused when it is %s",
    async (url) => {
      vi.stubEnv("WALKBACK_BANK_URL", url);

      await expect(creditDecision.open({ dataDir: undefined })).rejects.toMatchObject({
        code: "INPUT_INVALID",
        message: expect.stringContaining("WALKBACK_BANK_URL"),
        details: { url },
      });
    },
  );

  test("leaves the bank in this process when it is empty", async () => {
    vi.stubEnv("WALKBACK_BANK_URL", "");

    const { close } = await creditDecision.open({ dataDir: undefined });

    await close();
  });
});
