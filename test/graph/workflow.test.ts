import { expect, test } from "vitest";
import { type Agent, completed, createOrchestrator, defineAgent, defineContract, defineWorkflow } from "walkback";
import * as z from "zod";
import { aLedger, Order, Parcel, Receipt, Stock, shopAgents } from "./support.js";

const agents: Record<string, Agent> = shopAgents(aLedger());
const { reserveStock, takePayment, sendParcel, writeReceipt } = agents as Required<typeof agents> & Record<string, Agent>;
const all = [reserveStock, takePayment, sendParcel, writeReceipt] as Agent[];

function problemsOf(define: () => unknown) {
  try {
    define();
  } catch (thrown) {
    const { code, details } = thrown as { code: string; details: { issues: { problem: string; message: string }[] } };
    expect(code).toBe("WORKFLOW_INVALID");
    return details.issues.map(({ problem, message }) => `${problem}: ${message}`);
  }
  return [];
}

const define = (list: readonly Agent[], output = Receipt as never) =>
  problemsOf(() => defineWorkflow({ name: "shop", input: Order, output, agents: list }));

test("a complete workflow has nothing wrong", () => {
  expect(define(all)).toEqual([]);
});

test("a contract that nobody produces is named with the one who needs it", () => {
  expect(define([takePayment, sendParcel, writeReceipt] as Agent[])).toEqual([
    "missing-producer: nobody produces shop.stock@1, which send-parcel needs",
  ]);
  expect(define([reserveStock] as Agent[])).toEqual(["missing-output: nobody produces shop.receipt@1, which the workflow's output needs"]);
});

test("a contract with two producers is named with both", () => {
  const second = { ...reserveStock, name: "reserve-again" } as Agent;

  expect(define([...all, second])).toEqual(["duplicate-producer: shop.stock is produced by both reserve-stock and reserve-again"]);
});

test("agents that wait for each other in a circle are named, and only they", () => {
  const circular = { ...reserveStock, consumes: { order: Order, parcel: Parcel } } as unknown as Agent;

  expect(define([circular, takePayment, sendParcel, writeReceipt] as Agent[])).toEqual([
    "cycle: reserve-stock, send-parcel wait for each other in a circle",
  ]);
});

test("a version that nobody produces is refused, unless an upcast leads to it", async () => {
  const StockTwo = defineContract({ name: "shop.stock", version: 2, schema: z.object({ shelf: z.string(), count: z.int() }) });
  const Upcast = defineContract({
    name: "shop.stock",
    version: 2,
    schema: z.object({ shelf: z.string(), count: z.int() }),
    previous: Stock,
    upcast: (older) => ({ ...older, count: 1 }),
  });
  const consumer = (stock: typeof StockTwo) =>
    defineAgent({
      name: "count",
      consumes: { stock },
      produces: Receipt,
      execute: async (inputs) => completed({ text: `${inputs.stock.count} on ${inputs.stock.shelf}` }),
    });

  expect(define([reserveStock, consumer(StockTwo)] as Agent[])).toEqual([
    "missing-version: count needs shop.stock@2, but shop.stock@1 is produced and no upcast leads from it",
  ]);
  const workflow = defineWorkflow({ name: "count", input: Order, output: Receipt, agents: [reserveStock as Agent, consumer(Upcast)] });
  await using orchestrator = createOrchestrator({ workflows: [workflow] });
  expect(await orchestrator.start(workflow, { id: "o", amountCents: 1 })).toMatchObject({
    status: "completed",
    output: { text: "1 on A1" },
  });
});

test("names that LangGraph would refuse, or that the graph uses itself, are refused here", () => {
  for (const name of ["a:b", "a|b", "Big", "two words", "__start__", "settle", "walk-back", "versions", "failure", "gate-x"]) {
    expect(define([...all.slice(0, 3), { ...writeReceipt, name } as Agent]).map((issue) => issue.split(":")[0])).toEqual(["bad-name"]);
  }
  expect(define([reserveStock, { ...takePayment, name: "reserve-stock" }, sendParcel, writeReceipt] as Agent[])).toEqual([
    'duplicate-agent: two agents are called "reserve-stock"',
  ]);
});

test("an agent that does not always run needs a fallback where others need its product", () => {
  expect(define([{ ...reserveStock, when: () => false } as Agent, ...all.slice(1)])).toEqual([
    "missing-fallback: reserve-stock does not always run (when) and others need its shop.stock@1: give it a fallback",
  ]);
});

test("everything wrong is listed at once", () => {
  const found = define([
    { ...takePayment, name: "a:b" },
    { ...sendParcel, name: "settle" },
  ] as Agent[]);

  expect(found.map((issue) => issue.split(":")[0]).sort()).toEqual(["bad-name", "bad-name", "missing-output", "missing-producer"]);
});

test("the graph shows the gates, the agents and the walk-back under their names", async () => {
  const workflow = defineWorkflow({ name: "shop", input: Order, output: Receipt, agents: all });
  await using orchestrator = createOrchestrator({ workflows: [workflow] });

  const drawn = await orchestrator.graph("shop").getGraphAsync({ xray: true });

  expect(Object.keys(drawn.nodes).sort()).toEqual([
    "__end__",
    "__start__",
    "gate-send-parcel",
    "gate-write-receipt",
    "reserve-stock",
    "send-parcel",
    "settle",
    "take-payment",
    "walk-back:__start__",
    "walk-back:close",
    "walk-back:park",
    "walk-back:undo",
    "write-receipt",
  ]);
  expect(drawn.edges.map(({ source, target }) => `${source} > ${target}`)).toEqual(
    expect.arrayContaining(["reserve-stock > gate-send-parcel", "take-payment > gate-send-parcel", "gate-send-parcel > send-parcel"]),
  );
});
