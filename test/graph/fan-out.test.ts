import { expect, test } from "vitest";
import { type Agent, completed, createOrchestrator, defineAgent, defineContract, defineWorkflow, fanOut } from "walkback";
import * as z from "zod";
import { aLedger, aPromise, entry } from "./support.js";

const Basket = defineContract({ name: "shop.basket", version: 1, schema: z.object({ items: z.array(z.string()) }) });
const Item = defineContract({ name: "shop.item", version: 1, schema: z.object({ name: z.string().min(1) }) });
const Price = defineContract({
  name: "shop.price",
  version: 1,
  schema: z.object({ name: z.string(), cents: z.int() }),
  rules: { "is not free": ({ cents }) => cents > 0 },
});
const Bill = defineContract({ name: "shop.bill", version: 1, schema: z.object({ lines: z.array(z.string()) }) });

function aTill(priceItem: Partial<Agent> = {}, priceAll: Partial<Agent> = {}) {
  const ledger = aLedger();
  const price = defineAgent({
    name: "price-item",
    consumes: { item: Item },
    produces: Price,
    effects: [entry(ledger, "scan")],
    execute: async ({ item }, { effects }) => {
      await effects.perform("scan", { id: item.name });
      return completed({ name: item.name, cents: item.name.length });
    },
  });
  const priceBasket = fanOut({
    name: "price-basket",
    consumes: { basket: Basket },
    produces: Bill,
    agent: { ...price, ...priceItem } as typeof price,
    over: ({ basket }) => basket.items.map((name) => ({ item: { name } })),
    collect: (prices) => ({ lines: prices.map(({ name, cents }) => `${name} ${cents}`) }),
  });
  const workflow = defineWorkflow({ name: "till", input: Basket, output: Bill, agents: [{ ...priceBasket, ...priceAll } as Agent] });
  const orchestrator = createOrchestrator({ workflows: [workflow] });
  return { ledger, price, workflow, orchestrator, [Symbol.asyncDispose]: () => orchestrator.close() };
}

const items = ["ham", "egg", "bread", "o"];

test("the results come in the order of the inputs, whoever was first", async () => {
  const last = aPromise();
  await using till = aTill({
    execute: async (inputs) => {
      const { name } = (inputs as { item: { name: string } }).item;
      if (name === "o") last.keep();
      else await last.promise;
      return completed({ name, cents: 1 });
    },
  });

  const run = await till.orchestrator.start(till.workflow, { items });

  expect(run).toMatchObject({ status: "completed", output: { lines: ["ham 1", "egg 1", "bread 1", "o 1"] } });
  const { versions } = await till.orchestrator.inspect(run.runId);
  expect(versions.map(({ agent }) => agent)).toEqual([
    "input",
    "price-basket[3]",
    "price-basket[0]",
    "price-basket[1]",
    "price-basket[2]",
    "price-basket",
  ]);
  expect(versions.at(-1)?.parents).toEqual([2, 3, 4, 1]);
});

test("an empty list gives an empty product", async () => {
  await using till = aTill();

  expect(await till.orchestrator.start(till.workflow, { items: [] })).toMatchObject({ status: "completed", output: { lines: [] } });
});

test("a branch that fails for good walks all of them back", async () => {
  await using till = aTill();
  await using ill = aTill({
    execute: async (inputs, context) => {
      const answer = await till.price.execute(inputs as never, context as never);
      if ((inputs as { item: { name: string } }).item.name === "bread") throw new Error("no price");
      return answer;
    },
    effects: till.price.effects,
  });

  const run = await ill.orchestrator.start(ill.workflow, { items });

  expect(run).toMatchObject({
    status: "rolled-back",
    failure: { code: "AGENT_FAILED", message: "price-basket[2] threw: no price.", details: { agent: "price-basket[2]" } },
  });
  expect(till.ledger.rows).toEqual(new Map());
});

