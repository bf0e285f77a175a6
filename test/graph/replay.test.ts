import { setTimeout as delay } from "node:timers/promises";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type Agent,
  AgentUnavailable,
  completed,
  createOrchestrator,
  defineAgent,
  defineContract,
  defineEffect,
  defineWorkflow,
  failed,
  fanOut,
  type Orchestrator,
  type Replay,
  type Run,
  sqliteStore,
  type Workflow,
} from "walkback";
import * as z from "zod";
import {
  aLedger,
  anOrder,
  aPromise,
  entry,
  failing,
  failingAfter,
  type Ledger,
  type ShopAgents,
  shopAgents,
  shopWorkflow,
} from "./support.js";

type Change = (agents: ShopAgents) => Partial<ShopAgents>;

function aStore() {
  const store = sqliteStore(":memory:");
  return Object.assign(store, { [Symbol.asyncDispose]: () => store.close() });
}

function aShop(change: Change = () => ({}), settings: Partial<Pick<Workflow, "onUndoFailure">> = {}) {
  const ledger = aLedger();
  const agents: ShopAgents = shopAgents(ledger);
  const workflow = shopWorkflow({ ...agents, ...change(agents) }, settings);
  const orchestrator = createOrchestrator({ workflows: [workflow] });
  const start = () => orchestrator.start(workflow, anOrder()) as Promise<Run>;
  return { ledger, agents, workflow, orchestrator, start, [Symbol.asyncDispose]: () => orchestrator.close() };
}

interface Replayable {
  readonly orchestrator: Orchestrator;
  readonly ledger: Pick<Ledger, "log" | "rows">;
}

/** Replays a run, and fails when that touched the world outside or the record. */
async function replayed(shop: Replayable, runId: string, options = {}): Promise<Replay> {
  const before = [[...shop.ledger.log], [...shop.ledger.rows], await shop.orchestrator.inspect(runId)];
  const replay = await shop.orchestrator.replay(runId, options);
  expect([[...shop.ledger.log], [...shop.ledger.rows], await shop.orchestrator.inspect(runId)]).toEqual(before);
  return replay;
}

const slow = (agent: Agent, ms = 20): Agent => ({
  ...agent,
  execute: async (inputs, context) => {
    await delay(ms);
    return agent.execute(inputs, context);
  },
});

