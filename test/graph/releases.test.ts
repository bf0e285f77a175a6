import { describe, expect, test } from "vitest";
import {
  type Agent,
  type Contract,
  completed,
  createOrchestrator,
  defineAgent,
  defineContract,
  defineWorkflow,
  fanOut,
  type Orchestrator,
  type RunId,
  type Store,
  sqliteStore,
  type Workflow,
} from "walkback";
import * as z from "zod";
import { aLedger, aPromise, entry, failing, type Ledger } from "./support.js";

const Order1 = defineContract({ name: "shop.order", version: 1, schema: z.object({ id: z.string() }) });
const Order2 = defineContract({
  name: "shop.order",
  version: 2,
  schema: z.object({ id: z.string(), channel: z.string() }),
  previous: Order1,
  upcast: (older) => ({ ...older, channel: "shop" }),
});
const Stock1 = defineContract({ name: "shop.stock", version: 1, schema: z.object({ shelf: z.string() }) });
const Stock2 = defineContract({
  name: "shop.stock",
  version: 2,
  schema: z.object({ place: z.string() }),
  previous: Stock1,
  upcast: ({ shelf }) => ({ place: shelf }),
});
const Sale1 = defineContract({ name: "shop.sale", version: 1, schema: z.object({ text: z.string() }) });

interface Contracts {
  readonly order: Contract;
  readonly stock: Contract;
  readonly sale: Contract;
}

/** Takes goods from the shelf, then sells them; the seller asks a human when it fails. */
function shop(ledger: Ledger, { order = Order1, stock = Stock1, sale = Sale1 }: Partial<Contracts> = {}) {
  const takeStock: Agent = defineAgent({
    name: "take-stock",
    consumes: { order },
    produces: stock,
    effects: [entry(ledger, "reservation")],
    execute: async (inputs, { effects }) => {
      await effects.perform("reservation", { id: (inputs.order as { id: string }).id });
      return completed(stock.version === 1 ? { shelf: "A1" } : { place: "A1" });
    },
  }) as Agent;
  const sell: Agent = defineAgent({
    name: "sell",
    consumes: { order, stock },
    produces: sale,
    effects: [entry(ledger, "sale")],
    onFailure: "ask",
    execute: async (inputs, { effects }) => {
      await effects.perform("sale", { id: (inputs.order as { id: string }).id });
      return completed({ text: JSON.stringify(inputs) });
    },
  }) as Agent;
  const agents = [takeStock, sell];
  const workflow = (list: readonly Agent[] = agents, version = 1) =>
    defineWorkflow({ name: "shop", version, input: order, output: sale, agents: list }) as Workflow;
  return { takeStock, sell, agents, workflow };
}

/** One store, one world outside, and programs that come one after the other. */
function aHouse() {
  const ledger = aLedger();
  const store = sqliteStore(":memory:");
  const program = (workflow: Workflow, own: Store = store) => createOrchestrator({ store: own, workflows: [workflow] });
  return { ledger, store, program, [Symbol.asyncDispose]: () => store.close() };
}

type House = ReturnType<typeof aHouse>;

/** A run of the first program that has taken the stock and now asks because it could not sell. */
async function aWaitingRun({ ledger, program, store }: House, contracts: Partial<Contracts> = {}): Promise<RunId> {
  const { takeStock, sell, workflow } = shop(ledger, contracts);
  const first = workflow([takeStock, failing(sell)]);
  const run = await program(first, store).start("shop", { id: "o-1" });
  expect(run).toMatchObject({ status: "waiting" });
  return run.runId;
}

/** All that is on record, to see that nothing was touched. */
async function onRecord({ store, ledger }: House, runId: RunId) {
  const questions = await store.runs.openQuestions(runId);
  return JSON.stringify([
    await store.runs.find(runId),
    await store.versions.list(runId),
    await store.journal.list(runId),
    await store.events.list(runId),
    questions,
    ledger.log,
  ]);
}

async function carriedOn({ store }: House, runId: RunId): Promise<readonly number[]> {
  return (await store.events.list(runId)).flatMap((event) => (event.type === "run.carried-on" ? [event.version] : []));
}