test("every item is checked against what the agent consumes, every result against what it produces", async () => {
  await using till = aTill();
  await using free = aTill({ execute: async () => completed({ name: "gift", cents: 0 }) });

  const badItem = await till.orchestrator.start(till.workflow, { items: ["ham", ""] });
  const badResult = await free.orchestrator.start(free.workflow, { items: ["gift"] });

  expect(badItem).toMatchObject({
    status: "rolled-back",
    failure: { code: "CONTRACT_VIOLATED", details: { contract: "shop.item@1", issues: [{ path: "/name" }] } },
  });
  expect(badResult).toMatchObject({
    status: "rolled-back",
    failure: { code: "CONTRACT_VIOLATED", details: { agent: "price-basket[0]", round: 1 } },
  });
});

test("a branch may be skipped with its agent's fallback", async () => {
  await using till = aTill({
    onFailure: "skip",
    fallback: () => ({ name: "unknown", cents: 99 }),
    execute: async (inputs) => {
      const { name } = (inputs as { item: { name: string } }).item;
      if (name === "egg") throw new Error("no price");
      return completed({ name, cents: 1 });
    },
  });

  expect(await till.orchestrator.start(till.workflow, { items })).toMatchObject({
    output: { lines: ["ham 1", "unknown 99", "bread 1", "o 1"] },
  });
});

test("a branch may ask; the others keep what they have", async () => {
  const calls: string[] = [];
  await using till = aTill({
    onFailure: "ask",
    execute: async (inputs) => {
      const { name } = (inputs as { item: { name: string } }).item;
      calls.push(name);
      if (name === "egg") throw new Error("no price");
      return completed({ name, cents: 1 });
    },
  });
  const asked = await till.orchestrator.start(till.workflow, { items });

  const run = await till.orchestrator.resume(asked.runId, { decision: "use", output: { name: "egg", cents: 30 } });

  expect(asked).toMatchObject({ status: "waiting", questions: [{ id: "price-basket[1]#0" }] });
  expect(run).toMatchObject({ status: "completed", output: { lines: ["ham 1", "egg 30", "bread 1", "o 1"] } });
  expect(calls.sort()).toEqual(["bread", "egg", "ham", "o"]);
});

test("when the whole is skipped, what its branches did is undone", async () => {
  await using till = aTill({}, { onFailure: "skip", fallback: () => ({ lines: ["by hand"] }) });

  const run = await till.orchestrator.start(till.workflow, { items: ["ham", ""] });
  const late = aTill(
    {
      execute: async (inputs, context) => {
        const answer = await till.price.execute(inputs as never, context as never);
        if ((inputs as { item: { name: string } }).item.name === "o") throw new Error("no price");
        return answer;
      },
      effects: till.price.effects,
    },
    { onFailure: "skip", fallback: () => ({ lines: ["by hand"] }) },
  );
  const half = await late.orchestrator.start(late.workflow, { items });

  expect(run).toMatchObject({ status: "completed", output: { lines: ["by hand"] } });
  expect(half).toMatchObject({ status: "completed", output: { lines: ["by hand"] } });
  expect(till.ledger.rows).toEqual(new Map());
  await late.orchestrator.close();
});

test("asked about the whole, retry works only the failed branches again", async () => {
  const calls: string[] = [];
  await using till = aTill(
    {
      execute: async (inputs) => {
        const { name } = (inputs as { item: { name: string } }).item;
        calls.push(name);
        if (name === "egg" && calls.filter((call) => call === "egg").length === 1) throw new Error("no price");
        return completed({ name, cents: 1 });
      },
    },
    { onFailure: "ask" },
  );
  const asked = await till.orchestrator.start(till.workflow, { items });

  const run = await till.orchestrator.resume(asked.runId, { decision: "retry" });

  expect(asked).toMatchObject({ status: "waiting", questions: [{ id: "price-basket#0" }] });
  expect(run).toMatchObject({ status: "completed", output: { lines: ["ham 1", "egg 1", "bread 1", "o 1"] } });
  expect(calls.sort()).toEqual(["bread", "egg", "egg", "ham", "o"]);
});