describe("without a difference, and without the world outside", () => {
  test("a run that completed, whole or from any version on", async () => {
    await using shop = aShop();
    const { runId } = await shop.start();

    const replays = [0, 1, 2, 3, 4].map((from) => replayed(shop, runId, { from }));

    expect(await Promise.all(replays)).toEqual(
      [4, 3, 2, 1, 0].map((worked, from) => ({
        runId,
        from,
        worked,
        differs: undefined,
        status: { recorded: "completed", replayed: "completed" },
      })),
    );
  });

  test.each<[string, Change]>([
    ["the last agent failed", ({ writeReceipt }) => ({ writeReceipt: failing(writeReceipt) })],
    ["an agent failed half-way", ({ writeReceipt }) => ({ writeReceipt: failingAfter(writeReceipt) })],
    [
      "one of two at once failed, the other one being slower",
      ({ takePayment, reserveStock }) => ({
        takePayment: failing(takePayment),
        reserveStock: slow(reserveStock),
      }),
    ],
    ["one of two at once failed, the other one being faster", ({ takePayment }) => ({ takePayment: failing(slow(takePayment)) })],
    ["an agent gave up", ({ sendParcel }) => ({ sendParcel: { ...sendParcel, execute: async () => failed("NO_STAMPS", "none left") } })],
    ["an agent came back without an answer", ({ sendParcel }) => ({ sendParcel: { ...sendParcel, execute: async () => "done" as never } })],
    [
      "an answer could not be repaired",
      ({ sendParcel }) => ({
        sendParcel: { ...sendParcel, execute: async () => completed({ label: "", shelf: "A1", paidCents: 1 }) },
      }),
    ],
    ["the output could not be repaired", ({ writeReceipt }) => ({ writeReceipt: { ...writeReceipt, execute: async () => completed({}) } })],
    [
      "an effect failed",
      ({ sendParcel }) => ({
        sendParcel: {
          ...sendParcel,
          effects: [{ ...(sendParcel.effects[0] as never as object), perform: () => Promise.reject(new Error("no van")) }] as never,
          limits: { ...sendParcel.limits, retries: 0 },
        },
      }),
    ],
    [
      "an agent did work of its own",
      ({ sendParcel, writeReceipt }) => ({
        sendParcel: { ...sendParcel, compensate: async () => {} },
        writeReceipt: failing(writeReceipt),
      }),
    ],
  ])("a run that rolled back because %s", async (_why, change) => {
    await using shop = aShop(change);
    const { runId, status } = await shop.start();

    const replay = await replayed(shop, runId);

    expect(status).toBe("rolled-back");
    expect(replay).toMatchObject({ differs: undefined, status: { recorded: "rolled-back", replayed: "rolled-back" } });
  });

  test("a run whose agent was repaired by its gate, with the effects of both rounds", async () => {
    await using shop = aShop(({ sendParcel }) => ({
      sendParcel: {
        ...sendParcel,
        execute: async (_inputs, { effects, feedback }) => {
          const receipt = await effects.perform("parcel", { id: "o-1" } as never);
          return completed({ label: feedback.length === 0 ? "" : JSON.stringify(receipt), shelf: "A1", paidCents: 1 });
        },
      },
    }));
    const { runId } = await shop.start();

    expect(await replayed(shop, runId)).toMatchObject({ worked: 5, differs: undefined });
    expect(await replayed(shop, runId, { from: 3 })).toMatchObject({ worked: 2, differs: undefined });
  });

  test("a run that was canceled while an agent was at work, and one canceled while it asked", async () => {
    const started = aPromise();
    await using shop = aShop(({ sendParcel }) => ({
      sendParcel: {
        ...sendParcel,
        execute: async (_inputs, { signal }) => {
          started.keep();
          await new Promise((resolve) => signal.addEventListener("abort", resolve));
          throw new Error("stopped");
        },
      },
    }));
    await using asking = aShop(({ sendParcel }) => ({ sendParcel: { ...failing(sendParcel), onFailure: "ask" } }));
    const run = shop.start();
    await started.promise;
    const [record] = await shop.orchestrator.list();
    await shop.orchestrator.cancel(record?.runId ?? "");
    const waiting = await asking.start();
    await asking.orchestrator.cancel(waiting.runId);

    const replays = [await replayed(shop, (await run).runId), await replayed(asking, waiting.runId)];

    for (const replay of replays)
      expect(replay).toMatchObject({ differs: undefined, status: { recorded: "canceled", replayed: "canceled" } });
  });

  test("a run whose walk-back got stuck, before and after a human has settled it", async () => {
    await using shop = aShop(({ writeReceipt }) => ({ writeReceipt: failing(writeReceipt) }));
    shop.ledger.stuck.add("charge");
    const { runId, status } = await shop.start();

    const parked = await replayed(shop, runId);
    await shop.orchestrator.resume(runId, { decision: "skip", reason: "written off" });
    const settled = await replayed(shop, runId);

    expect(status).toBe("parked");
    expect(parked).toMatchObject({ differs: undefined, status: { recorded: "parked", replayed: "rolled-back" } });
    expect(settled).toMatchObject({ differs: undefined, status: { recorded: "rolled-back", replayed: "rolled-back" } });
  });

  test.each([
    { decision: "retry" },
    { decision: "use", output: { paidCents: 7 } },
    { decision: "skip", reason: "later" },
    { decision: "reject", reason: "no" },
  ] as const)("a run that a human was asked about and answered $decision", async (answer) => {
    let ill = true;
    await using shop = aShop(({ takePayment }) => ({
      takePayment: {
        ...takePayment,
        onFailure: "ask",
        fallback: () => ({ paidCents: 0 }),
        execute: (inputs, context) => (ill ? Promise.reject(new Error("ill")) : takePayment.execute(inputs, context)),
      },
    }));
    const { runId } = await shop.start();
    const waiting = await replayed(shop, runId);
    ill = false;
    const { status } = await shop.orchestrator.resume(runId, answer);

    const replay = await replayed(shop, runId);

    expect(waiting).toMatchObject({ worked: 2, differs: undefined, status: { recorded: "waiting", replayed: "waiting" } });
    expect(replay).toMatchObject({ differs: undefined, status: { recorded: status, replayed: status } });
  });

  test("a run that went on without an agent, and one that went on with what was answered before", async () => {
    await using skipping = aShop(({ takePayment }) => ({
      takePayment: { ...failing(takePayment), onFailure: "skip", fallback: () => ({ paidCents: 0 }) },
    }));
    let ill = false;
    await using caching = aShop(({ takePayment }) => ({
      takePayment: {
        ...takePayment,
        onFailure: "cached",
        execute: (inputs, context) => (ill ? Promise.reject(new Error("ill")) : takePayment.execute(inputs, context)),
      },
    }));
    await caching.start();
    ill = true;
    const [skipped, cached] = [await skipping.start(), await caching.start()];

    expect(await replayed(skipping, skipped.runId)).toMatchObject({ differs: undefined, status: { replayed: "completed" } });
    expect(await replayed(caching, cached.runId)).toMatchObject({ differs: undefined, status: { replayed: "completed" } });
  });

  test("a run that was stopped half-way, as far as it got", async () => {
    const started = aPromise();
    let forever = true;
    await using shop = aShop(({ sendParcel }) => ({
      sendParcel: {
        ...sendParcel,
        execute: (inputs, context) => {
          started.keep();
          return forever ? new Promise(() => {}) : sendParcel.execute(inputs, context);
        },
      },
    }));
    const run = shop.start();
    await started.promise;
    await shop.orchestrator.stop({ deadlineMs: 1 });
    const { runId } = await run;
    forever = false;

    const replay = await replayed(shop, runId);

    expect(replay).toMatchObject({ worked: 2, differs: undefined, status: { recorded: "running", replayed: "running" } });
  });

  test("a run whose agent needed several attempts, without waiting between them", async () => {
    await using shop = aShop(({ takePayment }) => ({
      takePayment: {
        ...takePayment,
        limits: { ...takePayment.limits, backoff: { initialMs: 1, maxMs: 1 } },
        execute: async (inputs, context) => {
          if (context.attempt < 3) throw new AgentUnavailable("later", { agent: "take-payment" });
          return takePayment.execute(inputs, context);
        },
      },
    }));
    const { runId } = await shop.start();

    expect(await replayed(shop, runId)).toMatchObject({ differs: undefined });
  });
});

