import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { createOrchestrator, defineAgent, sqliteStore } from "walkback";
import { aLedger, anOrder, failing, shopAgents, shopWorkflow } from "../graph/support.js";
import { dumpOf } from "../support/dump.js";
import { aFolder, aStore } from "../support/store.js";
import { aGuard, throws, tick, written } from "./calls.js";

const down = throws(new Error("the bank is down"));
const paid = async () => "paid";
const THIRTY_DAYS_MS = 30 * 86_400_000;

beforeEach(() => {
  vi.useFakeTimers({ now: new Date("2026-11-02T08:00:00.000Z") });
});

afterEach(() => {
  vi.useRealTimers();
});

describe("the breaker of an agent", () => {
  test("is as it was when the process starts anew on the same store", async () => {
    await using folder = await aFolder();
    const first = sqliteStore(folder.file("store.db"));
    const before = aGuard({ store: first });
    for (let failures = 0; failures < 5; failures++) await before.failing(down);
    await first.close();

    const store = sqliteStore(folder.file("store.db"));
    const after = aGuard({ store });

    expect(after.breakerState()).toBe("open");
    expect(await after.failing(paid)).toMatchObject({ code: "BREAKER_OPEN" });
    await tick(60_000);
    expect(await after.call(paid)).toBe("paid");
    expect(after.breakerState()).toBe("closed");
    await store.close();
  });

  test("is one for all guards on a store, and one for each tier", async () => {
    await using store = await aStore();
    const [one, other] = [aGuard({ store, tier: "premium" }), aGuard({ store, tier: "premium" })];
    const basic = aGuard({ store, tier: "basic" });

    for (const { failing } of [one, other, one, other, one]) await failing(down);

    expect(await other.failing(paid)).toMatchObject({ code: "BREAKER_OPEN", details: { agent: "pay-out", tier: "premium" } });
    expect(await basic.call(paid)).toBe("paid");
    expect(one.events).toContainEqual({ type: "breaker.opened", agent: "pay-out", tier: "premium", why: "5 failures in a row" });
  });

  test.each([
    ["an hour back", -3_600_000],
    ["thirty days on", THIRTY_DAYS_MS],
  ])("is not left open by a clock that jumps %s, nor opened by it", async (_how, jump) => {
    await using store = await aStore();
    const { call, failing, breakerState } = aGuard({ store });
    for (let failures = 0; failures < 5; failures++) await failing(down);

    vi.setSystemTime(Date.now() + jump);
    expect(await call(paid)).toBe("paid");
    expect(breakerState()).toBe("closed");

    for (let failures = 0; failures < 4; failures++) await failing(down);
    vi.setSystemTime(Date.now() + jump);
    expect(await call(paid)).toBe("paid");
    expect(breakerState()).toBe("closed");
  });

  test("costs a call that is answered no write", async () => {
    await using folder = await aFolder();
    const store = sqliteStore(folder.file("store.db"));
    const { call } = aGuard({ store });
    await call(paid);
    await written();
    const before = dumpOf(folder.file("store.db"));

    for (let calls = 0; calls < 10; calls++) await call(paid);
    await written();

    expect(dumpOf(folder.file("store.db"))).toBe(before);
    await store.close();
  });

  test.each([
    ["of the last calls", { kind: "count", size: 10, threshold: 0.5, minimumCalls: 4 } as const, "2 of the last 4 calls failed"],
    [
      "of a time",
      { kind: "sampling", windowMs: 10_000, threshold: 0.5, minimumCalls: 4 } as const,
      "2 of the last 4 calls failed (within 10000 ms)",
    ],
  ])("opens when half %s have failed, though never two in a row", async (_what, breaker, why) => {
    await using store = await aStore();
    const { call, failing, breakerState, events } = aGuard({ store, breaker });

    for (const work of [paid, down, paid]) await (work === down ? failing(work) : call(work));
    expect(breakerState()).toBe("closed");
    await failing(down);

    expect(breakerState()).toBe("open");
    expect(events).toContainEqual({ type: "breaker.opened", agent: "pay-out", why });
  });

  test("by a share of a time forgets what lies before it", async () => {
    await using store = await aStore();
    const { failing, breakerState } = aGuard({ store, breaker: { kind: "sampling", windowMs: 10_000, threshold: 0.5, minimumCalls: 4 } });

    for (let failures = 0; failures < 3; failures++) await failing(down);
    await tick(11_000);
    for (let failures = 0; failures < 3; failures++) await failing(down);

    expect(breakerState()).toBe("closed");
    await failing(down);
    expect(breakerState()).toBe("open");
  });

  test("is not closed by a probe that we refused ourselves", async () => {
    await using store = await aStore();
    const { failing, breakerState } = aGuard({ store, maxConcurrent: 2 });
    for (let failures = 0; failures < 5; failures++) await failing(down);
    await tick(60_000);
    const refusal = Object.assign(new Error("no"), { code: "EFFECT_REFUSED", toJSON: () => ({}) });

    await failing(throws(refusal));

    expect(breakerState()).toBe("open");
  });
});

