import { describe, expect, test } from "vitest";
import { type AgentContext, createOrchestrator, type RunEvent } from "walkback";
import { aLedger, anOrder, aPromise, failing, failingAfter, type ShopAgents, shopAgents, shopWorkflow } from "./support.js";

const names = ["reserveStock", "takePayment", "sendParcel", "writeReceipt"] as const satisfies readonly (keyof ShopAgents)[];

async function aShop(change: (agents: ReturnType<typeof shopAgents>) => Partial<ShopAgents> = () => ({}), lookahead = true) {
  const ledger = aLedger();
  const agents = shopAgents(ledger);
  const workflow = shopWorkflow({ ...agents, ...change(agents) });
  const events: RunEvent[] = [];
  const orchestrator = createOrchestrator({ workflows: [workflow], lookahead, onEvent: (event) => events.push(event) });
  return { ledger, workflow, orchestrator, events, [Symbol.asyncDispose]: () => orchestrator.close() };
}

test("carries an order from the input to the receipt, one version a step", async () => {
  await using shop = await aShop();

  const run = await shop.orchestrator.start(shop.workflow, anOrder());

  expect(run).toMatchObject({ status: "completed", output: { text: "to o-1: 500" } });
  expect(run.versions.map(({ number, agent, contract, parents }) => [number, agent, contract, parents])).toEqual([
    [0, "input", "shop.order@1", []],
    [1, "reserve-stock", "shop.stock@1", [0]],
    [2, "take-payment", "shop.payment@1", [0]],
    [3, "send-parcel", "shop.parcel@1", [0, 1, 2]],
    [4, "write-receipt", "shop.receipt@1", [3]],
  ]);
  expect([...shop.ledger.rows.values()]).toEqual(["reservation", "charge", "parcel", "receipt"]);
});

describe.each(names)("when %s fails", (name) => {
  test.each([
    ["before its work", failing],
    ["after its work", failingAfter],
  ] as const)("%s, everything done outside is undone, newest first, and nothing goes forward", async (_when, fail) => {
    await using shop = await aShop((agents) => ({ [name]: fail(agents[name]) }));

    const run = await shop.orchestrator.start(shop.workflow, anOrder());

    if (run.status !== "rolled-back") throw new Error(`ended ${run.status}`);
    expect(run.failure).toMatchObject({ code: "AGENT_FAILED", causes: [expect.stringContaining("it broke")] });
    expect(shop.ledger.rows).toEqual(new Map());
    const done = shop.ledger.log.filter((line) => !line.startsWith("undo"));
    const undone = shop.ledger.log.filter((line) => line.startsWith("undo"));
    expect(undone).toEqual(done.map((line) => `undo ${line}`).reverse());
    expect(run.undone.map(({ outcome }) => outcome)).toEqual(done.map(() => "undone"));
    const after = shop.events.slice(shop.events.findIndex(({ type }) => type === "run.failed"));
    expect(after.filter(({ type }) => type === "agent.started")).toEqual([]);
  });
});

test("undoes an agent's work in the reverse order of completion", async () => {
  await using shop = await aShop(({ sendParcel }) => ({ sendParcel: failing(sendParcel) }));

  const run = await shop.orchestrator.start(shop.workflow, anOrder());

  const completed = run.versions.slice(1).map(({ agent }) => agent);
  expect(run).toMatchObject({ status: "rolled-back", undone: completed.reverse().map((agent) => ({ agent })) });
});

test("two agents that fail side by side are one walk-back", async () => {
  await using shop = await aShop((agents) => ({
    reserveStock: failingAfter(agents.reserveStock),
    takePayment: failingAfter(agents.takePayment),
  }));

  const run = await shop.orchestrator.start(shop.workflow, anOrder());

  expect(run).toMatchObject({ status: "rolled-back", failure: { code: "AGENT_FAILED" } });
  expect(shop.ledger.rows).toEqual(new Map());
  expect(shop.ledger.log).not.toContain("parcel o-1");
});

test("a slow agent beside the failing one is stopped, and what it had done is undone", async () => {
  let stopped = false;
  const charged = aPromise();
  await using shop = await aShop((agents) => ({
    reserveStock: { ...agents.reserveStock, execute: () => charged.promise.then(() => raise(new Error("out of stock"))) },
    takePayment: {
      ...agents.takePayment,
      execute: async (inputs: never, context: never) => {
        await agents.takePayment.execute(inputs, context);
        charged.keep();
        await new Promise((resolve) => (context as AgentContext).signal.addEventListener("abort", resolve));
        stopped = true;
        throw new Error("stopped");
      },
    },
  }));

  const run = await shop.orchestrator.start(shop.workflow, anOrder());

  expect(run).toMatchObject({ status: "rolled-back", failure: { details: { agent: "reserve-stock" } } });
  expect(stopped).toBe(true);
  expect(shop.ledger.rows).toEqual(new Map());
});

