import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { type Agent, completed, createOrchestrator, defineAgent, defineEffect, defineWorkflow, type LimitsDefinition } from "walkback";
import { anOrder, Order } from "./support.js";
import { aTieredShop, type Behavior, Price, safe, tier, works } from "./tiered.js";

/** A provider of two models over HTTP, one of which can be made to answer 500. */
async function aProvider() {
  const asked: string[] = [];
  const state = { healthy: false };
  const server = createServer((request, response) => {
    const model = request.url?.slice(1) ?? "";
    asked.push(model);
    response.statusCode = model === "premium" && !state.healthy ? 500 : 200;
    response.end(JSON.stringify({ cents: 42 }));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const ask: Behavior = async (by, _given, { signal }) => {
    const response = await fetch(`http://127.0.0.1:${port}/${by}`, { signal });
    if (!response.ok) throw Object.assign(new Error(`the model answered ${response.status}`), { status: response.status });
    return completed({ cents: ((await response.json()) as { cents: number }).cents, by });
  };
  return { asked, state, ask, [Symbol.asyncDispose]: async () => void server.close() };
}

test("while the premium model answers 500 runs complete on standard; once it is well, they come back by themselves", async () => {
  await using provider = await aProvider();
  let now = Date.parse("2026-03-01T12:00:00.000Z");
  const breaker = { consecutiveFailures: 2, halfOpenAfterMs: 60_000 };
  await using shop = aTieredShop(
    [tier("premium", provider.ask, { limits: { retries: 0, breaker } }), tier("standard", provider.ask), safe],
    {},
    { now: () => new Date(now) },
  );

  const ill = [await shop.start(), await shop.start(), await shop.start()];
  provider.state.healthy = true;
  const early = await shop.start();
  now += 60_000;
  const healed = [await shop.start(), await shop.start()];

  expect([...ill, early].map(({ status, degraded }) => `${status} ${degraded}`)).toEqual(Array(4).fill("completed true"));
  expect((await shop.story(early)).falls).toEqual(["premium → standard: BREAKER_OPEN"]);
  expect(healed).toMatchObject(Array(2).fill({ status: "completed", degraded: false, output: { text: "42 by premium" } }));
  expect(provider.asked).toEqual(["premium", "standard", "premium", "standard", "standard", "standard", "premium", "premium"]);
  expect(shop.book.standing()).toEqual([...Array(4).fill("standard"), "premium", "premium"]);
});

/** An agent whose tiers do what the test says with this effect. */
function aDesk(
  effect: Parameters<typeof defineEffect>[0],
  tiers: readonly ("fails" | "works")[],
  more: Partial<Agent> = {},
  first: LimitsDefinition = {},
) {
  const done = defineEffect(effect);
  const worked: string[] = [];
  const agent = defineAgent({
    name: "make-price",
    consumes: { order: Order },
    produces: Price,
    effects: [done],
    tiers: [
      ...tiers.map((behavior, index) => ({
        name: `tier-${index}`,
        limits: { retries: 0, ...(index === 0 ? first : {}) },
        execute: async (
          { order }: { readonly order: { readonly id: string } },
          { effects }: { readonly effects: { perform: (...args: never) => Promise<unknown> } },
        ) => {
          worked.push(`tier-${index}`);
          const receipt = await effects.perform(...([effect.name, { id: order.id }] as never));
          if (behavior === "fails") throw new Error("it broke");
          return completed({ cents: 5, by: String(receipt) });
        },
      })),
      safe,
    ],
  });
  const workflow = defineWorkflow({ name: "desk", input: Order, output: Price, agents: [{ ...agent, ...more }] });
  const orchestrator = createOrchestrator({ workflows: [workflow] });
  return { worked, orchestrator, start: () => orchestrator.start(workflow, anOrder()), [Symbol.asyncDispose]: () => orchestrator.close() };
}

test("what a tier had sent when its time was up arrives first and is undone, before the next tier works", async () => {
  const log: string[] = [];
  const slow = {
    name: "slow",
    identity: (args: unknown) => (args as { id: string }).id,
    perform: async () => {
      const isFirst = log.length === 0;
      log.push("sent");
      if (isFirst) await delay(150); // it hears of no signal
      log.push("arrived");
      return "done";
    },
    undo: async () => void log.push("undone"),
  };
  await using desk = aDesk(slow, ["works", "works"], {}, { timeoutMs: 60 });

  const run = await desk.start();

  expect(run).toMatchObject({ status: "completed", degraded: true, output: { by: "done" } });
  expect(log).toEqual(["sent", "arrived", "undone", "sent", "arrived"]);
});

describe("what has no way back", () => {
  test("an approval that a lower tier waits for lets that tier go on, and asks no tier above again", async () => {
    const sent: string[] = [];
    const done = defineEffect({
      name: "wire",
      identity: ({ id }: { readonly id: string }) => id,
      irreversible: true,
      perform: async ({ id }) => {
        sent.push(id);
        return "wired";
      },
    });
    const worked: string[] = [];
    const agent = defineAgent({
      name: "make-price",
      consumes: { order: Order },
      produces: Price,
      effects: [done],
      tiers: [
        {
          name: "premium",
          limits: { retries: 0 },
          execute: () => {
            worked.push("premium");
            return Promise.reject(new Error("it broke"));
          },
        },
        {
          name: "standard",
          execute: async ({ order }, { effects }) => {
            worked.push("standard");
            return completed({ cents: 5, by: await effects.perform("wire", { id: order.id }) });
          },
        },
        safe,
      ],
    });
    const workflow = defineWorkflow({ name: "approved", input: Order, output: Price, agents: [agent] });
    await using orchestrator = createOrchestrator({ workflows: [workflow] });
    const waiting = await orchestrator.start(workflow, anOrder());

    const run = await orchestrator.resume(waiting.runId, { decision: "approve" });

    expect(waiting).toMatchObject({ status: "waiting", questions: [{ kind: "approval" }] });
    expect(run).toMatchObject({ status: "completed", degraded: true, output: { by: "wired" } });
    expect(worked).toEqual(["premium", "standard", "standard"]);
    expect(sent).toEqual(["o-1"]);
  });

  test("past a point of no return the next tier goes on from what stands", async () => {
    const sent: string[] = [];
    const pay = {
      name: "pay",
      pivot: true,
      identity: (args: unknown) => (args as { id: string }).id,
      perform: async (args: unknown) => {
        sent.push((args as { id: string }).id);
        return "paid";
      },
    };
    await using desk = aDesk(pay, ["fails", "works"]);
    await using stuck = aDesk(pay, ["fails", "fails"]);

    const run = await desk.start();
    const asked = await stuck.start();

    expect(run).toMatchObject({ status: "completed", degraded: true, output: { by: "paid" } });
    expect(asked, "no emergency answer takes the place of work that has been paid for").toMatchObject({
      degraded: false,
      failure: { code: "AGENT_FAILED" },
    });
    expect("questions" in asked && asked.questions).toHaveLength(1);
    expect(sent).toHaveLength(2);
  });

  test("a failed tier whose effect cannot be undone parks the run, and no other tier works beside it", async () => {
    const sticky = {
      name: "sticky",
      identity: (args: unknown) => (args as { id: string }).id,
      perform: async () => "done",
      undo: async () => Promise.reject(new Error("stuck")),
    };
    await using desk = aDesk(sticky, ["fails", "works"], { onFailure: "skip", fallback: () => ({ cents: 1, by: "fallback" }) });

    const run = await desk.start();

    expect(run).toMatchObject({ status: "parked", failure: { code: "UNDO_FAILED" }, remaining: [{ effect: "sticky" }] });
    expect(desk.worked).toEqual(["tier-0"]);
  });

  test("an opaque effect that a failed tier lost the answer of is for a human to find out about; then the next tier works", async () => {
    let asked = 0;
    const call = {
      name: "call",
      kind: "opaque" as const,
      identity: (args: unknown) => (args as { id: string }).id,
      perform: async () => (asked++ === 0 ? Promise.reject(new Error("the line broke")) : "called"),
      undo: async () => {},
    };
    await using desk = aDesk(call, ["works", "works"]);
    const parked = await desk.start();

    const run = await desk.orchestrator.resume(parked.runId, { decision: "retry" });

    expect(parked).toMatchObject({ status: "parked", questions: [{ kind: "uncertain" }] });
    expect(run).toMatchObject({ status: "completed", degraded: true, output: { by: "called" } });
    expect(desk.worked).toEqual(["tier-0", "tier-1"]);
  });
});

test("a replay works the tier on record, with the failures above it from the record", async () => {
  const worked: string[] = [];
  const fee: Behavior = async (by, given, context) => {
    worked.push(by);
    await context.effects.record("ask-model", { by }, async () => 3);
    if (by !== "standard") throw new Error("it broke");
    return works(by, given, context);
  };
  const tiers = [tier("missing", fee, { available: () => false }), tier("premium", fee), tier("standard", fee), safe];
  await using shop = aTieredShop(tiers);
  const run = await shop.start();
  const before = [...shop.book.log];
  worked.length = 0;

  const replay = await shop.orchestrator.replay(run.runId);

  expect(replay).toMatchObject({ differs: undefined, status: { recorded: "completed", replayed: "completed" } });
  expect(worked).toEqual(["standard"]);
  expect(shop.book.log).toEqual(before);
});

test.each<[string, Parameters<typeof aTieredShop>[0], Parameters<typeof aTieredShop>[1]]>([
  ["from the emergency", [tier("premium", async () => Promise.reject(new Error("it broke"))), safe], {}],
  ["from nobody", [tier("premium", async () => Promise.reject(new Error("it broke"))), tier("basic", async () => "prose" as never)], {}],
  [
    "that was refused",
    [tier("premium", async () => Promise.reject(new Error("it broke"))), tier("basic"), safe],
    { onDegrade: ({ tier: name }) => (name === "basic" ? "no" : undefined) },
  ],
  [
    "that the gate sent back",
    [
      tier("premium", async (by) => completed({ cents: 0, by })),
      tier("basic", async (by, given, context) =>
        context.feedback.length === 0 ? completed({ cents: 0, by }) : works(by, given, context),
      ),
    ],
    {},
  ],
])("a replay of an answer %s does not differ", async (_which, tiers, more) => {
  await using shop = aTieredShop(tiers, more);
  const run = await shop.start();
  const last = run.versions.length - 1;

  const replays = [await shop.orchestrator.replay(run.runId), await shop.orchestrator.replay(run.runId, { from: Math.min(1, last) })];

  for (const replay of replays)
    expect(replay).toMatchObject({ differs: undefined, status: { recorded: run.status, replayed: run.status } });
});

test("a replay of a cached answer takes it from the record, however old it is by now", async () => {
  let now = Date.parse("2026-03-01T12:00:00.000Z");
  let broken = false;
  const fickle: Behavior = (...args) => (broken ? Promise.reject(new Error("it broke")) : works(...args));
  await using shop = aTieredShop(
    [tier("premium", fickle), { name: "earlier", cached: true, maxAgeMs: 1000 }],
    {},
    { now: () => new Date(now) },
  );
  await shop.start();
  broken = true;
  const run = await shop.start();
  now += 1_000_000;

  expect(run).toMatchObject({ status: "completed", degraded: true });
  expect(await shop.orchestrator.replay(run.runId)).toMatchObject({ differs: undefined });
});

test("a fork that shares a degraded answer is degraded, too", async () => {
  await using shop = aTieredShop([tier("premium", async () => Promise.reject(new Error("it broke"))), tier("standard")]);
  const run = await shop.start();

  const [before, after] = [await shop.orchestrator.fork(run.runId, { from: 0 }), await shop.orchestrator.fork(run.runId, { from: 1 })];

  expect(before).toMatchObject({ status: "completed", degraded: true });
  expect(after).toMatchObject({ status: "completed", degraded: true });
  expect(after.versions[1]).toMatchObject({ tier: "standard" });
});