describe("the orchestrator's breakers", () => {
  test("name the agents of its workflows before they are called, and say what became of them", async () => {
    const agents = shopAgents(aLedger());
    const takePayment = failing(agents.takePayment, "down");
    const workflow = shopWorkflow({ ...agents, takePayment });
    await using orchestrator = createOrchestrator({ workflows: [workflow] });
    const names = ["reserve-stock", "send-parcel", "take-payment", "write-receipt"];
    expect(orchestrator.breakers.list().map(({ name, state }) => `${name} ${state}`)).toEqual(names.map((name) => `${name} closed`));

    const runs = [];
    for (let failures = 0; failures < 5; failures++) runs.push(await orchestrator.start(workflow, anOrder({ id: `o-${failures}` })));

    const [breaker] = orchestrator.breakers.list().filter(({ state }) => state === "open");
    expect(breaker).toEqual({
      name: "take-payment",
      state: "open",
      since: "2026-11-02T08:00:00.000Z",
      why: "5 failures in a row",
      trippedByHand: false,
      nextProbeAt: "2026-11-02T08:01:00.000Z",
      tally: { kind: "consecutive", calls: 5, failed: 5 },
    });
    expect(orchestrator.breakers.history()).toEqual([
      {
        name: "take-payment",
        at: "2026-11-02T08:00:00.000Z",
        from: "closed",
        to: "open",
        why: "5 failures in a row",
        by: "take-payment",
        runId: runs[4]?.runId,
      },
    ]);
  });

  test("open by hand before the first call, and close by hand", async () => {
    const workflow = shopWorkflow(shopAgents(aLedger()));
    await using orchestrator = createOrchestrator({ workflows: [workflow] });

    await orchestrator.breakers.trip("take-payment", { reason: "the bank asked us to" });
    const refused = await orchestrator.start(workflow, anOrder());
    vi.setSystemTime(Date.now() + THIRTY_DAYS_MS);
    const later = await orchestrator.start(workflow, anOrder());
    await orchestrator.breakers.reset("take-payment");
    const allowed = await orchestrator.start(workflow, anOrder());

    expect(refused).toMatchObject({
      status: "rolled-back",
      failure: { code: "BREAKER_OPEN", message: expect.stringContaining("the bank asked us to"), details: { halfOpenAfterMs: null } },
    });
    expect(later.status).toBe("rolled-back");
    expect(allowed.status).toBe("completed");
    await expect(orchestrator.breakers.trip("take-money")).rejects.toMatchObject({
      code: "BREAKER_UNKNOWN",
      details: { breaker: "take-money", known: expect.arrayContaining(["take-payment"]) },
    });
  });
});

test.each([
  [{ kind: "count", size: 4, minimumCalls: 5 }, "breaker.minimumCalls"],
  [{ kind: "count", size: 0, minimumCalls: 1 }, "breaker.size"],
  [{ kind: "sampling", threshold: 0 }, "breaker.threshold"],
  [{ kind: "sampling", threshold: 1.1 }, "breaker.threshold"],
  [{ kind: "sampling", windowMs: 0 }, "breaker.windowMs"],
  [{ kind: "consecutive", failures: 0 }, "breaker.failures"],
  [{ consecutiveFailures: 0 }, "breaker.consecutiveFailures"],
  [{ halfOpenAfterMs: -1 }, "breaker.halfOpenAfterMs"],
] as const)("an agent with the breaker %j is refused", (breaker, named) => {
  const { takePayment } = shopAgents(aLedger());
  const { name, consumes, produces, execute } = takePayment;

  expect(() => defineAgent({ name, consumes, produces, execute: execute as never, limits: { breaker } })).toThrow(named);
});
