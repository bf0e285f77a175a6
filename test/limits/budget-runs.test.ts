import { describe, expect, test } from "vitest";
import { completed, createOrchestrator, defineAgent, defineContract, defineWorkflow, type LimitOptions, type OnFailure } from "walkback";
import * as z from "zod";
import { aLedger, entry } from "../graph/support.js";
import { aFolder } from "../support/store.js";
import { aClock, HOUR, MINUTE } from "./spending.js";

const Topic = defineContract({ name: "paper.topic", version: 1, schema: z.object({ id: z.string() }) });
const Notes = defineContract({ name: "paper.notes", version: 1, schema: z.object({ text: z.string() }) });
const Paper = defineContract({ name: "paper.paper", version: 1, schema: z.object({ text: z.string() }) });

const MODEL = { provider: "openai", model: "gpt-4o", inputTokens: 40_000, outputTokens: 20_000 };
/** 40,000 tokens in and 20,000 out, at most: 0.30 dollars. */
const PAPER_MICRO_DOLLARS = 300_000;

/** One agent books a desk in the ledger outside, the next one pays a model for a paper. */
async function aPaperMill(limits: LimitOptions, onFailure: OnFailure = "rollback") {
  const folder = await aFolder();
  const ledger = aLedger();
  const clock = aClock();
  const asked: string[] = [];
  const bookDesk = defineAgent({
    name: "book-desk",
    consumes: { topic: Topic },
    produces: Notes,
    effects: [entry(ledger, "desk")],
    execute: async ({ topic }, { effects }) => {
      await effects.perform("desk", { id: topic.id });
      return completed({ text: topic.id });
    },
  });
  const writePaper = defineAgent({
    name: "write-paper",
    consumes: { notes: Notes },
    produces: Paper,
    onFailure,
    limits: { retries: 0 },
    execute: async ({ notes }, { effects, spend }) => {
      const text = await effects.record("model", { notes }, () =>
        spend(MODEL, async () => {
          asked.push(notes.text);
          return { result: `on ${notes.text}`, usage: { inputTokens: 40_000, outputTokens: 20_000 } };
        }),
      );
      return completed({ text });
    },
  });
  const workflow = defineWorkflow({ name: "paper", input: Topic, output: Paper, agents: [bookDesk, writePaper] });
  const orchestrator = createOrchestrator({ workflows: [workflow], store: folder.file("store.db"), limits, now: clock.now });
  return {
    orchestrator,
    ledger,
    clock,
    asked,
    start: (id: string) => orchestrator.start(workflow, { id }),
    hour: () => orchestrator.budget().scopes.find(({ scope, window }) => scope === "global" && window === "hour"),
    async [Symbol.asyncDispose]() {
      await orchestrator.close();
      await folder[Symbol.asyncDispose]();
    },
  };
}

describe("a budget that runs out in the middle of a run", () => {
  const limits: LimitOptions = { budgets: { hourly: { microDollars: 2 * PAPER_MICRO_DOLLARS } } };

  test("walks the run back, says why, and lets runs through again in the next hour", async () => {
    await using mill = await aPaperMill(limits);
    const { ledger, clock, asked, orchestrator } = mill;

    const first = [await mill.start("a"), await mill.start("b")];
    const third = await mill.start("c");
    const rowsThen = [...ledger.rows.values()];
    const inspection = await orchestrator.inspect(third.runId);
    clock.move(HOUR + MINUTE);
    const later = await mill.start("d");

    expect(first.map(({ status }) => status)).toEqual(["completed", "completed"]);
    expect(third).toMatchObject({
      status: "rolled-back",
      failure: {
        code: "BUDGET_EXCEEDED",
        details: {
          agent: "write-paper",
          scope: "global",
          window: "hour",
          limit: 600_000,
          spent: 600_000,
          wanted: 300_000,
          freeAt: new Date(clock.time()).toISOString(),
        },
      },
    });
    expect(rowsThen).toEqual(["desk", "desk"]);
    expect(ledger.log).toEqual(["desk a", "desk b", "desk c", "undo desk c", "desk d"]);
    expect(JSON.stringify(inspection)).toContain("of the hourly budget of global, $0.60, $0.60 are spent");
    expect(later.status).toBe("completed");
    expect(asked).toEqual(["a", "b", "d"]);
  });

  test("waits for a human under ask, who has it tried again in the next hour", async () => {
    await using mill = await aPaperMill(limits, "ask");
    await mill.start("a");
    await mill.start("b");

    const waiting = await mill.start("c");
    const tooSoon = await mill.orchestrator.resume(waiting.runId, { decision: "retry" });
    mill.clock.move(HOUR + MINUTE);
    const done = await mill.orchestrator.resume(waiting.runId, { decision: "retry" });

    expect(waiting).toMatchObject({ status: "waiting", questions: [{ agent: "write-paper" }] });
    expect(tooSoon.status).toBe("waiting");
    expect(done).toMatchObject({ status: "completed", output: { text: "on c" } });
    expect([...mill.ledger.rows.values()]).toEqual(["desk", "desk", "desk"]);
  });

  test("never lets runs side by side spend more than it has, whoever comes first", async () => {
    await using mill = await aPaperMill(limits);

    const runs = await Promise.all(["a", "b", "c", "d", "e"].map(mill.start));

    expect(runs.map(({ status }) => status).toSorted()).toEqual(["completed", "completed", "rolled-back", "rolled-back", "rolled-back"]);
    expect(mill.ledger.rows.size).toBe(2);
    expect(mill.hour()).toMatchObject({ spent: { microDollars: 600_000 }, reserved: { microDollars: 0 }, remaining: { microDollars: 0 } });
  });
});

test("what was paid for is known by agent, model and tenant", async () => {
  await using mill = await aPaperMill({});
  await mill.start("a");
  await mill.start("b");

  expect(mill.orchestrator.budget().spend).toEqual({
    total: { microDollars: 600_000, tokens: 120_000, calls: 2 },
    byAgent: [{ name: "write-paper", microDollars: 600_000, tokens: 120_000, calls: 2 }],
    byModel: [{ name: "openai:gpt-4o", microDollars: 600_000, tokens: 120_000, calls: 2 }],
    byTenant: [{ name: "default", microDollars: 600_000, tokens: 120_000, calls: 2 }],
  });
});

test("a replay pays nothing", async () => {
  await using mill = await aPaperMill({});
  const { runId } = await mill.start("a");

  const replay = await mill.orchestrator.replay(runId);

  expect(replay.differs).toBeUndefined();
  expect(mill.asked).toEqual(["a"]);
  expect(mill.orchestrator.budget().spend.total.calls).toBe(1);
});
