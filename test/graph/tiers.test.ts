import { describe, expect, test } from "vitest";
import { type Agent, AgentUnavailable, completed, createOrchestrator, defineAgent, defineWorkflow, fanOut, sqliteStore } from "walkback";
import { anOrder, Order } from "./support.js";
import { aBook, aTieredShop, BEHAVIORS, type Behavior, LIMITS, Price, safe, tier, works } from "./tiered.js";

const fails: Behavior = BEHAVIORS.fails;

describe("an agent whose best tier fails", () => {
  test("is worked by the next one, with nothing left of the first, and says so everywhere", async () => {
    await using shop = aTieredShop([tier("premium", fails), tier("standard"), safe]);

    const run = await shop.start();

    expect(run).toMatchObject({ status: "completed", degraded: true, output: { text: "500 by standard" } });
    expect(run.versions[1]).toMatchObject({ agent: "make-price", tier: "standard" });
    expect(await shop.story(run)).toEqual({
      answers: [{ tier: "standard", source: "agent", round: 0 }],
      falls: ["premium → standard: AGENT_FAILED"],
    });
    expect(await shop.orchestrator.list()).toMatchObject([{ degraded: true }]);
    expect(shop.book.log).toEqual(["premium books", "premium is undone", "standard books"]);
    expect(shop.book.standing()).toEqual(["standard"]);
  });

  test("begins with the best one again in the next call", async () => {
    let broken = true;
    const fickle: Behavior = (...args) => (broken ? fails(...args) : works(...args));
    await using shop = aTieredShop([tier("premium", fickle), tier("standard")]);
    const first = await shop.start();
    broken = false;

    const second = await shop.start();

    expect([first, second]).toMatchObject([
      { degraded: true, output: { text: "500 by standard" } },
      { degraded: false, output: { text: "500 by premium" } },
    ]);
  });

  test("is not degraded by a tier that is not there, and not even told of it", async () => {
    await using shop = aTieredShop([tier("premium", works, { available: () => false }), tier("basic")]);

    const run = await shop.start();

    expect(run).toMatchObject({ status: "completed", degraded: false, output: { text: "500 by basic" } });
    expect(await shop.story(run)).toEqual({ answers: [{ tier: "basic", source: "agent", round: 0 }], falls: [] });
  });

  test("pays each tier for its own calls, and never takes the answer of another for its own", async () => {
    const asking: (fee: number) => Behavior =
      (fee) =>
      async (by, _given, { effects }) => {
        const cents = await effects.record("ask-model", { prompt: "how much?" }, async () => fee);
        if (fee === 1) throw new AgentUnavailable("overloaded", { agent: by });
        return completed({ cents, by });
      };
    await using shop = aTieredShop([tier("premium", asking(1)), tier("standard", asking(2))]);

    const run = await shop.start();

    expect(run).toMatchObject({ status: "completed", output: { text: "2 by standard" } });
  });

  test("gives the repairs to the tier whose answer was refused, then asks the next one, which has its own", async () => {
    const heard: string[] = [];
    const repairedBy =
      (good: number): Behavior =>
      async (by, _given, { feedback }) => {
        heard.push(`${by} hears ${feedback.length}`);
        return completed({ cents: heard.filter((line) => line.startsWith(by)).length >= good ? 7 : 0, by });
      };
    await using shop = aTieredShop([tier("premium", repairedBy(9)), tier("standard", repairedBy(2))]);

    const run = await shop.start();

    expect(run).toMatchObject({ status: "completed", degraded: true, output: { text: "7 by standard" } });
    expect(heard).toEqual(["premium hears 0", "premium hears 1", "standard hears 0", "standard hears 1"]);
    expect(await shop.story(run)).toEqual({
      answers: ["premium", "premium", "standard", "standard"].map((name, round) => ({ tier: name, source: "agent", round })),
      falls: ["premium → standard: CONTRACT_VIOLATED"],
    });
    expect(shop.book.standing()).toEqual(["standard"]);
  });
});

const NAMES = Object.keys(BEHAVIORS) as (keyof typeof BEHAVIORS)[];
const PAIRS = NAMES.flatMap((premium) => NAMES.map((standard) => [premium, standard] as const));
const TAILS = { "a good emergency answer": [safe], "a bad one": [{ ...safe, emergency: () => ({ cents: -1, by: "x" }) }], none: [] };

