import { interrupt } from "@langchain/langgraph";
import { describe, expect, test } from "vitest";
import { Aborted, type Agent, completed, createOrchestrator, defineEffect, StoreClosed, sqliteStore } from "walkback";
import { aLedger, anOrder, aPromise, entry, failing, type ShopAgents, shopAgents, shopWorkflow } from "./support.js";

function aShop(change: (agents: ShopAgents) => Partial<ShopAgents>, ledger = aLedger()) {
  const agents: ShopAgents = shopAgents(ledger);
  const workflow = shopWorkflow({ ...agents, ...change(agents) });
  const orchestrator = createOrchestrator({ workflows: [workflow] });
  const start = () => orchestrator.start(workflow, anOrder());
  return { ledger, workflow, orchestrator, start, [Symbol.asyncDispose]: () => orchestrator.close() };
}

const wire = (sent: string[], arrives: Promise<unknown> = Promise.resolve()) =>
  defineEffect({
    name: "wire",
    identity: ({ id }: { readonly id: string }) => id,
    perform: async ({ id }) => {
      sent.push(id);
      await arrives;
      return { id };
    },
    pivot: true,
  });

describe("past a point of no return", () => {
  test("an answer that is sent back keeps the wire and its receipt", async () => {
    const sent: string[] = [];
    const pay = (agent: Agent): Agent => ({
      ...agent,
      effects: [wire(sent)],
      execute: async (_inputs, { effects, feedback }) => {
        await effects.perform("wire", { id: "w-1" } as never);
        return completed(feedback.length === 0 ? { paidCents: "?" } : { paidCents: 500 });
      },
    });
    // Nothing after the pivot may need an undo.
    const bare = (agent: Agent): Agent => ({
      ...agent,
      effects: [],
      execute: async () => completed({ label: "x", shelf: "A1", paidCents: 500, text: "done" }),
    });
    await using shop = aShop(({ takePayment, sendParcel, writeReceipt }) => ({
      takePayment: pay(takePayment),
      sendParcel: bare(sendParcel),
      writeReceipt: bare(writeReceipt),
    }));

    const run = await shop.start();

    expect(run).toMatchObject({ status: "completed", output: { text: "done" } });
    expect(sent).toEqual(["w-1"]);
  });

  test("a failure beside it, while it is under way, undoes nothing until a human has spoken", async () => {
    const sent: string[] = [];
    const arrives = aPromise();
    const reserved = aPromise();
    const pay = (agent: Agent): Agent => ({
      ...agent,
      effects: [wire(sent, arrives.promise)],
      execute: async (_inputs, { effects }) => {
        await reserved.promise;
        await effects.perform("wire", { id: "w-1" } as never);
        return completed({ paidCents: 500 });
      },
    });
    const bare = (agent: Agent): Agent => ({
      ...agent,
      effects: [],
      execute: async () => completed({ label: "x", shelf: "A1", paidCents: 500, text: "done" }),
    });
    const reserve = (agent: Agent): Agent => ({
      ...agent,
      execute: async (inputs, context) => {
        await agent.execute(inputs, context);
        reserved.keep();
        while (sent.length === 0) await new Promise(setImmediate);
        setImmediate(() => arrives.keep());
        throw new Error("out of stock");
      },
    });
    await using shop = aShop(({ reserveStock, takePayment, sendParcel, writeReceipt }) => ({
      reserveStock: reserve(reserveStock),
      takePayment: pay(takePayment),
      sendParcel: bare(sendParcel),
      writeReceipt: bare(writeReceipt),
    }));

    const parked = await shop.start();
    const standing = [...shop.ledger.rows.values()];
    const ended = await shop.orchestrator.resume(parked.runId, { decision: "use", output: { shelf: "B2" } });

    expect(parked).toMatchObject({ status: "parked", questions: [{ kind: "past-pivot", allowed: ["retry", "use"] }] });
    expect(standing).toEqual(["reservation"]);
    expect(ended).toMatchObject({ status: "completed" });
    expect(sent).toEqual(["w-1"]);
  });

  test("a cancel that comes while it is under way undoes nothing until a human has spoken", async () => {
    const sent: string[] = [];
    const arrives = aPromise();
    const pay = (agent: Agent): Agent => ({
      ...agent,
      effects: [wire(sent, arrives.promise)],
      execute: async (_inputs, { effects }) => {
        await effects.perform("wire", { id: "w-1" } as never);
        return completed({ paidCents: 500 });
      },
    });
    const bare = (agent: Agent): Agent => ({
      ...agent,
      effects: [],
      execute: async () => completed({ label: "x", shelf: "A1", paidCents: 500, text: "done" }),
    });
    await using shop = aShop(({ takePayment, sendParcel, writeReceipt }) => ({
      takePayment: pay(takePayment),
      sendParcel: bare(sendParcel),
      writeReceipt: bare(writeReceipt),
    }));
    const run = shop.start();
    while (sent.length === 0 || shop.ledger.rows.size === 0) await new Promise(setImmediate);
    const [record] = await shop.orchestrator.list();

    const canceled = shop.orchestrator.cancel(record?.runId ?? "", "changed my mind");
    setTimeout(() => arrives.keep(), 10);
    const parked = await canceled;
    await run;
    const standing = [...shop.ledger.rows.values()];
    const ended = await shop.orchestrator.resume(parked.runId, { decision: "skip", reason: "the wire was recalled by phone" });

    expect(parked).toMatchObject({ status: "parked", remaining: [{ effect: "wire", failure: { code: "PAST_PIVOT" } }] });
    expect(standing).toEqual(["reservation"]);
    expect(ended).toMatchObject({ status: "canceled" });
    expect(shop.ledger.rows).toEqual(new Map());
  });
});

