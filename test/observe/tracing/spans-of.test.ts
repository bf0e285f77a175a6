import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type Agent,
  completed,
  createOrchestrator,
  defineAgent,
  defineContract,
  defineWorkflow,
  fanOut,
  type RunEvent,
  type RunEventBody,
  type RunId,
  type Workflow,
} from "walkback";
import * as z from "zod";
import { historyBefore } from "../../../src/observe/tracing/history-before.js";
import type { Span } from "../../../src/observe/tracing/span.js";
import { spansOf } from "../../../src/observe/tracing/spans-of.js";
import { goldenFiles, readGolden } from "../../golden/golden.js";
import { aLedger, anOrder, failing, failingAfter, shopAgents, shopWorkflow } from "../../graph/support.js";

const RUN = "01928c5e-0000-7000-8000-000000000001" as RunId;
const FAILURE = { code: "AGENT_FAILED", message: "it broke", details: {}, causes: [] } as const;

/** One event a second. */
function story(...bodies: readonly RunEventBody[]): readonly RunEvent[] {
  return bodies.map((body, second) => ({ ...body, runId: RUN, at: new Date(Date.UTC(2026, 10, 21, 12, 0, second)).toISOString() }));
}

const accepted: RunEventBody = { type: "run.accepted", workflow: "shop", version: 1 };
const begins = (agent: string, round = 0): RunEventBody => ({ type: "agent.started", agent, round });
const answers = (agent: string, more: Partial<Extract<RunEventBody, { type: "agent.completed" }>> = {}): RunEventBody => ({
  type: "agent.completed",
  agent,
  round: 0,
  version: 1,
  durationMs: 1_000,
  source: "agent",
  ...more,
});

/** The tree of spans, one line each. */
function tree(spans: readonly Span[], parent?: Span, depth = 0): readonly string[] {
  const children = spans.filter(({ parentId }) => parentId === parent?.id);
  return children.flatMap((span) => [
    `${"  ".repeat(depth)}${span.name}: ${span.failure?.code ?? span.status}`,
    ...tree(spans, span, depth + 1),
  ]);
}

const seconds = ({ startedAt, endedAt = "" }: Span) => [Date.parse(startedAt), Date.parse(endedAt)].map((ms) => (ms / 1_000) % 60);

async function eventsOf(workflow: Workflow, input: unknown): Promise<readonly RunEvent[]> {
  const events: RunEvent[] = [];
  const orchestrator = createOrchestrator({ workflows: [workflow], onEvent: (event) => events.push(event) });
  await orchestrator.start(workflow.name, input);
  await orchestrator.close();
  return events;
}

async function treeOf(workflow: Workflow, input: unknown) {
  return tree(spansOf(RUN, await eventsOf(workflow, input)));
}

test("what ran side by side stands side by side, and what an attempt did outside stands under it", async () => {
  const spans = await treeOf(shopWorkflow(shopAgents(aLedger())), anOrder());

  expect(spans.filter((line) => !line.startsWith("    ")).toSorted()).toEqual([
    "  reserve-stock: ok",
    "  send-parcel: ok",
    "  take-payment: ok",
    "  write-receipt: ok",
    "shop: ok",
  ]);
  expect(spans.slice(spans.indexOf("  take-payment: ok"))).toEqual(
    expect.arrayContaining(["  take-payment: ok", "    attempt 1: ok", "      charge: ok"]),
  );
});

test("the walk-back stands under the run, newest first, after what it undoes", async () => {
  const agents = shopAgents(aLedger());
  const spans = await treeOf(shopWorkflow({ ...agents, sendParcel: failingAfter(agents.sendParcel) }), anOrder());

  expect(spans[0]).toBe("shop: AGENT_FAILED");
  expect(spans.slice(-4)).toEqual([
    "      parcel: ok",
    "  undo parcel: ok",
    expect.stringMatching(/^ {2}undo (charge|reservation): ok$/),
    expect.stringMatching(/^ {2}undo (charge|reservation): ok$/),
  ]);
});

