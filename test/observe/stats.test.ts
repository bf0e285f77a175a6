import { expect, test } from "vitest";
import {
  AgentUnavailable,
  completed,
  createOrchestrator,
  defineAgent,
  defineContract,
  defineWorkflow,
  fanOut,
  sqliteStore,
} from "walkback";
import * as z from "zod";
import { aFolder } from "../support/store.js";

const NOON = Date.parse("2026-11-02T12:00:00.000Z");
const HOUR_MS = 3_600_000;
const Order = defineContract({
  name: "shop.order",
  version: 1,
  schema: z.object({ takesMs: z.int(), weak: z.boolean().optional(), fails: z.boolean().optional() }),
});
const Priced = defineContract({ name: "shop.priced", version: 1, schema: z.object({ cents: z.int() }) });
const Sold = defineContract({ name: "shop.sold", version: 1, schema: z.object({ cents: z.int() }) });

/** A shop whose agents take exactly as long as the order says, by a clock that only they move. */
function aShop() {
  let time = NOON;
  const price = defineAgent({
    name: "price",
    consumes: { order: Order },
    produces: Priced,
    limits: { retries: 0, breaker: { kind: "consecutive", failures: 100 } },
    tiers: [
      {
        name: "good",
        async execute({ order }) {
          time += order.takesMs;
          if (order.weak) throw new AgentUnavailable("later", { agent: "price" });
          return completed({ cents: 100 });
        },
      },
      { name: "safe", emergency: () => ({ cents: 1 }) },
    ],
  });
  const sell = defineAgent({
    name: "sell",
    consumes: { order: Order, priced: Priced },
    produces: Sold,
    limits: { retries: 0, breaker: { kind: "consecutive", failures: 100 } },
    async execute({ order, priced }, { spend }) {
      time += 5;
      if (order.fails) throw new Error("sold out");
      const call = { inputTokens: 10, outputTokens: 10, microDollars: 700 };
      await spend(call, async () => ({ result: null, usage: { inputTokens: 10, outputTokens: 5, microDollars: 300 } }));
      return completed({ cents: priced.cents });
    },
  });
  const workflow = defineWorkflow({ name: "shop", input: Order, output: Sold, agents: [price, sell] });
  return { workflow, now: () => new Date(time), wait: (ms: number) => (time += ms) };
}

test("counts runs, calls and spending, with the times that the agents took", async () => {
  const { workflow, now } = aShop();
  await using orchestrator = createOrchestrator({ workflows: [workflow], now });
  for (let takesMs = 10; takesMs <= 100; takesMs += 10) await orchestrator.start(workflow, { takesMs });
  await orchestrator.start(workflow, { takesMs: 1_000, weak: true });
  await orchestrator.start(workflow, { takesMs: 20, fails: true });

  const stats = await orchestrator.stats();

  expect(stats.runs).toMatchObject({ accepted: 12, ended: 12, degraded: 1, successRate: 11 / 12, degradedShare: 1 / 12 });
  expect(stats.runs.byStatus).toMatchObject({ completed: 11, "rolled-back": 1, running: 0, queued: 0 });
  expect(stats.runs.durationMs).toEqual({ p50: 55, p95: 1_005, p99: 1_005 });
  expect(stats.agents).toEqual([
    { agent: "price", tier: "good", calls: 12, failed: 1, latencyMs: { p50: 50, p95: 100, p99: 100 } },
    { agent: "price", tier: "safe", calls: 1, failed: 0, latencyMs: { p50: 1_000, p95: 1_000, p99: 1_000 } },
    { agent: "sell", tier: undefined, calls: 12, failed: 1, latencyMs: { p50: 5, p95: 5, p99: 5 } },
  ]);
  expect(stats.spend.byAgent).toEqual([{ name: "sell", microDollars: 11 * 300, tokens: 11 * 15, calls: 11 }]);
  expect(stats.breakers.map(({ name, state }) => `${name} ${state}`)).toEqual(["price/good closed", "sell closed"]);
});