describe.each(Object.entries(TAILS))("whatever the tiers do, with %s", (tail, last) => {
  test.each(PAIRS)("premium %s, standard %s: the run ends, and only what counts stands outside", async (premium, standard) => {
    const limited = (name: keyof typeof BEHAVIORS) => (LIMITS[name] ? { limits: LIMITS[name] } : {});
    await using shop = aTieredShop([
      tier("premium", BEHAVIORS[premium], limited(premium)),
      tier("standard", BEHAVIORS[standard], limited(standard)),
      { name: "earlier", cached: true },
      ...last,
    ]);
    const best =
      premium === "works" ? "premium" : standard === "works" ? "standard" : tail === "a good emergency answer" ? "emergency" : undefined;

    const run = await shop.start();

    const cents = best === "emergency" ? 1000 : 500;
    expect(run).toMatchObject(best ? { status: "completed", output: { text: `${cents} by ${best}` } } : { status: "rolled-back" });
    const refusedBelow = best === undefined && standard === "answers what the contract refuses";
    expect(run.degraded).toBe(refusedBelow || (best !== undefined && best !== "premium"));
    expect(shop.book.standing()).toEqual(best && best !== "emergency" ? [best] : []);
    expect(partial(shop.book.log)).toEqual([]);
    const { answers } = await shop.story(run);
    if (best) expect(answers.at(-1)).toMatchObject({ tier: best, source: best === "emergency" ? "emergency" : "agent" });
    if (run.status === "rolled-back" && tail === "a bad one")
      expect(run.failure).toMatchObject({
        code: "CONTRACT_VIOLATED",
        message: expect.stringContaining("The emergency answer of make-price"),
      });
  });
});

/** A tier that books while something of another one stands. */
function partial(log: readonly string[]): string[] {
  const standing = new Set<string>();
  return log.flatMap((line) => {
    const [who = "", ...does] = line.split(" ");
    if (does[0] === "is") standing.delete(who);
    const beside = does[0] === "books" ? [...standing].filter((other) => other !== who) : [];
    if (does[0] === "books") standing.add(who);
    return beside.map((other) => `${who} booked while ${other} stood`);
  });
}

describe("a cached tier", () => {
  const OLD = { name: "earlier", cached: true } as const;

  function aFickleShop(options: { version?: number; maxAgeMs?: number; standard?: Behavior } = {}, more = {}) {
    const state = { broken: false };
    const fickle: Behavior = (...args) => (state.broken ? fails(...args) : works(...args));
    const { maxAgeMs, version = 1, standard = fails } = options;
    const cached = maxAgeMs === undefined ? OLD : { ...OLD, maxAgeMs };
    const shop = aTieredShop([tier("premium", fickle), tier("standard", standard), cached], { version }, more);
    return Object.assign(shop, { state });
  }

  test("answers what this agent answered to the same inputs, and to no other", async () => {
    await using shop = aFickleShop();
    await shop.start();
    shop.state.broken = true;

    const same = await shop.start();
    const other = await shop.start({ id: "o-1", amountCents: 501 });

    expect(same).toMatchObject({ status: "completed", degraded: true, output: { text: "500 by premium" } });
    expect((await shop.story(same)).answers).toEqual([{ tier: "earlier", source: "cache", round: 0 }]);
    expect(other).toMatchObject({
      status: "rolled-back",
      degraded: false,
      failure: {
        code: "CACHE_MISS",
        causes: [expect.stringMatching(/^standard: AGENT_FAILED/), expect.stringMatching(/^premium: AGENT_FAILED/)],
      },
    });
  });

  test("never answers for another version of the agent", async () => {
    await using store = Object.assign(sqliteStore(":memory:"), { [Symbol.asyncDispose]: async () => {} });
    const before = aFickleShop({ version: 1 }, { store });
    const after = aFickleShop({ version: 2 }, { store });
    await before.start();
    after.state.broken = true;

    expect(await after.start()).toMatchObject({ status: "rolled-back", failure: { code: "CACHE_MISS" } });
    before.state.broken = true;
    expect(await before.start()).toMatchObject({ status: "completed", degraded: true });
    await store.close();
  });

  test("never answers with what is older than it may be", async () => {
    let now = Date.parse("2026-03-01T12:00:00.000Z");
    await using shop = aFickleShop({ maxAgeMs: 60_000 }, { now: () => new Date(now) });
    await shop.start();
    shop.state.broken = true;
    now += 60_000;
    const young = await shop.start();
    now += 1;

    const old = await shop.start();

    expect(young).toMatchObject({ status: "completed", degraded: true });
    expect(old).toMatchObject({
      status: "rolled-back",
      failure: { code: "CACHE_MISS", message: expect.stringContaining("in the last 60000 ms") },
    });
  });

  test("never answers with what a tier below it had said", async () => {
    let broken = true;
    await using shop = aTieredShop([tier("premium", fails), OLD, tier("basic", (...args) => (broken ? works(...args) : fails(...args)))]);
    const first = await shop.start();
    broken = false;

    expect(first).toMatchObject({ status: "completed", output: { text: "500 by basic" } });
    expect(await shop.start()).toMatchObject({ status: "rolled-back" });
  });
});