describe("a run is carried on by a newer program", () => {
  test("with a version of its own, and pays for nothing twice", async () => {
    await using house = aHouse();
    const runId = await aWaitingRun(house);
    const newer = shop(house.ledger);

    const run = await house.program(newer.workflow(newer.agents, 2)).resume(runId, { decision: "retry" });

    expect(run).toMatchObject({ status: "completed", workflow: { version: 1 } });
    expect(house.ledger.log).toEqual(["reservation o-1", "sale o-1"]);
    expect(await carriedOn(house, runId)).toEqual([2]);
  });

  test("that has newer contracts: what is on record is upcast where it is consumed", async () => {
    await using house = aHouse();
    const runId = await aWaitingRun(house);
    const newer = shop(house.ledger, { order: Order2, stock: Stock2 });

    const run = await house.program(newer.workflow()).resume(runId, { decision: "retry" });

    const text = JSON.stringify({ order: { channel: "shop", id: "o-1" }, stock: { place: "A1" } });
    expect(run).toMatchObject({ status: "completed", output: { text } });
    expect(house.ledger.log).toEqual(["reservation o-1", "sale o-1"]);
  });

  test("that added a default to a contract without counting it up", async () => {
    await using house = aHouse();
    const runId = await aWaitingRun(house);
    const stock = defineContract({
      name: "shop.stock",
      version: 1,
      schema: z.object({ shelf: z.string(), floor: z.int().default(0) }),
    });
    const newer = shop(house.ledger, { stock });

    const run = await house.program(newer.workflow()).resume(runId, { decision: "retry" });

    expect(run).toMatchObject({ status: "completed", output: { text: expect.stringContaining('"floor":0') } });
  });

  test("that has another agent before, one beside, and lists them in another order", async () => {
    await using house = aHouse();
    const runId = await aWaitingRun(house);
    const Check = defineContract({ name: "shop.check", version: 1, schema: z.object({ ok: z.boolean() }) });
    const Note = defineContract({ name: "shop.note", version: 1, schema: z.object({ note: z.string() }) });
    const { takeStock, sell, workflow } = shop(house.ledger);
    const check = defineAgent({
      name: "check",
      consumes: { order: Order1 },
      produces: Check,
      execute: async () => {
        house.ledger.log.push("check");
        return completed({ ok: true });
      },
    }) as Agent;
    const note = defineAgent({
      name: "note",
      consumes: { stock: Stock1 },
      produces: Note,
      execute: async () => completed({ note: "n" }),
    }) as Agent;
    const checked = (agent: Agent): Agent => ({ ...agent, version: 2, consumes: { ...agent.consumes, check: Check } });

    const run = await house.program(workflow([note, checked(sell), checked(takeStock), check], 2)).resume(runId, { decision: "retry" });

    expect(run).toMatchObject({ status: "completed" });
    expect(house.ledger.log).toEqual(["reservation o-1", "check", "sale o-1"]);
    expect(run.versions.map(({ agent }) => agent)).toEqual(["input", "take-stock", "check", "note", "sell"]);
  });

  test("in which an agent is gone that left nothing outside", async () => {
    await using house = aHouse();
    const { takeStock, sell, workflow } = shop(house.ledger);
    const harmless: Agent = { ...takeStock, effects: [], execute: async () => completed({ shelf: "A1" }) };
    const { runId } = await house.program(workflow([harmless, failing(sell)])).start("shop", { id: "o-1" });
    const renamed: Agent = { ...harmless, name: "fetch-stock", execute: async () => completed({ shelf: "B2" }) };

    const run = await house.program(workflow([renamed, sell])).resume(runId, { decision: "retry" });

    expect(run).toMatchObject({ status: "completed", output: { text: expect.stringContaining("B2") } });
  });

  test("in which the agent would not ask any more: the human's answer counts all the same", async () => {
    await using house = aHouse();
    const runId = await aWaitingRun(house);
    const { takeStock, sell, workflow } = shop(house.ledger);

    const run = await house
      .program(workflow([takeStock, { ...sell, onFailure: "rollback" }], 2))
      .resume(runId, { decision: "use", output: { text: "by hand" } });

    expect(run).toMatchObject({ status: "completed", output: { text: "by hand" } });
  });

  test("after it was stopped half-way", async () => {
    await using house = aHouse();
    const { takeStock, sell, workflow } = shop(house.ledger);
    const started = aPromise();
    const hanging: Agent = {
      ...sell,
      execute: () => {
        started.keep();
        return new Promise(() => {});
      },
    };
    const older = house.program(workflow([takeStock, hanging]));
    const run = older.start("shop", { id: "o-1" });
    await started.promise;
    await older.stop({ deadlineMs: 1 });
    const newer = shop(house.ledger, { order: Order2, stock: Stock2 });

    const recovered = await house.program(newer.workflow(newer.agents, 2)).recover();

    expect(recovered).toMatchObject([{ runId: (await run).runId, status: "completed" }]);
    expect(house.ledger.log).toEqual(["reservation o-1", "sale o-1"]);
  });

  test("and its output stays in the version of the contract in which it was made", async () => {
    await using house = aHouse();
    const Sale2 = defineContract({
      name: "shop.sale",
      version: 2,
      schema: z.object({ words: z.string() }),
      previous: Sale1,
      upcast: ({ text }) => ({ words: text }),
    });
    const Audit = defineContract({ name: "shop.audit", version: 1, schema: z.object({ words: z.string() }) });
    const audit = (sale: Contract, execute: Agent["execute"]): Agent =>
      defineAgent({ name: "audit", consumes: { sale }, produces: Audit, onFailure: "ask", execute: execute as never }) as Agent;
    const older = shop(house.ledger);
    const ill = audit(Sale1, () => Promise.reject(new Error("ill")));
    const { runId } = await house.program(older.workflow([...older.agents, ill])).start("shop", { id: "o-1" });
    const newer = shop(house.ledger, { sale: Sale2 });
    const well = audit(Sale2, async ({ sale }) => completed({ words: (sale as { words: string }).words.slice(0, 8) }));

    const run = await house.program(newer.workflow([...newer.agents, well], 2)).resume(runId, { decision: "retry" });

    expect(run).toMatchObject({ status: "completed", output: { text: expect.stringContaining("A1") } });
    expect(run.versions.map(({ contract }) => contract)).toEqual(["shop.order@1", "shop.stock@1", "shop.sale@1", "shop.audit@1"]);
  });

  test("that has newer contracts for the branches of a fan-out", async () => {
    await using house = aHouse();
    const Basket = defineContract({ name: "till.basket", version: 1, schema: z.object({ items: z.array(z.string()) }) });
    const Item = defineContract({ name: "till.item", version: 1, schema: z.object({ name: z.string() }) });
    const Price1 = defineContract({ name: "till.price", version: 1, schema: z.object({ cents: z.int() }) });
    const Price2 = defineContract({
      name: "till.price",
      version: 2,
      schema: z.object({ amount: z.string() }),
      previous: Price1,
      upcast: ({ cents }) => ({ amount: `${cents} ct` }),
    });
    const Bill = defineContract({ name: "till.bill", version: 1, schema: z.object({ lines: z.array(z.json()) }) });
    const till = (price: Contract, execute: Agent["execute"]) =>
      defineWorkflow({
        name: "till",
        input: Basket,
        output: Bill,
        agents: [
          fanOut({
            name: "price-basket",
            consumes: { basket: Basket },
            produces: Bill,
            agent: defineAgent({ name: "price", consumes: { item: Item }, produces: price, onFailure: "ask", execute: execute as never }),
            over: ({ basket }) => basket.items.map((name) => ({ item: { name } })),
            collect: (prices) => ({ lines: prices as never }),
          }) as Agent,
        ],
      }) as Workflow;
    const older = till(Price1, async (inputs) => {
      const { name } = (inputs as { item: { name: string } }).item;
      return name === "egg" ? Promise.reject(new Error("no price")) : completed({ cents: name.length });
    });
    const { runId } = await house.program(older).start("till", { items: ["ham", "egg"] });
    const newer = till(Price2, async () => completed({ amount: "free" }));

    const run = await house.program(newer).resume(runId, { decision: "retry" });

    expect(run).toMatchObject({ status: "completed", output: { lines: [{ amount: "3 ct" }, { amount: "free" }] } });
  });

  test("and by the older one again, when that comes back and can read what there is", async () => {
    await using house = aHouse();
    const runId = await aWaitingRun(house);
    const older = shop(house.ledger);
    const Extra = defineContract({ name: "shop.extra", version: 1, schema: z.object({ n: z.int() }) });
    const extra = defineAgent({
      name: "extra",
      consumes: { stock: Stock2 },
      produces: Extra,
      execute: async () => completed({ n: 1 }),
    }) as Agent;
    const newer = shop(house.ledger, { stock: Stock2 });
    await house.program(newer.workflow([newer.takeStock, failing(newer.sell), extra])).resume(runId, { decision: "retry" });

    const run = await house.program(older.workflow()).resume(runId, { decision: "retry" });

    // LangGraph's state is another graph's by now, so it starts over as well.
    expect(run).toMatchObject({ status: "completed" });
    expect(await carriedOn(house, runId)).toEqual([1, 1]);
    expect(house.ledger.log).toEqual(["reservation o-1", "sale o-1"]);
  });

  test("though it does not say with what it was made", async () => {
    await using house = aHouse();
    const { runs } = house.store;
    const silent: Store = { ...house.store, runs: { ...runs, accept: (run) => runs.accept({ ...run, program: undefined }) } };
    const [same, upcast, refused] = [
      await aWaitingRun({ ...house, store: silent }),
      await aWaitingRun({ ...house, store: silent }),
      await aWaitingRun({ ...house, store: silent }, { stock: Stock2 }),
    ];
    const old = shop(house.ledger);
    const newer = shop(house.ledger, { stock: Stock2 });

    expect(await house.program(old.workflow()).resume(same, { decision: "retry" })).toMatchObject({ status: "completed" });
    expect(await house.program(newer.workflow()).resume(upcast, { decision: "retry" })).toMatchObject({ status: "completed" });
    await expect(house.program(old.workflow()).resume(refused, { decision: "retry" })).rejects.toMatchObject({
      details: { missing: [{ problem: "contract-newer", contract: "shop.stock@2" }] },
    });
    expect([await carriedOn(house, same), await carriedOn(house, upcast)]).toEqual([[], [1]]);
  });
});