/** How an agent behaves in a run; the same in its replay, as far as it is asked. */
interface Behavior {
  readonly ms: number;
  readonly does: "works" | "fails" | "fails after" | "gives up" | "is bad once" | "is bad" | "is flaky";
  readonly onFailure: "rollback" | "skip" | "ask";
  readonly answer: "retry" | "use" | "skip" | "reject";
}

const behavior: fc.Arbitrary<Behavior> = fc.record({
  ms: fc.integer({ min: 0, max: 6 }),
  does: fc.constantFrom("works", "works", "works", "fails", "fails after", "gives up", "is bad once", "is bad", "is flaky"),
  onFailure: fc.constantFrom("rollback", "skip", "ask"),
  answer: fc.constantFrom("retry", "use", "skip", "reject"),
});

/** One of the two that work at once: of two questions, which one is heard first is up to chance. */
const silent = behavior.map((each): Behavior => (each.onFailure === "ask" ? { ...each, onFailure: "rollback" } : each));

const GOOD = { shelf: "S", paidCents: 1, label: "L", text: "T" };

function behaving(agent: Agent, { ms, does, onFailure }: Behavior): Agent {
  const execute: Agent["execute"] = async (inputs, context) => {
    await delay(ms);
    if (does === "fails") throw new Error("ill");
    if (does === "is flaky" && context.attempt === 1) throw new AgentUnavailable("later", { agent: agent.name });
    const answer = await agent.execute(inputs, context);
    if (does === "fails after") throw new Error("ill afterwards");
    if (does === "gives up") return failed("NO", "no");
    return does === "is bad" || (does === "is bad once" && context.feedback.length === 0) ? completed({}) : answer;
  };
  return { ...agent, onFailure, fallback: () => GOOD, limits: { ...agent.limits, backoff: { initialMs: 1, maxMs: 1 } }, execute };
}

