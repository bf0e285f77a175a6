import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type Agent, createOrchestrator, defineWorkflow, type Workflow } from "walkback";
import { type BookName, creditWorkflow, httpBank } from "walkback/workflows/credit-decision";
import { anOffer } from "./bank-conformance.js";
import { viewsOf } from "./bank-views.js";
import { anApplication } from "./support.js";

const PROGRAM = fileURLToPath(new URL("../../../src/workflows/credit-decision/bank-process.ts", import.meta.url));
/** What one application leaves on the books. */
const ENTRIES = ["inquiry", "evidence", "fraud", "reservation", "letter"];

const launched: ChildProcess[] = [];
afterAll(() => launched.forEach((bank) => void bank.kill("SIGKILL")));

/** The program with these options, and how it ended. */
function launch(...words: readonly string[]) {
  const bank = spawn(process.execPath, ["--import", "tsx", PROGRAM, ...words], { stdio: ["ignore", "pipe", "pipe"] });
  launched.push(bank);
  return {
    firstLine: async () => ((await once(createInterface(bank.stdout), "line")) as [string])[0],
    output: () => Promise.all([text(bank.stdout), text(bank.stderr)]),
    exitCode: once(bank, "exit").then(([code]) => code as number | null),
    kill: (signal: NodeJS.Signals) => bank.kill(signal),
  };
}

/** The real bank in a process of its own; killed when it is disposed of. */
async function aBankProcess({ file = join(aFolder(), "bank.db"), port = "0" } = {}) {
  const bank = launch("--file", file, "--port", port);
  const { url } = JSON.parse(await bank.firstLine()) as { readonly url: string };
  const end = (signal: NodeJS.Signals) => {
    bank.kill(signal);
    return bank.exitCode;
  };
  return {
    ...httpBank({ url }),
    ...viewsOf(url),
    file,
    url,
    port: new URL(url).port,
    end,
    [Symbol.asyncDispose]: async () => void (await end("SIGKILL")),
  };
}

const folders: string[] = [];
afterAll(() => folders.forEach((folder) => void rmSync(folder, { recursive: true })));

function aFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "bank-"));
  folders.push(folder);
  return folder;
}

/** The credit workflow with these agents changed. */
function withAgents({ name, input, output, agents }: Workflow, change: (agent: Agent) => Agent): Workflow {
  return defineWorkflow({ name, input, output, agents: agents.map(change) });
}

/** Lets decide-credit wait for an answer no longer than 300 ms a try. */
const impatient =
  (retries: number) =>
  (agent: Agent): Agent =>
    agent.name === "decide-credit"
      ? { ...agent, effects: agent.effects.map((effect) => ({ ...effect, timeoutMs: 300 })), limits: { ...agent.limits, retries } }
      : agent;

/** Breaks one agent once all its work is done. */
const breakingAfter =
  (name: string) =>
  (agent: Agent): Agent => ({
    ...agent,
    execute: async (inputs, context) => {
      const answer = await agent.execute(inputs, context);
      if (agent.name === name) throw new Error("injected");
      return answer;
    },
  });

/** What is on the books and in the log about one application. */
async function traceOf(bank: Awaited<ReturnType<typeof aBankProcess>>, id: string, where?: BookName) {
  const [books, calls] = await Promise.all([bank.snapshot(), bank.calls()]);
  const isWanted = (book: string, applicationId: string | null) => applicationId === id && (where ?? book) === book;
  return {
    rows: Object.entries(books).flatMap(([book, rows]) => rows.filter(({ applicationId }) => isWanted(book, applicationId))),
    calls: calls.filter(({ book, applicationId }) => isWanted(book, applicationId)),
  };
}