describe("a run on its way back stays on it", () => {
  /** A seller who has sold and fails then, so that the run walks back; the undo of what is stuck fails. */
  async function aStuckRun(house: House) {
    const { takeStock, sell, workflow } = shop(house.ledger);
    const failsAfter: Agent = {
      ...sell,
      onFailure: "rollback",
      execute: async (inputs, context) => {
        await sell.execute(inputs, context);
        throw new Error("it broke afterwards");
      },
    };
    house.ledger.stuck.add("reservation");
    const run = await house.program(workflow([takeStock, failsAfter])).start("shop", { id: "o-1" });
    expect(run).toMatchObject({ status: "parked" });
    return run.runId;
  }

  test("when it was parked, though the newer program's agent would not fail", async () => {
    await using house = aHouse();
    const runId = await aStuckRun(house);
    house.ledger.stuck.clear();
    const newer = shop(house.ledger, { order: Order2, stock: Stock2 });

    const run = await house.program(newer.workflow(newer.agents, 2)).resume(runId, { decision: "retry" });

    expect(run).toMatchObject({ status: "rolled-back", failure: { code: "AGENT_FAILED", message: "sell threw: it broke afterwards." } });
    expect(house.ledger.rows).toEqual(new Map());
    expect(house.ledger.log).toEqual(["reservation o-1", "sale o-1", "undo sale o-1", "undo reservation o-1"]);
  });

  test("when one process after the other was stopped while it undid", async () => {
    await using house = aHouse();
    const { takeStock, sell, workflow } = shop(house.ledger);
    let undoing = aPromise();
    const hangs = {
      ...takeStock.effects[0],
      undo: () => {
        undoing.keep();
        return new Promise<void>(() => {});
      },
    };
    const hanging: Agent = { ...takeStock, effects: [hangs as never] };
    const forgiving: Agent = { ...sell, onFailure: "skip", fallback: () => ({ text: "" }) };
    const stopped = async (program: Workflow, act: (orchestrator: Orchestrator) => Promise<unknown>) => {
      undoing = aPromise();
      const orchestrator = house.program(program);
      const underway = act(orchestrator);
      await undoing.promise;
      await orchestrator.stop({ deadlineMs: 1 });
      await underway;
    };
    await stopped(workflow([hanging, { ...failing(sell), onFailure: "rollback" }]), (one) => one.start("shop", { id: "o-1" }));
    await stopped(workflow([hanging, forgiving], 2), (two) => two.recover());

    const recovered = await house.program(workflow([takeStock, forgiving], 3)).recover();

    expect(recovered).toMatchObject([{ status: "rolled-back", failure: { code: "AGENT_FAILED" } }]);
    expect(await carriedOn(house, recovered[0]?.runId as RunId)).toEqual([2, 3]);
    expect(house.ledger.rows).toEqual(new Map());
  });

  test("when it was canceled, here or while nobody carried it", async () => {
    await using house = aHouse();
    const [here, wished] = [await aWaitingRun(house), await aWaitingRun(house)];
    const newer = shop(house.ledger, { stock: Stock2 });
    await house.store.runs.requestCancel(wished, "nobody wants it");

    const canceled = await house.program(newer.workflow(newer.agents, 2)).cancel(here);
    const recovered = await house.program(newer.workflow(newer.agents, 3)).recover();

    expect(canceled).toMatchObject({ status: "canceled", undone: [{ effect: "reservation" }] });
    expect(recovered).toMatchObject([{ runId: wished, status: "canceled", failure: { details: { reason: "nobody wants it" } } }]);
    expect(house.ledger.rows).toEqual(new Map());
  });
});