test("whatever agents do and humans answer, a replay does the same and nothing outside", async () => {
  await fc.assert(
    fc.asyncProperty(fc.tuple(silent, behavior, behavior, behavior), fc.nat(4), async (behaviors, from) => {
      const names = ["reserveStock", "takePayment", "sendParcel", "writeReceipt"] as const;
      await using shop = aShop((agents) =>
        Object.fromEntries(names.map((name, index) => [name, behaving(agents[name], behaviors[index] as Behavior)])),
      );
      let run = await shop.start();
      for (let times = 0; run.status === "waiting" && times < 3; times++) {
        expect(await replayed(shop, run.runId)).toMatchObject({ differs: undefined, status: { replayed: "waiting" } });
        const [question] = run.questions;
        const index = ["reserve-stock", "take-payment", "send-parcel", "write-receipt"].indexOf(question?.agent ?? "");
        const decision = behaviors[index]?.answer ?? "reject";
        run = await shop.orchestrator.resume(run.runId, { decision, reason: "why", output: GOOD }, { question: question?.id ?? "" });
      }

      const replay = await replayed(shop, run.runId, { from: Math.min(from, run.versions.length - 1) });

      expect(replay).toMatchObject({ differs: undefined, status: { recorded: run.status, replayed: run.status } });
    }),
    { numRuns: 30 },
  );
}, 120_000);

describe("what an agent gets from outside comes from the record", () => {
  const Query = defineContract({ name: "search.query", version: 1, schema: z.object({ text: z.string() }) });
  const Found = defineContract({ name: "search.found", version: 1, schema: z.object({ notes: z.array(z.json()), at: z.string() }) });

  function aSearch(change: Partial<Agent> = {}) {
    const calls: string[] = [];
    const clock = { now: Date.UTC(2026, 0, 1) };
    const model = async (prompt: string) => {
      calls.push(prompt);
      return `${prompt} ${calls.length}`;
    };
    const send = defineEffect({
      name: "send-mail",
      kind: "opaque",
      identity: ({ to }: { readonly to: string }) => to,
      perform: async ({ to }) => {
        calls.push(`mail ${to}`);
        if (to === "lost") throw new Error("the answer was lost");
        return { sent: calls.length };
      },
      undo: async () => void calls.push("undo mail"),
    });
    const search = defineAgent({
      name: "search",
      consumes: { query: Query },
      produces: Found,
      effects: [send],
      limits: { retries: 1, backoff: { initialMs: 1 } },
      execute: async ({ query }, { effects, now }) => {
        const one = await effects.record("model", { text: query.text }, () => model(query.text));
        const two = await effects.record("model", { text: query.text }, () => model(query.text));
        return completed({ notes: [one, two, await effects.perform("send-mail", { to: query.text })], at: now().toISOString() });
      },
    });
    const workflow = defineWorkflow({ name: "search", input: Query, output: Found, agents: [{ ...search, ...change } as Agent] });
    const orchestrator = createOrchestrator({ workflows: [workflow], now: () => new Date(clock.now) });
    const ledger = { log: calls, rows: new Map<string, string>() };
    const start = (text: string) => orchestrator.start("search", { text });
    return { ledger, clock, orchestrator, start, [Symbol.asyncDispose]: () => orchestrator.close() };
  }

  test("a model's answers, receipts, and the time", async () => {
    await using search = aSearch();
    const { runId } = await search.start("hats");
    search.clock.now += 1_000;

    expect(await replayed(search, runId)).toMatchObject({ worked: 1, differs: undefined });
    expect(search.ledger.log).toEqual(["hats", "hats", "mail hats"]);
  });

  test("an effect whose answer was lost, and what a human found out about it", async () => {
    await using search = aSearch();
    const { runId, status } = await search.start("lost");
    const open = await replayed(search, runId);
    await search.orchestrator.resume(runId, { decision: "done", output: { sent: 7 } });

    const replay = await replayed(search, runId);

    expect(status).toBe("parked");
    expect(open).toMatchObject({ differs: undefined, status: { recorded: "parked", replayed: "parked" } });
    expect(replay).toMatchObject({ differs: undefined, status: { recorded: "completed", replayed: "completed" } });
  });

  test("an effect that failed and that the agent went on without", async () => {
    await using search = aSearch({
      effects: [
        defineEffect({
          name: "send-mail",
          identity: ({ to }: { readonly to: string }) => to,
          perform: () => Promise.reject(new Error("no post today")),
          undo: async () => {},
        }),
      ] as never,
      execute: async (_inputs, { effects }) => {
        const sent = await effects.perform("send-mail", { to: "you" } as never).catch((thrown: Error) => thrown.message);
        return completed({ notes: [sent], at: "" });
      },
    });
    const { runId } = await search.start("hats");

    expect(await replayed(search, runId)).toMatchObject({ differs: undefined, status: { replayed: "completed" } });
  });

  test("what was not recorded is a difference, not a crash", async () => {
    await using search = aSearch();
    const { runId } = await search.start("hats");
    const asks: Agent["execute"] = async (_inputs, { effects }) => {
      await effects.record("model", { text: "caps" }, () => Promise.reject(new Error("called")));
      return completed({ notes: [], at: "" });
    };
    const sends: Agent["execute"] = async (_inputs, { effects }) => {
      await effects.perform("send-mail", { to: "somebody else" } as never);
      return completed({ notes: [], at: "" });
    };

    const asked = await replayed(search, runId, { agents: { search: asks } });
    const sent = await replayed(search, runId, { agents: { search: sends } });

    const recorded = { notes: ["hats 1", "hats 2", { sent: 3 }] };
    expect(asked.differs).toMatchObject({
      kind: "failure",
      version: 1,
      agent: "search",
      round: 0,
      recorded,
      replayed: { code: "NOT_RECORDED", details: { agent: "search", effect: "model" } },
    });
    expect(sent.differs).toMatchObject({
      recorded,
      replayed: { code: "NOT_RECORDED", details: { agent: "search", effect: "send-mail", identity: "somebody else" } },
    });
    expect(sent.status).toEqual({ recorded: "completed", replayed: "rolled-back" });
  });
});