describe("a bank that misbehaves", () => {
  let bank: Awaited<ReturnType<typeof aBankProcess>>;
  beforeAll(async () => {
    bank = await aBankProcess();
  });
  beforeEach(() => bank.behave());
  afterAll(() => bank[Symbol.asyncDispose]());

  test("loses its answer: the second try gets the same receipt, and there is one row", async () => {
    await bank.misbehave({ kind: "lose", book: "exposure_reservations", action: "enter", calls: { next: 1 } });
    await using orchestrator = createOrchestrator({ workflows: [creditWorkflow(bank)] });

    const { runId, status } = await orchestrator.start("credit-decision", anApplication({ id: "lost" }));

    const { effects } = await orchestrator.inspect(runId);
    const { rows, calls } = await traceOf(bank, "lost", "exposure_reservations");
    expect(status).toBe("completed");
    expect(calls.map(({ outcome }) => outcome)).toEqual(["done", "repeated"]);
    expect(rows).toMatchObject([{ idempotencyKey: calls[0]?.idempotencyKey }]);
    expect(effects.find(({ agent }) => agent === "assess-risk")).toMatchObject({
      key: rows[0]?.idempotencyKey,
      receipt: { id: rows[0]?.id },
    });
  });

  test.each(["none", "done"] as const)("hangs with its work %s: the effect's time cuts it off, and it is undone", async (work) => {
    await bank.misbehave({ kind: "hang", work, book: "offers", action: "enter" });
    const workflow = withAgents(creditWorkflow(bank), impatient(1));
    await using orchestrator = createOrchestrator({ workflows: [workflow] });

    const run = await orchestrator.start("credit-decision", anApplication({ id: `hung-${work}` }));

    expect(run).toMatchObject({ status: "rolled-back", failure: { code: "EFFECT_FAILED", details: { agent: "decide-credit" } } });
    expect((await traceOf(bank, `hung-${work}`)).rows).toEqual([]);
    expect(await bank.faults()).toMatchObject([{ kind: "hang", met: 2 }]);
  });

  test.each(["none", "done"] as const)("fails in a strike with its work %s: it is struck again, and nothing is left", async (work) => {
    await bank.misbehave({ kind: "fail", work, action: "strike", calls: { firstOfEachKey: 1 } });
    await using orchestrator = createOrchestrator({ workflows: [withAgents(creditWorkflow(bank), breakingAfter("decide-credit"))] });
    const before = (await bank.calls()).length;

    const run = await orchestrator.start("credit-decision", anApplication({ id: `failed-${work}` }));

    expect(run).toMatchObject({ status: "rolled-back", failure: { code: "AGENT_FAILED" } });
    expect((await traceOf(bank, `failed-${work}`)).rows).toEqual([]);
    const strikes = (await bank.calls()).slice(before).filter(({ action }) => action === "strike");
    expect(strikes.map(({ outcome }) => outcome)).toEqual(ENTRIES.flatMap(() => (work === "done" ? ["done", "repeated"] : ["done"])));
  });

  test("is late: what was struck in the meantime is not entered after all", async () => {
    await bank.misbehave({ kind: "slow", ms: 1_000, book: "offers", action: "enter" });
    const workflow = withAgents(creditWorkflow(bank), impatient(0));
    await using orchestrator = createOrchestrator({ workflows: [workflow] });

    const run = await orchestrator.start("credit-decision", anApplication({ id: "late" }));

    expect(run).toMatchObject({ status: "rolled-back" });
    await expect
      .poll(async () => (await traceOf(bank, "late", "offers")).calls, { timeout: 10_000 })
      .toMatchObject([{ action: "enter", outcome: "refused: KEY_STRUCK" }]);
    expect((await traceOf(bank, "late")).rows).toEqual([]);
  });

  test("loses the first answer to every key: all runs complete, with one row for each key", async () => {
    await bank.misbehave({ kind: "lose", calls: { firstOfEachKey: 1 } });
    const workflow = creditWorkflow(bank);
    await using orchestrator = createOrchestrator({ workflows: [workflow] });
    const ids = ["first-1", "first-2", "first-3", "first-4"]; // fewer at once than lost answers in a row open a breaker

    const runs = await Promise.all(ids.map((id) => orchestrator.start(workflow, anApplication({ id }))));

    expect(runs.map(({ status }) => status)).toEqual(ids.map(() => "completed"));
    for (const id of ids) {
      const { rows, calls } = await traceOf(bank, id);
      const outcomesOf = (key: string) => calls.filter(({ idempotencyKey }) => idempotencyKey === key).map(({ outcome }) => outcome);
      expect(new Set(calls.map(({ idempotencyKey }) => idempotencyKey)).size).toBe(ENTRIES.length);
      expect(rows.map(({ idempotencyKey }) => outcomesOf(idempotencyKey))).toEqual(ENTRIES.map(() => ["done", "repeated"]));
    }
  });
});

