import { randomUUID } from "node:crypto";
import { describe, expect, test } from "vitest";
import { type Agent, completed, createOrchestrator, defineContract, defineWorkflow, type Run, type RunId, sqliteStore } from "walkback";
import * as z from "zod";
import { aLedger, anOrder, aPromise, failing, Order, Receipt, type ShopAgents, shopAgents, shopWorkflow } from "./support.js";

type Change = (agents: ShopAgents) => Partial<ShopAgents>;

/** A shop whose sellers can be changed after a run has been made. */
function aShop(change: Change = () => ({})) {
  const ledger = aLedger();
  const store = sqliteStore(":memory:");
  const agents: ShopAgents = shopAgents(ledger);
  const open = (now: Change = change) => createOrchestrator({ store, workflows: [shopWorkflow({ ...agents, ...now(agents) })] });
  const start = () => open().start("shop", anOrder()) as Promise<Run>;
  return { ledger, store, agents, open, start, [Symbol.asyncDispose]: () => store.close() };
}

const keysOf = (runId: string, keys: Iterable<string>) => [...keys].filter((key) => key.startsWith(runId)).map((key) => key.split("/")[2]);

describe("a fork", () => {
  test("shares history up to a version, and does the rest again under keys of its own", async () => {
    await using shop = aShop();
    const source = await shop.start();
    shop.ledger.log.length = 0;

    const fork = await shop.open().fork(source.runId, { from: 2 });

    expect(fork).toMatchObject({ status: "completed", output: { text: "to o-1: 500" } });
    expect(fork.runId).not.toBe(source.runId);
    expect(shop.ledger.log).toEqual(["parcel o-1", "receipt to o-1"]);
    expect(keysOf(fork.runId, shop.ledger.rows.keys())).toEqual(["parcel", "receipt"]);
    expect(keysOf(source.runId, shop.ledger.rows.keys())).toHaveLength(4);
    expect(await shop.store.runs.find(fork.runId)).toMatchObject({ forkedFrom: { runId: source.runId, number: 2 } });
    expect((await shop.open().inspect(fork.runId)).versions.map(({ agent, source: by }) => [agent, by])).toEqual([
      ["input", "input"],
      ["reserve-stock", "agent"],
      ["take-payment", "agent"],
      ["send-parcel", "agent"],
      ["write-receipt", "agent"],
    ]);
  });

  test("undoes only what it did itself", async () => {
    await using shop = aShop();
    const source = await shop.start();
    const before = new Map(shop.ledger.rows);

    const fork = await shop.open(({ writeReceipt }) => ({ writeReceipt: failing(writeReceipt) })).fork(source.runId, { from: 2 });

    expect(fork).toMatchObject({ status: "rolled-back", undone: [{ effect: "parcel" }] });
    expect(shop.ledger.rows).toEqual(before);
    expect(shop.ledger.log.filter((line) => line.startsWith("undo"))).toEqual(["undo parcel o-1"]);
  });

  test("of what an agent did by itself undoes nothing either", async () => {
    const undone: string[] = [];
    await using shop = aShop(({ takePayment }) => ({
      takePayment: { ...takePayment, compensate: async (_work, { runId }) => void undone.push(runId) },
    }));
    const source = await shop.start();
    const change: Change = ({ takePayment, writeReceipt }) => ({
      takePayment: { ...takePayment, compensate: async (_work, { runId }) => void undone.push(runId) },
      writeReceipt: failing(writeReceipt),
    });

    await shop.open(change).fork(source.runId, { from: 2 });

    expect(undone).toEqual([]);
  });

  test("may begin with other data; the version then comes from a human", async () => {
    await using shop = aShop();
    const source = await shop.start();

    const paid = await shop.open().fork(source.runId, { from: 2, set: { paidCents: 1 } });
    const ordered = await shop.open().fork(source.runId, { from: 0, set: { amountCents: 900 } });

    expect(paid).toMatchObject({ status: "completed", output: { text: "to o-1: 1" } });
    expect((await shop.open().inspect(paid.runId)).versions[2]).toMatchObject({ source: "human", data: { paidCents: 1 } });
    expect(ordered).toMatchObject({ status: "completed", output: { text: "to o-1: 900" } });
    expect((await shop.open().inspect(ordered.runId)).versions[0]).toMatchObject({
      source: "human",
      data: { id: "o-1", amountCents: 900 },
    });
    expect(keysOf(ordered.runId, shop.ledger.rows.keys())).toHaveLength(4);
  });

  test("of an unfinished run shares what there is of it, and the failure that came after is not its own", async () => {
    await using shop = aShop(({ takePayment }) => ({ takePayment: { ...failing(takePayment), onFailure: "ask" } }));
    const waiting = await shop.start();

    const fork = await shop.open(() => ({})).fork(waiting.runId, { from: 1 });

    expect(waiting).toMatchObject({ status: "waiting" });
    expect(fork).toMatchObject({ status: "completed" });
    expect(keysOf(fork.runId, shop.ledger.rows.keys())).toEqual(["charge", "parcel", "receipt"]);
    expect(await shop.open().get(waiting.runId)).toEqual(waiting);
  });

  test("has heard the answers that were given on the way", async () => {
    await using shop = aShop(({ takePayment }) => ({ takePayment: { ...failing(takePayment), onFailure: "ask" } }));
    const waiting = await shop.start();
    const source = await shop.open().resume(waiting.runId, { decision: "use", output: { paidCents: 7 } });

    const fork = await shop.open().fork(source.runId, { from: 2 });

    expect(fork).toMatchObject({ status: "completed", output: { text: "to o-1: 7" } });
  });

  test("of a fork goes on from that fork", async () => {
    await using shop = aShop();
    const source = await shop.start();
    const child = await shop.open().fork(source.runId, { from: 2, set: { paidCents: 1 } });
    shop.ledger.log.length = 0;

    const grandchild = await shop.open().fork(child.runId, { from: 3, set: { label: "gift" } });

    expect(grandchild).toMatchObject({ status: "completed", output: { text: "gift: 1" } });
    expect(shop.ledger.log).toEqual(["receipt gift"]);
  });

  test("replays from the version it shares, whatever is asked for", async () => {
    await using shop = aShop();
    const source = await shop.start();
    const fork = await shop.open().fork(source.runId, { from: 2, set: { paidCents: 1 } });
    const log = [...shop.ledger.log];

    const replay = await shop.open().replay(fork.runId);

    expect(replay).toMatchObject({ from: 2, worked: 2, differs: undefined, status: { recorded: "completed", replayed: "completed" } });
    expect(shop.ledger.log).toEqual(log);
  });

  test("of a repaired answer shares both rounds", async () => {
    await using shop = aShop(({ sendParcel }) => ({
      sendParcel: {
        ...sendParcel,
        execute: async (_inputs, { effects, feedback }) => {
          await effects.perform("parcel", { id: "o-1" } as never);
          return completed({ label: feedback.length === 0 ? "" : "fine", shelf: "A1", paidCents: 1 });
        },
      },
    }));
    const source = await shop.start();
    shop.ledger.log.length = 0;

    const whole = await shop.open().fork(source.runId, { from: 4 });
    const first = await shop.open().fork(source.runId, { from: 3 });

    expect([whole, first]).toMatchObject([{ output: { text: "fine: 1" } }, { output: { text: "fine: 1" } }]);
    expect(shop.ledger.log).toEqual(["receipt fine", "parcel o-1", "receipt fine"]);
  });

  test("that was stopped is carried on like any run", async () => {
    await using shop = aShop();
    const source = await shop.start();
    const started = aPromise();
    const stopping = shop.open(({ sendParcel }) => ({
      sendParcel: {
        ...sendParcel,
        execute: () => {
          started.keep();
          return new Promise(() => {});
        },
      },
    }));
    const runId = randomUUID();
    const accepted: string[] = [];
    const fork = stopping.fork(source.runId, { from: 2, runId, onAccepted: (id) => accepted.push(id) });
    await started.promise;
    await stopping.stop({ deadlineMs: 1 });
    await fork;

    const recovered = await shop.open().recover();

    expect(accepted).toEqual([runId]);
    expect(recovered).toMatchObject([{ runId, status: "completed" }]);
    expect(keysOf(runId, shop.ledger.rows.keys())).toEqual(["parcel", "receipt"]);
  });
});