describe("points of no return", () => {
  const wire = (sent: string[], kind: "pivot" | "irreversible") =>
    defineEffect({
      name: "wire",
      identity: ({ id }: { readonly id: string }) => id,
      perform: async ({ id }) => {
        sent.push(id);
        return { wired: sent.length };
      },
      [kind]: true,
    });
  const paying = (agent: Agent, sent: string[], kind: "pivot" | "irreversible"): Agent => ({
    ...agent,
    effects: [wire(sent, kind)],
    execute: async (_inputs, { effects }) => {
      const { wired } = (await effects.perform("wire", { id: "w-1" } as never)) as { wired: number };
      return completed({ paidCents: wired });
    },
  });
  const bare = (
    agent: Agent,
    execute: Agent["execute"] = async () => completed({ label: "x", shelf: "A1", paidCents: 5, text: "y" }),
  ): Agent => ({
    ...agent,
    effects: [],
    execute,
  });

  test("an approval, asked for and given", async () => {
    const sent: string[] = [];
    await using shop = aShop(({ takePayment, sendParcel, writeReceipt }) => ({
      takePayment: paying(takePayment, sent, "irreversible"),
      sendParcel: bare(sendParcel),
      writeReceipt: bare(writeReceipt),
    }));
    const { runId } = await shop.start();
    const waiting = await replayed(shop, runId);
    await shop.orchestrator.resume(runId, { decision: "approve" });

    const replay = await replayed(shop, runId);

    expect(waiting).toMatchObject({ differs: undefined, status: { recorded: "waiting", replayed: "waiting" } });
    expect(replay).toMatchObject({ differs: undefined, status: { recorded: "completed", replayed: "completed" } });
    expect(sent).toEqual(["w-1"]);
  });

  test("a failure behind one, and how a human carried the run forward", async () => {
    const sent: string[] = [];
    let ill = true;
    await using shop = aShop(({ takePayment, sendParcel, writeReceipt }) => ({
      takePayment: paying(takePayment, sent, "pivot"),
      sendParcel: bare(sendParcel),
      writeReceipt: bare(writeReceipt, () => (ill ? Promise.reject(new Error("ill")) : Promise.resolve(completed({ text: "y" } as never)))),
    }));
    const { runId, status } = await shop.start();
    const parked = await replayed(shop, runId);
    ill = false;
    await shop.orchestrator.resume(runId, { decision: "retry" });

    const replay = await replayed(shop, runId);

    expect(status).toBe("parked");
    expect(parked).toMatchObject({ differs: undefined, status: { recorded: "parked", replayed: "parked" } });
    expect(replay).toMatchObject({ differs: undefined, status: { recorded: "completed", replayed: "completed" } });
  });
});