test("are the same numbers after a restart, and of a process that never ran a thing", async () => {
  await using folder = await aFolder();
  const { workflow, now } = aShop();
  const first = createOrchestrator({ store: folder.file("shop.db"), workflows: [workflow], now });
  for (const takesMs of [10, 30, 20]) await first.start(workflow, { takesMs, weak: takesMs === 30 });
  const before = await first.stats();
  await first.close();

  await using restarted = createOrchestrator({ store: folder.file("shop.db"), workflows: [workflow], now });
  await using onlooker = createOrchestrator({ store: folder.file("shop.db"), workflows: [], now });

  expect(before.runs.accepted).toBe(3);
  expect(await restarted.stats()).toEqual(before);
  expect(await onlooker.stats()).toEqual(before);
});

test("look back a day, or as far as they are told", async () => {
  const { workflow, now, wait } = aShop();
  await using orchestrator = createOrchestrator({ workflows: [workflow], now });
  await orchestrator.start(workflow, { takesMs: 10 });
  wait(25 * HOUR_MS);
  await orchestrator.start(workflow, { takesMs: 20 });

  const day = await orchestrator.stats();
  const all = await orchestrator.stats({ since: new Date(NOON) });

  expect([day.runs.accepted, day.agents[0]?.latencyMs?.p50, day.spend.total.calls]).toEqual([1, 20, 1]);
  expect([all.runs.accepted, all.agents[0]?.latencyMs?.p99, all.spend.total.calls]).toEqual([2, 20, 2]);
  await expect(orchestrator.stats({ since: "yesterday" })).rejects.toMatchObject({ code: "OPTION_INVALID" });
});

test("of a store where nothing has happened are empty, not wrong", async () => {
  await using orchestrator = createOrchestrator({ workflows: [] });

  const stats = await orchestrator.stats();

  expect(stats).toMatchObject({ runs: { accepted: 0, ended: 0 }, agents: [], breakers: [], queue: { queued: 0, running: 0 } });
  expect([stats.runs.successRate, stats.runs.durationMs, stats.waitedMs, stats.queue.longestWaitMs]).toEqual(Array(4).fill(undefined));
});

test("say how long runs waited, and how long the first of them waits now", async () => {
  const { workflow, now, wait } = aShop();
  const store = sqliteStore(":memory:");
  await using front = createOrchestrator({ store, workflows: [workflow], now, queue: { maxConcurrent: 0 } });
  for (let n = 0; n < 4; n++) await front.submit(workflow, { takesMs: 0 });
  await front.queue.pause();
  wait(2_000);

  const waiting = await front.stats();
  await front.queue.resume();
  await using worker = createOrchestrator({ store, workflows: [workflow], now, queue: { pollMs: 5, maxConcurrent: 4 } });
  await worker.queue.drain();
  const done = await worker.stats();

  expect(waiting.queue).toMatchObject({ queued: 4, longestWaitMs: 2_000 });
  expect(waiting.waitedMs).toBeUndefined();
  expect(done.queue).toMatchObject({ queued: 0, longestWaitMs: undefined });
  expect(done.waitedMs).toEqual({ p50: 2_000, p95: 2_000, p99: 2_000 });
});

test("count the branches of a fan-out one by one, and not how they are put together", async () => {
  const Basket = defineContract({ name: "shop.basket", version: 1, schema: z.object({ items: z.array(z.string()) }) });
  const Item = defineContract({ name: "shop.item", version: 1, schema: z.object({ name: z.string() }) });
  const weigh = defineAgent({
    name: "weigh",
    consumes: { item: Item },
    produces: Priced,
    execute: async ({ item }) => completed({ cents: item.name.length }),
  });
  const weighAll = fanOut({
    name: "weigh-all",
    consumes: { basket: Basket },
    produces: Sold,
    agent: weigh,
    over: ({ basket }) => basket.items.map((name) => ({ item: { name } })),
    collect: (weights) => ({ cents: weights.length }),
  });
  const workflow = defineWorkflow({ name: "scales", input: Basket, output: Sold, agents: [weighAll] });
  await using orchestrator = createOrchestrator({ workflows: [workflow] });
  await orchestrator.start(workflow, { items: ["ham", "egg", "bread"] });

  const { agents } = await orchestrator.stats();

  expect(agents).toMatchObject([{ agent: "weigh-all", tier: undefined, calls: 3, failed: 0 }]);
});