describe("a fork under a newer program", () => {
  const Parcel2 = defineContract({
    name: "shop.parcel",
    version: 2,
    schema: z.object({ tag: z.string() }),
    upcast: ({ label }: { readonly label: string }) => ({ tag: label }),
  });

  function newer(agents: ShopAgents) {
    const { reserveStock, takePayment, sendParcel, writeReceipt } = agents;
    const send: Agent = { ...sendParcel, version: 2, produces: Parcel2, effects: [], execute: async () => completed({ tag: "new" }) };
    const write: Agent = {
      ...writeReceipt,
      consumes: { parcel: Parcel2 },
      effects: [],
      execute: async (inputs) => completed({ text: (inputs as { parcel: { tag: string } }).parcel.tag }),
    };
    return defineWorkflow({ name: "shop", version: 2, input: Order, output: Receipt, agents: [reserveStock, takePayment, send, write] });
  }

  test("upcasts what it shares, and need not undo what is not its own", async () => {
    await using shop = aShop();
    const source = await shop.start();
    const orchestrator = createOrchestrator({ store: shop.store, workflows: [newer(shop.agents)] });

    const after = await orchestrator.fork(source.runId, { from: 3, set: { label: "patched" } });
    const before = await orchestrator.fork(source.runId, { from: 2 });

    expect(after).toMatchObject({ status: "completed", output: { text: "patched" } });
    expect(before).toMatchObject({ status: "completed", output: { text: "new" } });
  });

  test("is refused with what is missing, and nothing is created", async () => {
    await using shop = aShop();
    const source = await shop.start();
    const workflow = newer(shop.agents);
    const agents = workflow.agents.map((agent) => ({ ...agent }));
    const Stock2 = defineContract({ name: "shop.stock", version: 2, schema: z.object({ place: z.string() }) });
    const cut = agents.map((agent): Agent => {
      if (agent.name === "reserve-stock") return { ...agent, produces: Stock2 };
      return agent.name === "send-parcel" ? { ...agent, consumes: { ...agent.consumes, stock: Stock2 } } : agent;
    });
    const strange = defineWorkflow({ name: "shop", version: 3, input: Order, output: Receipt, agents: cut });
    const orchestrator = createOrchestrator({ store: shop.store, workflows: [strange] });

    const fork = orchestrator.fork(source.runId, { from: 3 });

    await expect(fork).rejects.toMatchObject({
      code: "WORKFLOW_CHANGED",
      details: { missing: [{ problem: "no-upcast", contract: "shop.stock@1" }] },
    });
    expect(await orchestrator.list()).toHaveLength(1);
  });
});

