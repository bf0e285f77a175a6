import { setImmediate } from "node:timers/promises"; // by import, so that fake timers do not stop the disk
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { sqliteStore } from "walkback";
import { giveBack, type RateCell, takeTurn } from "../../src/limits/rate-limit.js";
import { aCall, aMeter, aSite, failureOf, MINUTE, NOON, PROPERTY_RUNS } from "./spending.js";

const arrivals = fc.array(fc.record({ after: fc.nat(20_000), tokens: fc.nat(2_000) }), { minLength: 1, maxLength: 60 });

describe("turns", () => {
  test("never let more through in any time than the bucket holds and what comes in meanwhile", () => {
    fc.assert(
      fc.property(arrivals, fc.integer({ min: 1, max: 30 }), fc.integer({ min: 2_000, max: 9_000 }), (calls, requests, perMinute) => {
        let cell: RateCell | undefined;
        let now = NOON;
        const sent = calls.map(({ after, tokens }) => {
          now += after;
          const turn = takeTurn(cell, tokens, { requestsPerMinute: requests, tokensPerMinute: perMinute }, now);
          cell = turn.cell;
          return { at: now + turn.waitMs, tokens };
        });
        for (const first of sent) {
          const span = sent.filter(({ at }) => at >= first.at && at <= first.at + MINUTE);
          const slack = 1e-6 * span.length + 1;
          expect(span.length).toBeLessThanOrEqual(2 * requests + slack);
          expect(span.reduce((sum, { tokens }) => sum + tokens, 0)).toBeLessThanOrEqual(2 * perMinute + slack * perMinute);
        }
      }),
      PROPERTY_RUNS,
    );
  });

  test("come in the order in which they were asked for, and none is kept waiting for longer than what is before it takes", () => {
    fc.assert(
      fc.property(arrivals, fc.integer({ min: 1, max: 30 }), (calls, requestsPerMinute) => {
        let cell: RateCell | undefined;
        let now = NOON;
        let last = 0;
        for (const [index, { after }] of calls.entries()) {
          now += after;
          const { cell: next, waitMs } = takeTurn(cell, 0, { requestsPerMinute }, now);
          cell = next;
          expect(now + waitMs).toBeGreaterThanOrEqual(last);
          expect(waitMs).toBeLessThanOrEqual(Math.ceil(((index + 1) * MINUTE) / requestsPerMinute));
          last = now + waitMs;
        }
      }),
      PROPERTY_RUNS,
    );
  });

  test("given back are free for others at once", () => {
    const limits = { requestsPerMinute: 1, tokensPerMinute: 100 };
    const { cell } = takeTurn(undefined, 100, limits, NOON);

    expect(takeTurn(cell, 1, limits, NOON).waitMs).toBe(MINUTE);
    expect(takeTurn(giveBack(cell, { requests: 1, tokens: 100 }, limits, NOON), 100, limits, NOON).waitMs).toBe(0);
  });

  test("of a call that takes more than a minute's tokens come as soon as the bucket is full, and those after it wait", () => {
    const limits = { tokensPerMinute: 100 };
    const { cell, waitMs } = takeTurn(undefined, 300, limits, NOON);

    expect(waitMs).toBe(0);
    expect(takeTurn(cell, 100, limits, NOON).waitMs).toBe(3 * MINUTE);
  });

  test("come no sooner when the clock is set back", () => {
    const limits = { requestsPerMinute: 1 };
    const { cell } = takeTurn(undefined, 0, limits, NOON);

    expect(takeTurn(cell, 0, limits, NOON - 60 * MINUTE).waitMs).toBe(MINUTE);
  });
});

describe("agents that call one provider", () => {
  beforeEach(() => void vi.useFakeTimers({ now: NOON, toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval", "Date"] }));
  afterEach(() => void vi.useRealTimers());

  const LIMITS = { rateLimits: { openai: { requestsPerMinute: 2 } } };
  const clock = { now: () => new Date(), move: () => {}, time: () => Date.now() };
  const call = aCall(1, { provider: "openai" });

  /** Lets what is on its way reach the store, then time pass, and so again. */
  async function pass(ms: number): Promise<void> {
    for (const after of [ms, 0]) {
      for (let turn = 0; turn < 20; turn++) await setImmediate();
      await vi.advanceTimersByTimeAsync(after);
    }
  }

  test("share its limit, in this process and in others, and wait for their turn", async () => {
    const store = sqliteStore(":memory:");
    const meters = [aMeter(store.limits, LIMITS, clock), aMeter(store.limits, LIMITS, clock)];
    const sent: number[] = [];
    const calls = [0, 1, 2, 3].map((n) =>
      meters[n % 2]?.spend(aSite({ agent: `agent-${n}` }), call, async () => ({ result: sent.push(Date.now() - NOON) })),
    );

    await pass(1);
    const atOnce = sent.length;
    for (let half = 0; half < 4; half++) await pass(MINUTE / 4);
    await Promise.all(calls);
    await store.close();

    expect(atOnce).toBe(2);
    expect(sent.slice(2)).toEqual([expect.closeTo(30_000, -2), expect.closeTo(60_000, -2)]);
  });

  test("are refused, to try again later, when their turn would come too late, and take no place in the row", async () => {
    const store = sqliteStore(":memory:");
    const meter = aMeter(store.limits, { ...LIMITS, budgets: { hourly: { microDollars: 100 } } }, clock);
    const spend = (until: number) => meter.spend(aSite({ until }), call, async () => ({ result: "sent" }));
    await spend(NOON);
    await spend(NOON);

    const failure = await failureOf(spend(NOON + 29_999));
    const patient = spend(NOON + 30_000);
    await pass(30_000);

    expect(failure).toMatchObject({ code: "RATE_LIMITED", retryable: true, details: { provider: "openai", retryAfterMs: 30_000 } });
    expect(await patient).toBe("sent");
    expect(meter.report({}).scopes[0]).toMatchObject({ spent: { microDollars: 3 }, reserved: { microDollars: 0 } });
    await store.close();
  });

  test("give their turn back when their attempt is over while they wait", async () => {
    const store = sqliteStore(":memory:");
    const meter = aMeter(store.limits, { ...LIMITS, budgets: { hourly: { microDollars: 100 } } }, clock);
    const spend = (signal?: AbortSignal) => meter.spend(aSite(signal ? { signal } : {}), call, async () => ({ result: "sent" }));
    await spend();
    await spend();
    const stopper = new AbortController();
    const stopped = failureOf(spend(stopper.signal));
    await pass(1);

    stopper.abort();
    const failure = await stopped;
    const next = spend();
    await pass(30_000);

    expect(failure).toMatchObject({ code: "ABORTED" });
    expect(await next).toBe("sent");
    expect(meter.report({}).scopes[0]).toMatchObject({ spent: { microDollars: 3 }, reserved: { microDollars: 0 } });
    await store.close();
  });

  test("get back the tokens that they did not use", async () => {
    const store = sqliteStore(":memory:");
    const meter = aMeter(store.limits, { rateLimits: { openai: { tokensPerMinute: 1_000 } } }, clock);
    const big = aCall(1, { provider: "openai", inputTokens: 900 });
    const spend = () =>
      meter.spend(aSite({ until: NOON }), big, async () => ({ result: "sent", usage: { inputTokens: 50, outputTokens: 0 } }));

    expect(await spend()).toBe("sent");
    expect(await spend()).toBe("sent");
    expect(await spend()).toBe("sent");
    expect(await failureOf(spend())).toMatchObject({ code: "RATE_LIMITED" });
    await store.close();
  });
});