test("an effect that fails is under its attempt, which fails with it", async () => {
  const agents = shopAgents(aLedger());
  const [charge] = agents.takePayment.effects;
  const broken = { ...charge, perform: () => Promise.reject(new Error("the bank is down")) };
  const takePayment = { ...agents.takePayment, effects: [broken], limits: { ...agents.takePayment.limits, retries: 0 } } as Agent;

  const spans = await treeOf(shopWorkflow({ ...agents, takePayment }), anOrder());

  const at = spans.indexOf("  take-payment: EFFECT_FAILED");
  expect(spans.slice(at, at + 3)).toEqual(["  take-payment: EFFECT_FAILED", "    attempt 1: EFFECT_FAILED", "      charge: EFFECT_FAILED"]);
});

test("a fan-out holds its branches, each with rounds of its own", async () => {
  const Basket = defineContract({ name: "till.basket", version: 1, schema: z.object({ items: z.array(z.string()) }) });
  const Item = defineContract({ name: "till.item", version: 1, schema: z.object({ name: z.string() }) });
  const Price = defineContract({
    name: "till.price",
    version: 1,
    schema: z.object({ cents: z.int() }),
    rules: { "is not free": ({ cents }) => cents > 0 },
  });
  const Bill = defineContract({ name: "till.bill", version: 1, schema: z.object({ cents: z.int() }) });
  const priceItem = defineAgent({
    name: "price-item",
    consumes: { item: Item },
    produces: Price,
    execute: async ({ item }, { feedback }) => completed({ cents: item.name === "pear" && feedback.length === 0 ? 0 : 5 }),
  });
  const priceAll = fanOut({
    name: "price-all",
    consumes: { basket: Basket },
    produces: Bill,
    agent: priceItem,
    over: ({ basket }) => basket.items.map((name) => ({ item: { name } })),
    collect: (prices) => ({ cents: prices.reduce((sum, { cents }) => sum + cents, 0) }),
  });
  const till = defineWorkflow({ name: "till", input: Basket, output: Bill, agents: [priceAll] });

  const spans = await treeOf(till, { items: ["fig", "pear"] });

  expect(spans.filter((line) => !line.includes("attempt")).toSorted()).toEqual([
    "    price-all[0]: ok",
    "    price-all[1]: CONTRACT_VIOLATED",
    "    price-all[1]: ok",
    "  price-all: ok",
    "till: ok",
  ]);
});

test("a fork is a trace of its own that names the run whose history it shares", async () => {
  const workflow = shopWorkflow(shopAgents(aLedger()));
  const events: RunEvent[] = [];
  await using orchestrator = createOrchestrator({ workflows: [workflow], onEvent: (event) => events.push(event) });
  const source = await orchestrator.start(workflow, anOrder());

  const fork = await orchestrator.fork(source.runId, { from: 2 });

  const [root] = spansOf(
    fork.runId,
    events.filter(({ runId }) => runId === fork.runId),
  );
  expect(root).toMatchObject({ id: fork.runId, status: "ok", attributes: { forkedFrom: source.runId, sharedUpToVersion: 2 } });
});

test("a retry, a fallen tier and an answer have the times they took", () => {
  const spans = spansOf(
    RUN,
    story(
      accepted,
      begins("price"),
      { type: "agent.attempt-failed", agent: "price", round: 0, attempt: 1, durationMs: 1_000, failure: FAILURE, tier: "premium" },
      { type: "agent.degraded", agent: "price", round: 0, from: "premium", to: "basic", failure: FAILURE },
      {
        type: "effect.performed",
        agent: "price",
        effect: "book",
        key: "k",
        round: 0,
        tier: "basic",
        attempt: 1,
        attemptMs: 1_000,
        durationMs: 500,
      },
      answers("price", { durationMs: 4_000, tier: "basic", attempt: 1, attemptMs: 2_000 }),
      { type: "run.ended", status: "completed", durationMs: 6_000 },
    ),
  );

  expect(spans.map((span) => [span.name, ...seconds(span)])).toEqual([
    ["shop", 0, 6],
    ["price", 1, 5],
    ["premium", 1, 3],
    ["attempt 1", 1, 2],
    ["basic", 3, 5],
    ["attempt 1", 3, 5],
    ["book", 3.5, 4],
  ]);
});