describe("a bank that is killed", () => {
  test("in the middle of its work has lost nothing that it acknowledged", async () => {
    await using before = await aBankProcess();
    await before.letters.strike("struck");
    const acknowledged = new Map<string, string>();
    const sent = Array.from({ length: 100 }, (_, n) => `key-${n}`);
    const sending = sent.map(async (key) => {
      const { id } = await before.letters.enter(anOffer, key);
      acknowledged.set(key, id);
      if (acknowledged.size === 20) await before.end("SIGKILL");
    });
    await Promise.allSettled(sending);

    await using after = await aBankProcess({ file: before.file });

    expect(acknowledged.size).toBeGreaterThanOrEqual(20);
    for (const [key, id] of acknowledged) expect(await after.letters.find(key)).toEqual({ id });
    await expect(after.letters.enter(anOffer, "struck")).rejects.toMatchObject({ code: "KEY_STRUCK" });
    await Promise.all(sent.map((key) => after.letters.enter(anOffer, key)));
    expect((await after.snapshot()).offers.map(({ idempotencyKey }) => idempotencyKey)).toEqual([...sent].sort());
  });

  test("between two calls of a run and started again carries the run to its end, with everything on the books", async () => {
    await using before = await aBankProcess();
    let again: Awaited<ReturnType<typeof aBankProcess>> | undefined;
    const workflow = withAgents(creditWorkflow(before), (agent) => ({
      ...agent,
      execute: async (inputs, context) => {
        if (agent.name === "decide-credit") {
          await before.end("SIGKILL");
          again ??= await aBankProcess({ file: before.file, port: before.port });
        }
        return agent.execute(inputs, context);
      },
    }));
    await using orchestrator = createOrchestrator({ workflows: [workflow] });

    const run = await orchestrator.start("credit-decision", anApplication());

    await using after = again;
    if (!after) throw new Error("the bank was not started again");
    expect(run).toMatchObject({ status: "completed" });
    expect((await traceOf(after, "A-1")).rows).toHaveLength(ENTRIES.length);
  });
});

describe("the program", () => {
  test("ends cleanly on SIGTERM, whoever still waits", async () => {
    await using bank = await aBankProcess();
    await bank.misbehave({ kind: "hang", work: "done" });
    const waiting = bank.letters.enter(anOffer, "key-1").catch((thrown: Error) => thrown.name);
    await expect.poll(bank.calls).toHaveLength(1);

    expect(await bank.end("SIGTERM")).toBe(0);

    expect(await waiting).toBe("OutcomeUnknown");
  });

  test("says what it can do, and what is wrong with how it was started", async () => {
    await using bank = await aBankProcess();
    const endings = async (...words: readonly string[]) => {
      const { output, exitCode } = launch(...words);
      return [...(await output()), await exitCode];
    };

    const [help, badPort, unknown, taken] = await Promise.all([
      endings("--help"),
      endings("--port", "many"),
      endings("--prot", "1"),
      endings("--file", ":memory:", "--port", bank.port),
    ]);

    expect(help).toEqual([expect.stringContaining("--max-exposure-cents N"), "", 0]);
    expect(badPort).toEqual(["", "error: --port many is not a whole number. See --help.\n", 2]);
    expect(unknown).toEqual(["", expect.stringMatching(/^error: Unknown option '--prot'.*\n$/), 2]);
    expect(taken).toEqual(["", expect.stringMatching(/^error: listen EADDRINUSE.*\n$/), 1]);
  });
});