describe("fan-outs", () => {
  const Basket = defineContract({ name: "till.basket", version: 1, schema: z.object({ items: z.array(z.string()) }) });
  const Item = defineContract({ name: "till.item", version: 1, schema: z.object({ name: z.string() }) });
  const Price = defineContract({
    name: "till.price",
    version: 1,
    schema: z.object({ name: z.string(), cents: z.int() }),
    rules: { "is not free": ({ cents }) => cents > 0 },
  });
  const Bill = defineContract({ name: "till.bill", version: 1, schema: z.object({ lines: z.array(z.string()) }) });

  function aTill(change: Partial<Agent> = {}) {
    const ledger = aLedger();
    const price = defineAgent({
      name: "price-item",
      consumes: { item: Item },
      produces: Price,
      effects: [entry(ledger, "scan")],
      execute: async ({ item }, { effects, feedback }) => {
        await delay(10 - item.name.length);
        await effects.perform("scan", { id: item.name });
        return completed({ name: item.name, cents: item.name === "free" && feedback.length === 0 ? 0 : item.name.length });
      },
    });
    const priceBasket = fanOut({
      name: "price-basket",
      consumes: { basket: Basket },
      produces: Bill,
      agent: { ...price, ...change } as typeof price,
      over: ({ basket }) => basket.items.map((name) => ({ item: { name } })),
      collect: (prices) => ({ lines: prices.map(({ name, cents }) => `${name} ${cents}`) }),
    });
    const workflow = defineWorkflow({ name: "till", input: Basket, output: Bill, agents: [priceBasket as Agent] });
    const orchestrator = createOrchestrator({ workflows: [workflow] });
    const start = (items: string[]) => orchestrator.start("till", { items });
    return { ledger, price, orchestrator, start, [Symbol.asyncDispose]: () => orchestrator.close() };
  }

  test("with a branch that was repaired", async () => {
    await using till = aTill();
    const { runId } = await till.start(["ham", "free", "bread", "o"]);

    expect(await replayed(till, runId)).toMatchObject({ worked: 6, differs: undefined, status: { replayed: "completed" } });
    expect(await replayed(till, runId, { from: 3 })).toMatchObject({ worked: 3, differs: undefined });
  });

  test("with a branch that failed for good, beside others that were at work", async () => {
    await using till = aTill({
      execute: async (inputs) => {
        const { name } = (inputs as { item: { name: string } }).item;
        await delay(name.length);
        if (name === "bread") throw new Error("no price");
        return completed({ name, cents: 1 });
      },
    });
    const { runId } = await till.start(["ham", "egg", "bread", "something long"]);

    expect(await replayed(till, runId)).toMatchObject({ differs: undefined, status: { recorded: "rolled-back", replayed: "rolled-back" } });
  });

  test("a replaced agent works in the branches", async () => {
    await using till = aTill();
    const { runId } = await till.start(["ham", "egg"]);
    const dearer: Agent["execute"] = async (inputs) => {
      const { name } = (inputs as { item: { name: string } }).item;
      return completed({ name, cents: name === "egg" ? 9 : name.length });
    };

    const { differs } = await replayed(till, runId, { agents: { "price-basket": dearer } });

    expect(differs).toMatchObject({ kind: "data", agent: "price-basket[1]", recorded: { cents: 3 }, replayed: { cents: 9 } });
  });
});