describe("a run is refused before anything is touched", () => {
  async function refusal(house: House, runId: RunId, workflow: Workflow) {
    const before = await onRecord(house, runId);
    const orchestrator = house.program(workflow);
    const resumed = await orchestrator.resume(runId, { decision: "retry" }).catch((thrown: unknown) => thrown);
    const canceled = await orchestrator.cancel(runId).catch((thrown: unknown) => thrown);
    expect(await onRecord(house, runId)).toBe(before);
    expect(canceled).toEqual(resumed);
    return resumed;
  }

  test("with everything that is missing in one list", async () => {
    await using house = aHouse();
    const runId = await aWaitingRun(house);
    const { sell } = shop(house.ledger);
    const order = defineContract({ name: "shop.order", version: 1, schema: z.object({ id: z.int() }) });
    const stock = defineContract({ name: "shop.stock", version: 3, schema: z.object({ bin: z.string() }) });
    const bare = shop(house.ledger, { order, stock });
    const workflow = bare.workflow(
      [
        { ...bare.takeStock, effects: [] },
        { ...bare.sell, name: "vend", effects: sell.effects },
      ],
      4,
    );

    const thrown = await refusal(house, runId, workflow);

    expect(thrown).toMatchObject({
      code: "WORKFLOW_CHANGED",
      message: expect.stringContaining('"reservation" of take-stock (o-1) stands outside, and this program has no such effect'),
      details: {
        runVersion: 1,
        programVersion: 4,
        missing: [
          { problem: "contract-changed", contract: "shop.order@1" },
          { problem: "no-upcast", contract: "shop.stock@1" },
          { problem: "effect-gone", agent: "take-stock", effect: "reservation" },
          { problem: "agent-gone", agent: "sell" },
        ],
      },
    });
  });

  test("when an agent was renamed that has left something outside", async () => {
    await using house = aHouse();
    const runId = await aWaitingRun(house);
    const { takeStock, sell, workflow } = shop(house.ledger);

    const thrown = await refusal(house, runId, workflow([{ ...takeStock, name: "fetch-stock" }, sell]));

    expect(thrown).toMatchObject({ details: { missing: [{ problem: "agent-gone", agent: "take-stock", effect: "reservation" }] } });
  });

  test("when an agent of the same name now makes something else", async () => {
    await using house = aHouse();
    const runId = await aWaitingRun(house);
    const { takeStock, sell, workflow } = shop(house.ledger);
    const Shelf = defineContract({ name: "shop.shelf", version: 1, schema: z.object({ shelf: z.string() }) });
    const agents = [
      { ...takeStock, produces: Shelf },
      { ...takeStock, name: "other" },
      { ...sell, consumes: { order: Order1, stock: Stock1, shelf: Shelf } },
    ];

    const thrown = await refusal(house, runId, workflow(agents));

    expect(thrown).toMatchObject({ details: { missing: [{ problem: "product-changed", agent: "take-stock" }] } });
  });

  test("and recover carries the others on, and says which one it could not", async () => {
    await using house = aHouse();
    const stopped = async (contracts: Partial<Contracts>) => {
      const runId = await aWaitingRun(house, contracts);
      await house.store.runs.answer(runId, "sell#0", { decision: "retry" }, new Date().toISOString());
      return runId;
    };
    const [fits, tooNew] = [await stopped({}), await stopped({ stock: Stock2 })];
    const refused: [unknown, RunId][] = [];
    const { workflow, agents } = shop(house.ledger);

    const runs = await house.program(workflow(agents, 2)).recover({ onError: (thrown, runId) => refused.push([thrown, runId]) });

    expect(runs).toMatchObject([{ runId: fits, status: "completed" }]);
    expect(refused).toMatchObject([[{ code: "WORKFLOW_CHANGED" }, tooNew]]);
  });
});