describe("an agent that misbehaves fails the run cleanly:", () => {
  const misbehaviours: [string, (inputs: never) => unknown, string][] = [
    ["throws a string", () => Promise.reject("no reason"), "AGENT_FAILED"],
    ["throws synchronously", () => raise(new RangeError("at once")), "AGENT_FAILED"],
    ["returns prose", async () => "The payment went through just fine!", "INCOMPLETE"],
    ["returns nothing", async () => undefined, "INCOMPLETE"],
    ["changes its input", renameOrder, "AGENT_FAILED"],
  ];
  test.each(misbehaviours)("%s", async (_what, execute, code) => {
    await using shop = await aShop(({ takePayment }) => ({ takePayment: { ...takePayment, execute: execute as never } }));

    const run = await shop.orchestrator.start(shop.workflow, anOrder());

    expect(run).toMatchObject({ status: "rolled-back", failure: { code, details: { agent: "take-payment" } } });
    expect(shop.ledger.rows).toEqual(new Map());
  });

  test("changing its input is a TypeError", async () => {
    await using shop = await aShop(({ takePayment }) => ({ takePayment: { ...takePayment, execute: renameOrder as never } }));

    const run = await shop.orchestrator.start(shop.workflow, anOrder());

    expect(run).toMatchObject({ failure: { causes: [expect.stringMatching(/^TypeError: Cannot assign to read only property/)] } });
  });

  test("never returns", async () => {
    await using shop = await aShop(({ takePayment }) => ({
      takePayment: { ...takePayment, limits: { ...takePayment.limits, timeoutMs: 30, retries: 0 }, execute: () => new Promise(() => {}) },
    }));

    const run = await shop.orchestrator.start(shop.workflow, anOrder());

    expect(run).toMatchObject({ status: "rolled-back", failure: { code: "AGENT_TIMEOUT", details: { timeoutMs: 30 } } });
    expect(shop.ledger.rows).toEqual(new Map());
  });
});

describe("an answer that is no plain JSON is refused before anything is written:", () => {
  const cycle: Record<string, unknown> = { paidCents: 1 };
  cycle["self"] = cycle;
  const outputs: [string, unknown, string][] = [
    ["a BigInt", { paidCents: 1n }, "NOT_PLAIN_JSON"],
    ["a Date", { paidCents: 1, at: new Date() }, "NOT_PLAIN_JSON"],
    ["NaN", { paidCents: Number.NaN }, "NOT_PLAIN_JSON"],
    ["a cycle", cycle, "NOT_PLAIN_JSON"],
    ["__proto__", JSON.parse('{"paidCents":1,"__proto__":{"admin":true}}'), "NOT_PLAIN_JSON"],
    ["10 MB of text", { paidCents: 1, note: "x".repeat(10_000_000) }, "DOCUMENT_TOO_LARGE"],
  ];
  test.each(outputs)("%s", async (_what, output, code) => {
    await using shop = await aShop(({ takePayment }) => ({
      takePayment: { ...takePayment, execute: async () => (await import("walkback")).completed(output) as never },
    }));

    const run = await shop.orchestrator.start(shop.workflow, anOrder());

    expect(run).toMatchObject({ status: "rolled-back", failure: { code } });
    expect(run.versions.map(({ agent }) => agent)).not.toContain("take-payment");
    expect(shop.ledger.rows).toEqual(new Map());
  });

  test("and so is an input, before a run is accepted", async () => {
    await using shop = await aShop();

    const start = shop.orchestrator.start("shop", { id: "o-1", amountCents: 1n });

    await expect(start).rejects.toMatchObject({ code: "NOT_PLAIN_JSON", details: { path: "/amountCents" } });
    expect(await shop.orchestrator.list()).toEqual([]);
  });
});

test("an input that does not fit is refused with the path, and no run is accepted", async () => {
  await using shop = await aShop();

  const start = shop.orchestrator.start("shop", { id: "o-1", amountCents: -5 });

  await expect(start).rejects.toMatchObject({
    code: "INPUT_INVALID",
    details: { contract: "shop.order@1", issues: [{ path: "/amountCents" }] },
  });
  expect(await shop.orchestrator.list()).toEqual([]);
});

test("a run id is given out once its row is on disk, and taken only once", async () => {
  await using shop = await aShop();
  const runId = "11111111-1111-4111-8111-111111111111";
  let seen: Promise<unknown> | undefined;

  const onAccepted = (id: string) => {
    seen = shop.orchestrator.get(id);
  };
  await shop.orchestrator.start(shop.workflow, anOrder(), { runId, onAccepted });

  expect(await seen).toMatchObject({ runId, status: "running", versions: [{ number: 0 }] });
  await expect(shop.orchestrator.start(shop.workflow, anOrder(), { runId })).rejects.toMatchObject({ code: "RUN_EXISTS" });
});

test("fifty runs side by side do not see each other", async () => {
  await using shop = await aShop();

  const runs = await Promise.all(
    Array.from({ length: 50 }, (_, index) => shop.orchestrator.start(shop.workflow, anOrder({ id: `o-${index}` }))),
  );

  expect(runs.map((run) => run.status === "completed" && run.output)).toEqual(runs.map((_, index) => ({ text: `to o-${index}: 500` })));
  expect(shop.ledger.rows.size).toBe(200);
});

describe.each([true, false])("with lookahead %s", (lookahead) => {
  test("the same input gives the same versions and the same walk-back", async () => {
    await using well = await aShop(undefined, lookahead);
    await using ill = await aShop((agents) => ({ writeReceipt: failing(agents.writeReceipt) }), lookahead);

    const completed = await well.orchestrator.start(well.workflow, anOrder());
    const failed = await ill.orchestrator.start(ill.workflow, anOrder());

    expect(completed).toMatchObject({ status: "completed", output: { text: "to o-1: 500" } });
    expect(failed).toMatchObject({
      status: "rolled-back",
      undone: [{ effect: "parcel" }, { effect: "charge" }, { effect: "reservation" }],
    });
  });
});

function raise(error: Error): never {
  throw error;
}

async function renameOrder({ order }: { order: { id: string } }): Promise<void> {
  order.id = "other";
}
