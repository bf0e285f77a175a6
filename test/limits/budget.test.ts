import { setImmediate } from "node:timers/promises"; // by import, so that fake timers do not stop the disk
import fc from "fast-check";
import { v7 } from "uuid";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { createRuntime, type JsonValue, type LimitStore, type RunId, sqliteStore } from "walkback";
import { type BudgetCell, balanceOf, cellAt, HOLD_MS, type ScopeLimits, windowsOf } from "../../src/limits/budget.js";
import { add, current, freeAt, lengthOf, type Slot, total } from "../../src/limits/budget-window.js";
import { aStore } from "../support/store.js";
import { aCall, aClock, aMeter, aSite, failureOf, HOUR, MINUTE, NOON, PROPERTY_RUNS, PROPERTY_TIMEOUT_MS } from "./spending.js";

const DAY = 24 * HOUR;
const spends = fc.array(fc.record({ after: fc.nat(20 * MINUTE), microDollars: fc.nat(1_000), tokens: fc.nat(1_000) }), { maxLength: 40 });

describe("a window", () => {
  test("never counts less than what was spent within its length, and at most one slot more", () => {
    fc.assert(
      fc.property(spends, fc.nat(2 * HOUR), fc.constantFrom("hour", "day"), (list, later, window) => {
        let slots: readonly Slot[] = [];
        let now = NOON;
        const spent = list.map(({ after, ...amount }) => {
          now += after;
          slots = add(slots, window, amount, now);
          return { ...amount, at: now };
        });
        now += later;
        const within = (span: number) => spent.filter(({ at }) => now - at < span).reduce((sum, { tokens }) => sum + tokens, 0);
        const counted = total(current(slots, window, now)).tokens;
        const slotMs = window === "hour" ? MINUTE : 15 * MINUTE;

        expect(counted).toBeGreaterThanOrEqual(within(lengthOf(window)));
        expect(counted).toBeLessThanOrEqual(within(lengthOf(window) + slotMs));
        expect(slots.length).toBeLessThanOrEqual(lengthOf(window) / slotMs + 1);
      }),
      PROPERTY_RUNS,
    );
  });

  test("is free when it says so, and not a moment before", () => {
    fc.assert(
      fc.property(spends, fc.nat(20_000), (list, most) => {
        let now = NOON;
        let slots: readonly Slot[] = [];
        for (const { after, ...amount } of list) {
          now += after;
          slots = add(slots, "hour", amount, now);
        }
        const free = freeAt(slots, "hour", "tokens", most);
        const at = (time: number) => total(current(slots, "hour", time)).tokens;

        if (free === undefined || at(now) <= most) return;
        expect(at(free)).toBeLessThanOrEqual(most);
        expect(at(free - 1)).toBeGreaterThan(most);
      }),
      PROPERTY_RUNS,
    );
  });

  test("forgets nothing when the clock is set back, and holds it against nobody for longer than its length", () => {
    const spent = add([], "hour", { microDollars: 7, tokens: 1 }, NOON + 30 * DAY);

    const back = current(spent, "hour", NOON);

    expect(total(back).microDollars).toBe(7);
    expect(total(current(back, "hour", NOON + HOUR)).microDollars).toBe(7);
    expect(total(current(back, "hour", NOON + HOUR + MINUTE)).microDollars).toBe(0);
  });
});

interface PlannedCall {
  readonly run: number;
  readonly most: number;
  readonly used: number;
  readonly tokens: number;
  readonly end: "reports" | "keeps silent" | "fails" | "fails with a bill" | "is stopped";
}

/** Their tenants. */
const RUNS = ["acme", "acme", "globex"];
const plannedCalls = fc.array(
  fc
    .record({
      run: fc.nat(RUNS.length - 1),
      most: fc.nat(60),
      share: fc.nat(100),
      tokens: fc.nat(500),
      end: fc.constantFrom<PlannedCall["end"]>("reports", "keeps silent", "fails", "fails with a bill", "is stopped"),
    })
    .map(({ share, ...call }): PlannedCall => ({ ...call, used: Math.floor((call.most * share) / 100) })),
  { minLength: 1, maxLength: 14 },
);
const limit = fc.record({ microDollars: fc.nat(150), tokens: fc.nat(1_500) });
const budgetOptions = fc.record({
  perRun: limit,
  hourly: limit,
  daily: limit,
  tenants: fc.record({ default: fc.record({ hourly: limit, daily: limit }), globex: fc.record({ perRun: limit, hourly: limit }) }),
});

/** What is wrong with a cell: more is spent and reserved in one of its windows than its limits allow. */
function excess(cell: JsonValue | undefined, now: number): string[] {
  const account = cellAt(cell as unknown as BudgetCell, now);
  const limits: ScopeLimits = account.limits;
  return windowsOf(limits).flatMap((window) => {
    const { spent, reserved } = balanceOf(account, window);
    const { microDollars = Number.POSITIVE_INFINITY, tokens = Number.POSITIVE_INFINITY } = limits[window] ?? {};
    const over = spent.microDollars + reserved.microDollars > microDollars || spent.tokens + reserved.tokens > tokens;
    return over ? [`${window}: ${JSON.stringify({ spent, reserved, limits })}`] : [];
  });
}