describe("onDegrade", () => {
  test("is asked about every answer from below, and says why the next tier is", async () => {
    const asked: string[] = [];
    await using shop = aTieredShop([tier("premium", fails), tier("basic"), tier("cautious"), safe], {
      onDegrade: ({ tier: name, output, failure, inputs }) => {
        asked.push(`${name} after ${failure.code}: ${output.cents} of ${inputs.order.amountCents}`);
        return name === "emergency" ? undefined : "not without a better look";
      },
    });

    const run = await shop.start();

    expect(run).toMatchObject({ status: "completed", output: { text: "1000 by emergency" } });
    expect(asked).toEqual([
      "basic after AGENT_FAILED: 500 of 500",
      "cautious after DEGRADED_REFUSED: 500 of 500",
      "emergency after DEGRADED_REFUSED: 1000 of 500",
    ]);
    expect((await shop.story(run)).falls).toEqual([
      "premium → basic: AGENT_FAILED",
      "basic → cautious: DEGRADED_REFUSED",
      "cautious → emergency: DEGRADED_REFUSED",
    ]);
    expect(shop.book.standing()).toEqual([]);
  });

  test("is not asked about the best answer that can be had", async () => {
    await using shop = aTieredShop([tier("premium", works, { available: () => false }), tier("basic")], {
      onDegrade: () => "never",
    });

    expect(await shop.start()).toMatchObject({ status: "completed", degraded: false });
  });

  test.each<[string, () => unknown, string]>([
    ["refuses", () => "a person must look at it", "DEGRADED_REFUSED"],
    ["throws", () => Promise.reject(new Error("who knows")), "DEGRADED_REFUSED"],
    [
      "breaks",
      () => {
        throw new Error("who knows");
      },
      "AGENT_FAILED",
    ],
  ])("leaves it to the agent's onFailure in the end, when it %s", async (_how, verdict, code) => {
    const onDegrade = () => {
      const answer = verdict();
      if (answer instanceof Promise) answer.catch(() => {});
      return answer as string;
    };
    const tiers = [tier("premium", fails), tier("basic")];
    await using shop = aTieredShop(tiers, { onDegrade });
    await using asking = aTieredShop(tiers, { onDegrade, onFailure: "ask" });

    const run = await shop.start();
    const waiting = await asking.start();

    expect(run).toMatchObject({ status: "rolled-back", degraded: false, failure: { code } });
    expect(shop.book.standing()).toEqual([]);
    expect(waiting).toMatchObject({ status: "waiting", questions: [{ id: "make-price#0" }] });
    expect(await asking.orchestrator.resume(waiting.runId, { decision: "use", output: { cents: 9, by: "hand" } })).toMatchObject({
      status: "completed",
      output: { text: "9 by hand" },
    });
    expect(asking.book.standing()).toEqual([]);
  });
});