test("an orchestrator inside an agent is one of its own", async () => {
  await using inner = aShop(() => ({}));
  await using outer = aShop(({ takePayment }) => ({
    takePayment: {
      ...takePayment,
      execute: async (inputs, context) => {
        expect(await inner.start()).toMatchObject({ status: "completed" });
        return takePayment.execute(inputs, context);
      },
    },
  }));

  expect(await outer.start()).toMatchObject({ status: "completed" });
});

test("a findable effect that happened without a receipt is not performed again", async () => {
  const booked: string[] = [];
  const book = defineEffect({
    name: "book",
    kind: "findable",
    identity: ({ id }: { readonly id: string }) => id,
    perform: async ({ id }) => {
      booked.push(id);
      throw new Error("line dropped");
    },
    find: async () => (booked.length > 0 ? null : undefined),
    undo: async () => {},
  });
  await using shop = aShop(({ takePayment }) => ({
    takePayment: {
      ...takePayment,
      effects: [book],
      execute: async (_inputs, { effects }) => {
        await effects.perform("book", { id: "b" } as never).catch(() => {});
        await effects.perform("book", { id: "b" } as never);
        return completed({ paidCents: 1 });
      },
    },
  }));

  expect(await shop.start()).toMatchObject({ status: "completed" });
  expect(booked).toEqual(["b"]);
});

test("an agent that goes on without an effect that failed it leaves nothing unknown behind", async () => {
  const ledger = aLedger();
  const charge = entry(ledger, "charge");
  const lost = defineEffect({
    ...charge,
    perform: async (args: { readonly id: string }, context) =>
      charge.perform(args, context).then(() => Promise.reject(new Error("line dropped"))),
  });
  await using shop = aShop(
    ({ takePayment }) => ({
      takePayment: {
        ...takePayment,
        effects: [lost],
        execute: async (_inputs, { effects }) => {
          await effects.perform("charge", { id: "o-1" } as never).catch(() => {});
          return completed({ paidCents: 0 });
        },
      },
    }),
    ledger,
  );

  expect(await shop.start()).toMatchObject({ status: "completed", output: { text: "to o-1: 0" } });
  expect([...ledger.rows.values()]).not.toContain("charge");
});