describe("an agent that works in another's place", () => {
  test("shows the first version that differs, and where the run goes then", async () => {
    await using shop = aShop();
    const { runId } = await shop.start();
    const free: Agent["execute"] = async () => completed({ paidCents: 0 });

    const replay = await replayed(shop, runId, { agents: { "take-payment": free } });

    expect(replay).toMatchObject({
      differs: {
        kind: "data",
        version: 2,
        agent: "take-payment",
        round: 0,
        recorded: { paidCents: 500 },
        replayed: { paidCents: 0 },
        patch: [{ op: "replace", path: "/paidCents", value: 0 }],
      },
      status: { recorded: "completed", replayed: "completed" },
    });
  });

  test("may be a whole agent", async () => {
    await using shop = aShop();
    const { runId } = await shop.start();
    const { takePayment } = shop.agents;

    const same = await replayed(shop, runId, { agents: { "take-payment": { ...takePayment, name: "another" } } });
    const other = await replayed(shop, runId, { agents: { "take-payment": failing(takePayment) } });

    expect(same.differs).toBeUndefined();
    expect(other).toMatchObject({
      differs: { kind: "failure", version: 2, agent: "take-payment", replayed: { code: "AGENT_FAILED" } },
      status: { recorded: "completed", replayed: "rolled-back" },
    });
  });

  test("that mends what failed is worked, and so is what the run never came to", async () => {
    await using shop = aShop(({ sendParcel, writeReceipt }) => ({
      sendParcel: failing(sendParcel),
      writeReceipt: {
        ...writeReceipt,
        effects: [],
        execute: async ({ parcel }) => completed({ text: (parcel as { label: string }).label }),
      },
    }));
    const { runId } = await shop.start();
    const mended: Agent["execute"] = async () => completed({ label: "mended", shelf: "A1", paidCents: 500 });

    const replay = await replayed(shop, runId, { agents: { "send-parcel": mended } });

    expect(replay).toMatchObject({
      differs: {
        kind: "failure",
        version: undefined,
        agent: "send-parcel",
        recorded: { code: "AGENT_FAILED" },
        replayed: { label: "mended" },
      },
      status: { recorded: "rolled-back", replayed: "completed" },
    });
  });

  test("whose answer the gate refuses differs there, and works another round", async () => {
    await using shop = aShop();
    const { runId } = await shop.start();
    const bad: Agent["execute"] = async () => completed({ label: "", shelf: "A1", paidCents: 500 });

    expect((await replayed(shop, runId, { agents: { "send-parcel": bad } })).differs).toMatchObject({ kind: "data", version: 3, round: 0 });
  });

  test("is refused when there is nobody of that name, or it makes something else", async () => {
    await using shop = aShop();
    const { runId } = await shop.start();
    const { sendParcel } = shop.agents;

    const nobody = shop.orchestrator.replay(runId, { agents: { nobody: sendParcel } });
    const another = shop.orchestrator.replay(runId, { agents: { "take-payment": sendParcel } });

    await expect(nobody).rejects.toMatchObject({ code: "AGENT_INVALID", details: { agent: "nobody" } });
    await expect(another).rejects.toMatchObject({ code: "WORKFLOW_INVALID" });
  });
});

test("a gate of a newer program that lets less through shows as a round too many", async () => {
  await using store = aStore();
  const agents: ShopAgents = shopAgents(aLedger());
  const loose = shopWorkflow(agents);
  const never = { ...agents.sendParcel.produces, judge: () => [{ path: "", message: "never good enough" }] };
  const strict = shopWorkflow({ ...agents, sendParcel: { ...agents.sendParcel, produces: never } });
  const { runId } = await createOrchestrator({ store, workflows: [loose] }).start(loose, anOrder());

  const replay = await createOrchestrator({ store, workflows: [strict] }).replay(runId);

  expect(replay).toMatchObject({
    differs: { kind: "extra", version: undefined, agent: "send-parcel", round: 1 },
    status: { recorded: "completed", replayed: "rolled-back" },
  });
});

test("refuses a version that is not there", async () => {
  await using shop = aShop();
  const { runId } = await shop.start();

  await expect(shop.orchestrator.replay(runId, { from: 9 })).rejects.toMatchObject({ code: "VERSION_UNKNOWN", details: { last: 4 } });
});