describe("is refused, and nothing is created", () => {
  test.each([
    ["leaves the contract's shape", { paidCents: "much" }, "INPUT_INVALID"],
    ["removes what may not be missing", { paidCents: null }, "INPUT_INVALID"],
    ["is no object", 7, "INPUT_INVALID"],
    ["is no plain JSON", { paidCents: Number.NaN }, "NOT_PLAIN_JSON"],
  ])("data that %s", async (_what, set, code) => {
    await using shop = aShop();
    const source = await shop.start();

    const fork = shop.open().fork(source.runId, { from: 2, set });

    await expect(fork).rejects.toMatchObject({ code });
    expect(await shop.open().list()).toHaveLength(1);
  });

  test("data that breaks a rule of the contract", async () => {
    await using shop = aShop();
    const source = await shop.start();

    const fork = shop.open().fork(source.runId, { from: 3, set: { label: "" } });

    await expect(fork).rejects.toMatchObject({
      code: "INPUT_INVALID",
      details: { contract: "shop.parcel@1", issues: [{ rule: "the label is not empty" }] },
    });
  });

  test("a version or a run that is not there, and an id that is taken", async () => {
    await using shop = aShop();
    const source = await shop.start();

    await expect(shop.open().fork(source.runId, { from: 9 })).rejects.toMatchObject({
      code: "VERSION_UNKNOWN",
      details: { number: 9, last: 4 },
    });
    await expect(shop.open().fork(source.runId, { from: 1.5 })).rejects.toMatchObject({ code: "VERSION_UNKNOWN" });
    await expect(shop.open().fork(randomUUID(), { from: 0 })).rejects.toMatchObject({ code: "RUN_UNKNOWN" });
    await expect(shop.open().fork(source.runId, { from: 0, runId: source.runId as RunId })).rejects.toMatchObject({ code: "RUN_EXISTS" });
  });
});