test(
  "however calls interleave, what is spent and reserved together is never above a limit, and nothing stays reserved",
  async () => {
    const store = sqliteStore(":memory:"); // the same for every attempt: days lie between them
    const clock = aClock();
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), plannedCalls, budgetOptions, async (scheduler, calls, budgets) => {
        clock.move(3 * DAY);
        const runs = RUNS.map(() => v7() as RunId);
        const found: string[] = [];
        const watched: LimitStore = {
          ...store.limits,
          change: async (keys, evolve) => {
            await scheduler.schedule(Promise.resolve(), "change");
            return store.limits.change(keys, (cells) => {
              const change = evolve(cells);
              found.push(...(change.cells ?? []).flatMap((cell) => excess(cell, clock.time())));
              return change;
            });
          },
        };
        const meter = aMeter(watched, { budgets }, clock);
        let bill = 0;
        const outcome = async ({ run, most, used, tokens, end }: PlannedCall): Promise<string> => {
          const stopper = new AbortController();
          const work = async () => {
            await scheduler.schedule(Promise.resolve(), "work");
            if (end === "is stopped") stopper.abort();
            if (end === "fails" || end === "is stopped") throw new Error("no answer");
            const usage = { inputTokens: tokens, outputTokens: 0, microDollars: used };
            bill += end === "keeps silent" ? most : used;
            if (end === "fails with a bill") throw Object.assign(new Error("half an answer"), { usage });
            return end === "reports" ? { result: "done", usage } : { result: "done" };
          };
          const site = aSite({ runId: runs[run] as RunId, tenant: RUNS[run] as string, signal: stopper.signal, until: clock.time() });
          return meter
            .spend(site, aCall(most, { inputTokens: tokens }), work)
            .catch((thrown: Error) => ("code" in thrown ? String(thrown.code) : thrown.message));
        };

        const outcomes = await scheduler.waitFor(Promise.all(calls.map(outcome)));
        await meter.close();
        const { scopes, spend } = meter.report({});
        const cells = store.limits.readAll("budget/").map(({ cell }) => cell as unknown as BudgetCell);

        expect(found).toEqual([]);
        expect(cells.flatMap(({ reserved }) => Object.keys(reserved))).toEqual([]);
        expect(outcomes.filter((each) => !["done", "no answer", "half an answer", "BUDGET_EXCEEDED"].includes(each))).toEqual([]);
        expect(spend.total.microDollars).toBe(bill);
        for (const { spent } of scopes.filter(({ scope }) => scope === "global")) expect(spent.microDollars).toBe(bill);
      }),
      { ...PROPERTY_RUNS, endOnFailure: true },
    );
  },
  PROPERTY_TIMEOUT_MS,
);