describe("a failure that is not the tier's", () => {
  test("conflicting intents fail the agent, and no other tier is asked", async () => {
    const twice: Behavior = async (by, { order }, { effects }) => {
      await effects.perform("booking", { id: order.id, by: `${by} again` });
      return completed({ cents: 1, by });
    };
    await using shop = aTieredShop([tier("premium", twice), tier("standard")]);

    expect(await shop.start()).toMatchObject({ status: "rolled-back", failure: { code: "CONFLICTING_INTENT" } });
    expect(shop.book.log).not.toContain("standard books");
  });

  test("a run that fails elsewhere stops the tier, and no other is asked", async () => {
    const waits: Behavior = (_by, _given, { signal }) =>
      new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(new Error("stopped"))));
    const book = aBook();
    const price = defineAgent({
      name: "make-price",
      consumes: { order: Order },
      produces: Price,
      effects: [book.booking],
      tiers: [tier("premium", waits), tier("standard")],
    });
    const workflow = defineWorkflow({ name: "canceled", input: Order, output: Price, agents: [price] });
    await using orchestrator = createOrchestrator({ workflows: [workflow] });
    const run = orchestrator.start(workflow, anOrder(), { runId: "r-1" });
    await expect.poll(() => book.log, { timeout: 10_000 }).toEqual(["premium books"]);

    await orchestrator.cancel("r-1");

    expect(await run).toMatchObject({ status: "canceled", degraded: false });
    expect(book.log).toEqual(["premium books", "premium is undone"]);
  });
});

test("a human who says retry is answered by the best tier, with nothing left of the last one", async () => {
  let broken = true;
  const fickle: Behavior = (...args) => (broken ? fails(...args) : works(...args));
  await using shop = aTieredShop([tier("premium", fickle), tier("standard", fails)], { onFailure: "ask" });
  const { runId, status } = await shop.start();
  broken = false;

  const run = await shop.orchestrator.resume(runId, { decision: "retry" });

  expect(status).toBe("waiting");
  expect(run).toMatchObject({ status: "completed", output: { text: "500 by premium" } });
  expect(shop.book.standing()).toEqual(["premium"]);
});

test("what a tier did by itself is compensated before the next one works", async () => {
  const done: string[] = [];
  const does =
    (behavior: Behavior): Behavior =>
    (by, ...rest) => {
      done.push(`${by} works`);
      return behavior(by, ...rest);
    };
  await using shop = aTieredShop(
    [tier("premium", does(fails)), tier("standard", does(works))],
    {
      compensate: async ({ output }) => {
        done.push(`undo ${output === undefined ? "half-done work" : output.by}`);
      },
    },
    { bill: { execute: () => Promise.reject(new Error("no ink")) } },
  );

  const run = await shop.start();

  expect(run).toMatchObject({ status: "rolled-back" });
  expect(done).toEqual(["premium works", "undo half-done work", "standard works", "undo standard"]);
});

test("the agent of a fan-out may have tiers, and each branch finds its own", async () => {
  const book = aBook();
  const price = defineAgent({
    name: "make-price",
    consumes: { order: Order },
    produces: Price,
    effects: [book.booking],
    tiers: [tier("premium", (by, given, context) => (given.order.id === "o-1" ? fails : works)(by, given, context)), tier("standard")],
  });
  const all = fanOut({
    name: "make-prices",
    consumes: { order: Order },
    produces: Price,
    agent: price,
    over: ({ order }) => ["o-0", "o-1", "o-2"].map((id) => ({ order: { ...order, id } })),
    collect: (prices) => ({ cents: prices.length, by: prices.map(({ by }) => by).join("+") }),
  });
  const workflow = defineWorkflow({ name: "fanned", input: Order, output: Price, agents: [all] });
  await using orchestrator = createOrchestrator({ workflows: [workflow] });

  const run = await orchestrator.start(workflow, anOrder());

  expect(run).toMatchObject({ status: "completed", degraded: true, output: { by: "premium+standard+premium" } });
  expect(book.standing().sort()).toEqual(["premium", "premium", "standard"]);
});

test("another execute in place of an agent's own works without tiers", async () => {
  await using shop = aTieredShop([tier("premium"), safe]);
  const price: Agent = { ...shop.price, execute: async () => completed({ cents: 3, by: "hand" }) };
  const workflow = defineWorkflow({ name: "mocked", input: Order, output: Price, agents: [price] });
  await using orchestrator = createOrchestrator({ workflows: [workflow] });

  const run = await orchestrator.start(workflow, anOrder());

  expect(run).toMatchObject({ status: "completed", degraded: false, output: { by: "hand" } });
  expect(run.versions[1]).not.toHaveProperty("tier");
});