test("what an agent lets through from elsewhere is its own failure", async () => {
  const thrown: [string, () => unknown][] = [
    ["a stop of somebody else's", () => new Aborted("stopped", { agent: "other" })],
    ["another store's", () => new StoreClosed("closed", { path: "other.db" })],
  ];
  for (const [, error] of thrown) {
    await using shop = aShop(({ takePayment }) => ({ takePayment: { ...takePayment, execute: () => Promise.reject(error()) } }));
    expect(await shop.start()).toMatchObject({
      status: "rolled-back",
      failure: { code: "AGENT_FAILED", details: { agent: "take-payment" } },
    });
  }
  await using asking = aShop(({ takePayment }) => ({ takePayment: { ...takePayment, execute: async () => interrupt("may I?") } }));
  expect(await asking.start()).toMatchObject({
    status: "rolled-back",
    failure: { code: "AGENT_FAILED", message: expect.stringContaining('onFailure: "ask"') },
  });
});

test("nobody is asked about a run that has failed meanwhile", async () => {
  const failed = aPromise();
  await using shop = aShop(({ reserveStock, takePayment }) => ({
    takePayment: { ...failing(takePayment), onFailure: "ask" },
    reserveStock: { ...reserveStock, execute: () => failed.promise.then(() => Promise.reject(new Error("out of stock"))) },
  }));

  const run = shop.start();
  setTimeout(() => failed.keep(), 20);

  expect(await run).toMatchObject({ status: "rolled-back", failure: { details: { agent: "reserve-stock" } } });
});

test("an answer given while another is worked on is not lost", async () => {
  const working = aPromise();
  const goOn = aPromise();
  let asked = true;
  await using shop = aShop(({ reserveStock, takePayment }) => ({
    reserveStock: {
      ...reserveStock,
      onFailure: "ask",
      execute: async (inputs, context) => {
        if (asked) throw new Error("ask me");
        working.keep();
        await goOn.promise;
        return reserveStock.execute(inputs, context);
      },
    },
    takePayment: { ...failing(takePayment), onFailure: "ask" },
  }));
  const { runId } = await shop.start();
  asked = false;

  const first = shop.orchestrator.resume(runId, { decision: "retry" }, { question: "reserve-stock#0" });
  await working.promise;
  const second = shop.orchestrator.resume(runId, { decision: "use", output: { paidCents: 3 } }, { question: "take-payment#0" });
  setTimeout(() => goOn.keep(), 20);

  expect((await Promise.all([first, second])).map(({ status }) => status)).toEqual(["completed", "completed"]);
});

test("a listener that throws stops no run, and one that throws on acceptance leaves it to be recovered", async () => {
  const store = sqliteStore(":memory:");
  const workflow = shopWorkflow(shopAgents(aLedger()));
  const loud = createOrchestrator({ store, workflows: [workflow], onEvent: () => fail("no") });

  const heard = await loud.start(workflow, anOrder());
  const refused = loud.start(workflow, anOrder(), { onAccepted: () => fail("no") });

  expect(heard).toMatchObject({ status: "completed" });
  await expect(refused).rejects.toThrow("no");
  expect(await loud.recover()).toMatchObject([{ status: "completed" }]);
  await store.close();
});

test("two workflows of one name, and an agent called input, are refused", () => {
  const agents: ShopAgents = shopAgents(aLedger());

  expect(() => createOrchestrator({ workflows: [shopWorkflow(agents), shopWorkflow(agents)] })).toThrow('two workflows are called "shop"');
  expect(() => shopWorkflow({ ...agents, takePayment: { ...agents.takePayment, name: "input" } })).toThrow(
    '"input" is a name the graph uses itself',
  );
});

test("one question takes one answer", async () => {
  await using shop = aShop(({ takePayment }) => ({ takePayment: { ...failing(takePayment), onFailure: "ask" } }));
  const { runId } = await shop.start();

  const answers = [
    shop.orchestrator.resume(runId, { decision: "use", output: { paidCents: 1 } }),
    shop.orchestrator.resume(runId, { decision: "reject", reason: "no" }),
  ];

  const settled = await Promise.allSettled(answers);
  expect(settled.filter(({ status }) => status === "rejected")).toHaveLength(1);
});

function fail(message: string): never {
  throw new Error(message);
}