describe("a budget", () => {
  test("refuses the call that could exceed it, before it is made, and says when it would fit", async () => {
    await using store = await aStore();
    const clock = aClock();
    const meter = aMeter(store.limits, { budgets: { hourly: { microDollars: 1_000 } } }, clock);
    await meter.spend(aSite(), aCall(700), async () => ({ result: "paid" }));
    clock.move(5 * MINUTE);
    const made: string[] = [];

    const failure = await failureOf(meter.spend(aSite(), aCall(301), async () => ({ result: made.push("made") })));

    expect(failure).toMatchObject({
      code: "BUDGET_EXCEEDED",
      retryable: false,
      details: {
        agent: "write-report",
        scope: "global",
        window: "hour",
        unit: "microDollars",
        limit: 1_000,
        spent: 700,
        reserved: 0,
        wanted: 301,
        freeAt: "2026-11-02T13:01:00.000Z",
      },
    });
    expect(made).toEqual([]);
    clock.move(56 * MINUTE);
    expect(await meter.spend(aSite(), aCall(301), async () => ({ result: "fits" }))).toBe("fits");
  });

  test("counts the whole bound when nothing, or nonsense, was reported, and what was reported otherwise", async () => {
    await using store = await aStore();
    const meter = aMeter(store.limits, {});
    const usage = { inputTokens: 3, outputTokens: 4 };

    await meter.spend(aSite(), aCall(100, { inputTokens: 10 }), async () => ({ result: 1 }));
    await meter.spend(aSite(), aCall(100, { inputTokens: 10 }), async () => ({ result: 1, usage: { ...usage, inputTokens: Number.NaN } }));
    await meter.spend(aSite(), aCall(100, { inputTokens: 10 }), async () => ({ result: 1, usage }));
    await meter.spend(aSite(), aCall(100, { inputTokens: 10 }), async () => ({ result: 1, usage: { ...usage, microDollars: 1.2 } }));

    expect(store.limits.list({ kind: "spend" }).map(({ body }) => body)).toMatchObject([
      { inputTokens: 10, outputTokens: 0, microDollars: 100, reported: false },
      { inputTokens: 10, outputTokens: 0, microDollars: 100, reported: false },
      { inputTokens: 3, outputTokens: 4, microDollars: 100, reported: true },
      { inputTokens: 3, outputTokens: 4, microDollars: 2, reported: true },
    ]);
  });

  test("of a run is its tenant's, and one tenant's spending leaves another's alone", async () => {
    await using store = await aStore();
    const tenants = { default: { hourly: { microDollars: 10 } }, globex: { perRun: { microDollars: 5 } } };
    const meter = aMeter(store.limits, { budgets: { perRun: { microDollars: 8 }, tenants } });
    const spend = (tenant: string, microDollars: number) =>
      meter.spend(aSite({ tenant }), aCall(microDollars), async () => ({ result: "paid" })).catch(({ details }) => details.scope);

    expect(await spend("globex", 6)).toMatch(/^run\//);
    expect(await spend("acme", 8)).toBe("paid");
    expect(await spend("acme", 8)).toBe("tenant/acme");
    expect(await spend("initech", 8)).toBe("paid");
    expect(await spend("globex", 5)).toBe("paid");
  });

  test("that is set later holds for what was spent before", async () => {
    await using store = await aStore();
    const clock = aClock();
    await aMeter(store.limits, {}, clock).spend(aSite(), aCall(900), async () => ({ result: "paid" }));

    const later = aMeter(store.limits, { budgets: { daily: { microDollars: 1_000 } } }, clock);

    expect(await failureOf(later.spend(aSite(), aCall(200), async () => ({ result: "paid" })))).toMatchObject({ code: "BUDGET_EXCEEDED" });
  });

  test("takes no bound that is none, and makes no such call", async () => {
    await using store = await aStore();
    const meter = aMeter(store.limits, { unknownPrice: "dearest" });
    for (const wrong of [-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53])
      for (const field of ["inputTokens", "outputTokens", "microDollars"]) {
        const call = { ...aCall(1), [field]: wrong };
        expect(await failureOf(meter.spend(aSite(), call, () => Promise.reject(new Error("made"))))).toMatchObject({
          code: "AGENT_FAILED",
        });
      }
    expect(store.limits.readAll("budget/")).toEqual([]);
  });

  test("is refused with everything that is wrong with it", () => {
    const budgets: object = { hourly: { microDollars: 0.5 }, tenants: { acme: { monthly: { tokens: 1 } } } };

    expect(() => createRuntime({ store: sqliteStore(":memory:"), limits: { budgets } })).toThrow(
      expect.objectContaining({
        code: "CONFIG_INVALID",
        details: {
          issues: [
            { path: "/limits/budgets/hourly/microDollars", message: expect.stringContaining("int") },
            { path: "/limits/budgets/tenants/acme", message: expect.stringContaining("monthly") },
          ],
        },
      }),
    );
  });
});

describe("a reservation", () => {
  beforeEach(() => void vi.useFakeTimers({ now: NOON, toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval", "Date"] }));
  afterEach(() => void vi.useRealTimers());

  /** Lets time pass, and what was due in it reach the store. */
  async function pass(ms: number): Promise<void> {
    for (let passed = 0; passed < ms; passed += HOLD_MS / 3) {
      await vi.advanceTimersByTimeAsync(HOLD_MS / 3);
      for (let turn = 0; turn < 5; turn++) await setImmediate();
    }
  }

  test("whose work takes long is kept alive, and one that nobody waits for any more lapses", async () => {
    await using store = await aStore();
    const meter = aMeter(store.limits, { budgets: { hourly: { microDollars: 100 } } }, { ...aClock(), now: () => new Date() });
    const stopper = new AbortController();
    let answer = (_: { readonly result: string }) => {};
    const slow = meter.spend(
      aSite({ signal: stopper.signal }),
      aCall(60),
      () =>
        new Promise<{ result: string }>((resolve) => {
          answer = resolve;
        }),
    );

    await pass(10 * HOLD_MS);
    const failure = await failureOf(meter.spend(aSite(), aCall(60), async () => ({ result: "paid" })));
    stopper.abort();
    await pass(HOLD_MS);
    const lapsed = balanceIn(store.limits);
    answer({ result: "late" });

    expect(failure).toMatchObject({ code: "BUDGET_EXCEEDED", details: { reserved: 60 } });
    expect(lapsed).toMatchObject({ reserved: { microDollars: 0 }, spent: { microDollars: 0 } });
    expect(await slow).toBe("late");
    expect(balanceIn(store.limits)).toMatchObject({ reserved: { microDollars: 0 }, spent: { microDollars: 60 } });
  });

  test("is given back when the meter is closed under it", async () => {
    await using store = await aStore();
    const meter = aMeter(store.limits, {});
    void meter.spend(aSite(), aCall(60), () => new Promise<{ result: string }>(() => {}));
    await pass(1);
    const held = balanceIn(store.limits);

    await meter.close();

    expect(held.reserved.microDollars).toBe(60);
    expect(balanceIn(store.limits).reserved.microDollars).toBe(0);
  });
});

/** What stands in the account of all. */
function balanceIn(limits: LimitStore) {
  const [cell] = limits.read(["budget/global"]);
  return balanceOf(cellAt(cell as unknown as BudgetCell, Date.now()), "hour");
}