test("work that a crash cut off is stopped where it was begun again", () => {
  const spans = spansOf(RUN, story(accepted, begins("price"), begins("price"), answers("price", { attempt: 1, attemptMs: 500 })));

  expect(tree(spans)).toEqual(["shop: open", "  price: stopped", "  price: ok", "    attempt 1: ok"]);
});

test("who was at work when the run failed is stopped with its end", () => {
  const spans = spansOf(
    RUN,
    story(
      accepted,
      begins("price"),
      begins("weigh"),
      { type: "agent.failed", agent: "weigh", round: 0, failure: FAILURE },
      { type: "run.failed", failure: FAILURE },
      { type: "effect.undone", agent: "price", effect: "book", key: "k", durationMs: 10 },
      { type: "run.ended", status: "rolled-back", durationMs: 5_000 },
    ),
  );

  expect(tree(spans)).toEqual(["shop: AGENT_FAILED", "  price: stopped", "  weigh: AGENT_FAILED", "  undo book: ok"]);
});

test("an answer that came and was none makes its attempt fail", () => {
  const incomplete = { ...FAILURE, code: "INCOMPLETE" } as const;
  const spans = spansOf(RUN, story(accepted, begins("price"), { type: "agent.failed", agent: "price", round: 0, failure: incomplete }));

  expect(tree(spans)).toEqual(["shop: open", "  price: INCOMPLETE", "    attempt 1: INCOMPLETE"]);
});

test("the time for which a run waits for a human is a span", () => {
  const spans = spansOf(
    RUN,
    story(
      accepted,
      begins("price"),
      { type: "agent.failed", agent: "price", round: 0, failure: FAILURE },
      { type: "run.waiting", question: "price#0", kind: "agent-failed" },
      { type: "run.answered", question: "price#0", decision: "use", reason: "I know it" },
      answers("price", { round: 1, durationMs: 0, source: "human" }),
    ),
  );

  expect(tree(spans)).toEqual(["shop: open", "  price: AGENT_FAILED", "  ask a human: agent-failed: ok", "  price: ok"]);
  expect(JSON.stringify(spans)).not.toContain("I know it");
});

describe("runs of earlier releases", () => {
  test.each(goldenFiles())("%s is a whole tree", (name) => {
    const { run, events } = readGolden(name).golden.inspection as { readonly run: { readonly runId: RunId }; readonly events: RunEvent[] };

    const spans = spansOf(run.runId, events);

    const byId = new Map(spans.map((span) => [span.id, span]));
    expect(byId.size).toBe(spans.length);
    expect(spans.filter(({ parentId }) => parentId === undefined)).toHaveLength(1);
    for (const span of spans) {
      const parent = byId.get(span.parentId ?? "");
      expect(span.endedAt === undefined || span.endedAt >= span.startedAt).toBe(true);
      if (span.parentId === undefined) continue;
      expect(span.order.startsWith(`${parent?.order}.`)).toBe(true);
      expect(span.startedAt >= (parent?.startedAt ?? "")).toBe(true);
      if (parent?.status === "ok") expect(span.status).not.toBe("open");
    }
  });
});

test("the ids are the same however much of the run is known so far", async () => {
  const agents = shopAgents(aLedger());
  const events = await eventsOf(shopWorkflow({ ...agents, sendParcel: failing(agents.sendParcel) }), anOrder());
  const idsOf = (some: readonly RunEvent[]) => spansOf(RUN, some).map(({ order }) => order);

  for (let known = 1; known <= events.length; known++) {
    const ids = idsOf(events.slice(0, known));
    expect(idsOf(events).slice(0, ids.length)).toEqual(ids);
  }
});

test("of a record and of what was heard since, nothing is taken twice and nothing is lost", () => {
  const events = story(...Array.from({ length: 12 }, (_, round) => begins("price", round)));
  const place = fc.integer({ min: 0, max: events.length });

  fc.assert(
    fc.property(place, place, (one, other) => {
      const [heardFrom, writtenTo] = [Math.min(one, other), Math.max(one, other)];

      const history = historyBefore(events.slice(0, writtenTo), events.slice(heardFrom));

      expect(history).toEqual(events.slice(0, heardFrom));
    }),
  );
});
