import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { createOrchestrator, sqliteStore } from "../../../src/index.js";
import { scriptedModel } from "../../../src/testing/index.js";
import { BOOK_NAMES, BOOKS } from "../../../src/workflows/credit-decision/bank.js";
import { creditDecision, creditWorkflow, type Models, type Snapshot } from "../../../src/workflows/credit-decision/index.js";
import { textOf } from "../../support/archive.js";
import { aBank, emptyBooks } from "./support.js";

/**
 * Runs that the first version of the workflow made, when a decision had no memo and rested on risk and fraud alone, with what
 * stood at the bank then. Never written again.
 */
const FILES = ["approved", "declined", "before-the-decision", "after-the-letter", "after-the-decision", "parked"] as const;
const HOUR_MS = 3_600_000;

const read = (file: string) => readFileSync(new URL(`first-release/${file}`, import.meta.url), "utf8");

/** The run in a store of today, its entries at a bank of today. */
async function imported(name: (typeof FILES)[number], models: Models = {}) {
  const bank = aBank();
  const books = JSON.parse(read(`${name}.bank.json`)) as Snapshot;
  for (const book of BOOK_NAMES)
    for (const { entry, idempotencyKey } of books[book]) await bank[BOOKS[book].port].enter(entry as never, idempotencyKey);
  const store = sqliteStore(":memory:");
  const text = read(`${name}.jsonl`);
  const { runId } = await store.import([text]);
  const later = () => new Date(Date.now() + HOUR_MS);
  const orchestrator = createOrchestrator({
    store,
    workflows: [creditWorkflow(bank, models)],
    now: later,
    limits: { unknownPrice: "dearest" },
  });
  const decision = async (id = runId) => (await store.versions.list(id)).find(({ agent }) => agent === "decide-credit");
  return {
    ...{ bank, books, store, text, runId, orchestrator, decision },
    async [Symbol.asyncDispose]() {
      await orchestrator.close();
      await store.close();
      await bank[Symbol.asyncDispose]();
    },
  };
}

describe.each(FILES)("%s", (name) => {
  test("is sound in a store of today, and becomes the same file again", async () => {
    await using run = await imported(name);

    expect((await run.store.verify()).problems).toEqual([]);
    expect(await textOf(run.store, run.runId)).toBe(run.text);
    expect(await run.orchestrator.inspect(run.runId)).toMatchObject({ run: { workflow: { name: "credit-decision", version: 1 } } });
  });

  test("is worked again without a difference", async () => {
    await using run = await imported(name);

    expect(await run.orchestrator.replay(run.runId)).toMatchObject({ differs: undefined });
    expect(await run.bank.snapshot()).toEqual(run.books);
  });

  test("can be forked after the risk was assessed, and is decided by today's agent", async () => {
    await using run = await imported(name);

    const fork = await run.orchestrator.fork(run.runId, { from: 4 });

    expect(fork).toMatchObject({ status: "completed", output: { memo: null, flags: [] } });
    expect(await run.decision(fork.runId)).toMatchObject({ contract: "credit.decision@2", agentVersion: 2 });
    expect((await run.store.verify()).problems).toEqual([]);
  });
});

test("a run that was cut off before the decision is decided by today's agent", async () => {
  await using run = await imported("before-the-decision");

  await run.orchestrator.recover();

  expect(await run.orchestrator.get(run.runId)).toMatchObject({
    status: "completed",
    workflow: { version: 1 },
    output: { outcome: "approve", limitCents: 3_200_00, memo: null, flags: [] },
  });
  const { offers, ...others } = await run.bank.snapshot();
  expect({ ...others, offers: [] }).toEqual(run.books);
  expect(offers).toMatchObject([{ entry: { kind: "offer" } }]);
  expect((await run.store.verify()).problems).toEqual([]);
});

test("a run that was cut off after its letter ends with that letter", async () => {
  await using run = await imported("after-the-letter");

  await run.orchestrator.recover();

  expect(await run.orchestrator.get(run.runId)).toMatchObject({ status: "completed", output: { outcome: "approve", memo: null } });
  expect(await run.bank.snapshot()).toEqual(run.books);
});

test("a run that was cut off after its offer is looked at by a model where there is one: the offer is withdrawn before the referral", async () => {
  const careful = { memo: "The purpose is odd.", flags: [], advice: "refer", reasons: ["purpose-implausible"] };
  await using run = await imported("after-the-letter", { premium: scriptedModel([{ json: careful }]) });

  await run.orchestrator.recover();

  expect(await run.orchestrator.get(run.runId)).toMatchObject({ status: "completed", output: { outcome: "refer", memo: careful.memo } });
  const { offers, ...others } = await run.bank.snapshot();
  expect({ ...others, offers: [] }).toEqual({ ...run.books, offers: [] });
  expect(offers).toMatchObject([{ entry: { kind: "referral", limitCents: 0 } }]);
  expect((await run.store.verify()).problems).toEqual([]);
});

test("a decision that was on record stays as it was made, and can be summed up", async () => {
  await using run = await imported("after-the-decision");

  await run.orchestrator.recover();

  const ended = await run.orchestrator.get(run.runId);
  if (ended.status !== "completed") throw new Error(`ended ${ended.status}`);
  expect(ended.output).not.toHaveProperty("memo");
  expect(await run.decision()).toMatchObject({ contract: "credit.decision@1", agentVersion: 1 });
  expect(creditDecision.summarize(ended.output)).toMatchObject({ application: "A-1001", outcome: "approve" });
  expect(await run.bank.snapshot()).toEqual(run.books);
});

test("a run that is parked over its letter is walked back by today's agent", async () => {
  await using run = await imported("parked");
  expect((await run.bank.snapshot()).offers).toHaveLength(1);

  const ended = await run.orchestrator.resume(run.runId, { decision: "retry" });

  expect(ended).toMatchObject({ status: "rolled-back" });
  expect(await run.bank.snapshot()).toEqual(emptyBooks);
});
