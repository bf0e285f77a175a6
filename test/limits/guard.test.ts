import { GraphInterrupt } from "@langchain/langgraph";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { AgentGaveUp, AgentUnavailable, EffectFailed } from "walkback";
import type { Attempt } from "../../src/limits/guard.js";
import { aGuard, hangs, takes, throws, tick } from "./calls.js";

const unhandled: unknown[] = [];
const note = (reason: unknown) => unhandled.push(reason);

beforeEach(() => {
  vi.useFakeTimers({ now: new Date("2026-11-02T08:00:00.000Z") });
  process.on("unhandledRejection", note);
});

afterEach(async () => {
  vi.useRealTimers();
  await new Promise(setImmediate); // a rejection is called unhandled only after the microtasks are done
  process.off("unhandledRejection", note);
  expect(unhandled.splice(0)).toEqual([]);
});

const unavailable = (retryAfterMs?: number) =>
  new AgentUnavailable("later", { agent: "pay-out", ...(retryAfterMs === undefined ? {} : { retryAfterMs }) });

describe("an agent that answers", () => {
  test("is heard, its signal alive while it works and over when it is done", async () => {
    const { call, events } = aGuard();
    let seen: AbortSignal | undefined;

    const answer = await call(async ({ number, signal }) => {
      seen = signal;
      expect({ number, aborted: signal.aborted }).toEqual({ number: 1, aborted: false });
      return "paid";
    });

    expect(answer).toBe("paid");
    expect(seen?.aborted).toBe(true);
    expect(events).toEqual([]);
  });

  test("leaves no timer behind", async () => {
    const { call } = aGuard();

    await call(async () => "paid");

    expect(vi.getTimerCount()).toBe(0);
  });
});

describe("an agent that takes too long", () => {
  test("is cut off after its time, told to stop, and named", async () => {
    const { failing } = aGuard({ timeoutMs: 1_000 });
    const signals: AbortSignal[] = [];
    const answer = failing(({ signal }) => {
      signals.push(signal);
      return hangs();
    });

    await tick(999);
    expect(signals[0]?.aborted).toBe(false);
    await tick(1);

    expect(await answer).toMatchObject({
      code: "AGENT_TIMEOUT",
      details: { agent: "pay-out", timeoutMs: 1_000 },
      message: expect.stringContaining("1000 ms"),
    });
    expect(signals[0]?.aborted).toBe(true);
  });

  test("is named with its tier, where it has one", async () => {
    const { failing } = aGuard({ timeoutMs: 1_000, tier: "premium" });
    const answer = failing(hangs);

    await tick(1_000);

    expect((await answer).message).toMatch(/^pay-out \(tier premium\) did not answer within 1000 ms\. Raise limits/);
  });

  test.each([
    ["rejects with the reason", (signal: AbortSignal) => signal.reason as unknown],
    ["rejects with an error of its own", () => new Error("stopped half-way")],
  ])("has timed out too when it obeys its signal at once: %s", async (_how, reason) => {
    const { failing } = aGuard({ timeoutMs: 1_000 });
    const answer = failing(({ signal }) => new Promise((_, reject) => signal.addEventListener("abort", () => reject(reason(signal)))));

    await tick(1_000);

    expect(await answer).toMatchObject({ code: "AGENT_TIMEOUT" });
  });

  test("gets its whole time anew at each attempt, since the timeout is innermost", async () => {
    const { call, events } = aGuard({ timeoutMs: 1_000, retries: 1, backoff: { initialMs: 5_000, maxMs: 5_000 } });
    const answer = call(({ number }) => (number === 1 ? hangs() : takes(900, "paid")()));

    await tick(1_000 + 2_500 + 900);

    expect(await answer).toBe("paid");
    expect(events).toMatchObject([{ type: "agent.attempt-failed", attempt: 1, durationMs: 1_000, failure: { code: "AGENT_TIMEOUT" } }]);
  });

  test("may fail later without anybody minding", async () => {
    const { failing } = aGuard({ timeoutMs: 1_000 });
    const answer = failing(() => new Promise((_, reject) => setTimeout(() => reject(new Error("too late")), 2_000)));

    await tick(3_000);

    expect(await answer).toMatchObject({ code: "AGENT_TIMEOUT" });
  });
});

describe("an agent that fails", () => {
  test.each<[string, unknown, string]>([
    ["an error", new Error("the bank is closed"), "pay-out threw: the bank is closed."],
    ["an error that ends with a full stop", new Error("The bank is closed."), "pay-out threw: The bank is closed."],
    ["an error without a message", new RangeError(), "pay-out threw: RangeError."],
    ["a string", "no", "pay-out threw: no."],
    ["an empty string", "", "pay-out threw: an empty string."],
    ["null", null, "pay-out threw: null."],
    ["undefined", undefined, "pay-out threw: undefined."],
    ["an object", { status: 503 }, 'pay-out threw: {"status":503}.'],
    ["a number", 0, "pay-out threw: 0."],
  ])("is named with what it threw: %s", async (_what, thrown, message) => {
    const { failing } = aGuard();

    const failure = await failing(throws(thrown));

    expect(failure).toMatchObject({ code: "AGENT_FAILED", message, details: { agent: "pay-out" } });
    expect(failure.cause).toBe(thrown);
  });

  test("before it returns a promise fails like any other", async () => {
    const { failing } = aGuard();

    const failure = await failing(() => {
      throw new Error("at once");
    });

    expect(failure).toMatchObject({ code: "AGENT_FAILED", message: "pay-out threw: at once." });
  });

  test("with one of our own errors keeps it", async () => {
    const { failing } = aGuard();
    const gaveUp = new AgentGaveUp("pay-out gave up", { agent: "pay-out", reasonCode: "NO_FUNDS" });

    expect(await failing(throws(gaveUp))).toBe(gaveUp);
  });

  test.each<[string, unknown]>([
    ["the connection was reset", Object.assign(new Error("read ECONNRESET"), { code: "ECONNRESET" })],
    ["the connection was reset underneath", new TypeError("fetch failed", { cause: Object.assign(new Error(""), { code: "ECONNRESET" }) })],
    ["the other side hung up on fetch", new TypeError("fetch failed", { cause: Object.assign(new Error(""), { code: "UND_ERR_SOCKET" }) })],
    ["the service is unavailable", Object.assign(new Error("503"), { status: 503 })],
    ["the service is overloaded", Object.assign(new Error("529"), { status: 529 })],
    ["there are too many requests", new Error("wrapped", { cause: Object.assign(new Error("429"), { status: 429 }) })],
  ])("for now only is worth another try: %s", async (_what, thrown) => {
    const { failing } = aGuard();

    const failure = await failing(throws(thrown));

    expect(failure).toMatchObject({ code: "AGENT_UNAVAILABLE", retryable: true, details: { agent: "pay-out" } });
    expect(failure.cause).toBe(thrown);
  });

  test.each<[string, unknown]>([
    ["a bad request", Object.assign(new Error("400"), { status: 400 })],
    ["a missing file", Object.assign(new Error("no such file"), { code: "ENOENT" })],
    [
      "an error that caused itself",
      Object.assign(new Error("snake"), {
        get cause() {
          return this;
        },
      }),
    ],
  ])("for good is not: %s", async (_what, thrown) => {
    const { failing } = aGuard({ retries: 3 });
    const work = vi.fn(throws(thrown));

    expect(await failing(work)).toMatchObject({ code: "AGENT_FAILED", retryable: false });
    expect(work).toHaveBeenCalledTimes(1);
  });
});

describe("retries", () => {
  test.each<[string, unknown]>([
    ["an agent that is unavailable", unavailable()],
    ["a transient system error", Object.assign(new Error("reset"), { code: "ECONNRESET" })],
    ["an effect that failed", new EffectFailed("no", { agent: "pay-out", effect: "book", key: "k" })],
  ])("try again what the error table calls retryable: %s", async (_what, thrown) => {
    const { call, events } = aGuard({ retries: 2 });
    const numbers: number[] = [];

    const answer = call(async ({ number }) => {
      numbers.push(number);
      if (number < 3) throw thrown;
      return "paid";
    });
    await tick(60_000);

    expect(await answer).toBe("paid");
    expect(numbers).toEqual([1, 2, 3]);
    expect(events).toMatchObject([
      { type: "agent.attempt-failed", agent: "pay-out", attempt: 1 },
      { type: "agent.attempt-failed", agent: "pay-out", attempt: 2 },
    ]);
  });

  test("end with the last failure after as many as were allowed", async () => {
    const { failing, events } = aGuard({ retries: 2 });
    const work = vi.fn(throws(unavailable()));

    const failure = failing(work);
    await tick(60_000);

    expect(await failure).toMatchObject({ code: "AGENT_UNAVAILABLE" });
    expect(work).toHaveBeenCalledTimes(3);
    expect(events).toHaveLength(3);
  });

  test.each([
    ["no time at all with the lowest dice", 0, [0, 0, 0, 0]],
    ["half of the doubling bound with middling dice", 0.5, [50, 100, 150, 150]],
    ["almost the whole bound with the highest dice", 0.999, [99.9, 199.8, 299.7, 299.7]],
  ])("wait with full jitter: %s", async (_what, dice, waits) => {
    const { failing } = aGuard({
      retries: 4,
      backoff: { initialMs: 100, maxMs: 300 },
      random: () => dice,
      breaker: { consecutiveFailures: 99 },
    });
    const at: number[] = [];

    const failure = failing(async () => {
      at.push(Date.now());
      throw unavailable();
    });
    await tick(10_000);
    await failure;

    const between = at.slice(1).map((time, index) => time - (at[index] ?? 0));
    for (const [index, wait] of waits.entries()) expect(Math.abs((between[index] ?? Number.NaN) - wait)).toBeLessThanOrEqual(1);
  });

  test.each([
    ["honored", 7_000, 7_000],
    ["cut at half a minute", 10 ** 9, 30_000],
    ["never a wait into the past", -5, 0],
  ])("a wait that the agent asks for is %s", async (_what, retryAfterMs, wait) => {
    const { call } = aGuard({ retries: 1, random: () => 0.1 });
    const at: number[] = [];

    const answer = call(async ({ number }) => {
      at.push(Date.now());
      if (number === 1) throw unavailable(retryAfterMs);
      return "paid";
    });
    await tick(60_000);

    expect(await answer).toBe("paid");
    expect(Math.abs((at[1] ?? Number.NaN) - (at[0] ?? Number.NaN) - wait)).toBeLessThanOrEqual(1);
  });

  test("a wait is honored when it comes from another copy of the package", async () => {
    class AgentUnavailable extends Error {
      readonly code = "AGENT_UNAVAILABLE";
      readonly retryable = true;
      readonly details = { agent: "pay-out", retryAfterMs: 7_000 };
      toJSON() {
        return { code: this.code, message: this.message, details: this.details, causes: [] };
      }
    }
    const { call } = aGuard({ retries: 1 });
    const work = vi.fn(async ({ number }: { readonly number: number }) => {
      if (number === 1) throw new AgentUnavailable("later");
      return "paid";
    });

    const answer = call(work);
    await tick(6_999);
    expect(work).toHaveBeenCalledTimes(1);
    await tick(1);

    expect(await answer).toBe("paid");
  });
});

describe("a call that is stopped", () => {
  test("before it began never reaches the agent", async () => {
    const { failing } = aGuard();
    const work = vi.fn(async () => "paid");

    expect(await failing(work, AbortSignal.abort())).toMatchObject({ code: "ABORTED", details: { agent: "pay-out" } });
    expect(work).not.toHaveBeenCalled();
  });

  test("while the agent works ends at once, and the agent is told", async () => {
    const { failing, events } = aGuard();
    const stopper = new AbortController();
    let seen: AbortSignal | undefined;
    const failure = failing(({ signal }) => {
      seen = signal;
      return hangs();
    }, stopper.signal);

    await tick(10);
    stopper.abort();

    expect(await failure).toMatchObject({ code: "ABORTED" });
    expect(seen?.aborted).toBe(true);
    expect(events).toEqual([]);
  });

  test("by the agent's own doing ends at once", async () => {
    const { failing } = aGuard();
    const stopper = new AbortController();

    const failure = failing(() => {
      stopper.abort();
      return hangs();
    }, stopper.signal);

    expect(await failure).toMatchObject({ code: "ABORTED" });
  });

  test("in the pause before another try ends at once, and there is no other try", async () => {
    const { failing } = aGuard({ retries: 1 });
    const stopper = new AbortController();
    const work = vi.fn(throws(unavailable(20_000)));
    const failure = failing(work, stopper.signal);

    await tick(10);
    stopper.abort();

    expect(await failure).toMatchObject({ code: "ABORTED" });
    await tick(60_000);
    expect(work).toHaveBeenCalledTimes(1);
  });

  test("while it waits for a place ends at once, and never takes the place", async () => {
    const { call, failing } = aGuard({ maxConcurrent: 1 });
    const stopper = new AbortController();
    const first = call(takes(1_000, "first"));
    const work = vi.fn(async () => "second");
    const second = failing(work, stopper.signal);

    await tick(10);
    stopper.abort();

    expect(await second).toMatchObject({ code: "ABORTED" });
    await tick(1_000);
    expect(await first).toBe("first");
    expect(work).not.toHaveBeenCalled();
    expect(await call(async () => "third")).toBe("third");
  });
});

describe("places", () => {
  test("no more calls run at one time than the agent may have", async () => {
    const { call } = aGuard({ maxConcurrent: 3 });
    let running = 0;
    let most = 0;
    const calls = Array.from({ length: 10 }, (_, n) =>
      call(async () => {
        running += 1;
        most = Math.max(most, running);
        await takes(100, undefined)();
        running -= 1;
        return n;
      }),
    );

    await tick(1_000);

    expect(await Promise.all(calls)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(most).toBe(3);
  });

  test("when all are taken and enough calls wait, a further one is refused at once", async () => {
    const { call, failing, events } = aGuard({ maxConcurrent: 1, maxWaiting: 1 });
    const work = vi.fn(async () => "third");
    const patient = [call(takes(100, "first")), call(takes(100, "second"))];

    const failure = await failing(work);

    expect(failure).toMatchObject({
      code: "BULKHEAD_FULL",
      retryable: true,
      details: { agent: "pay-out", maxConcurrent: 1, maxWaiting: 1 },
    });
    expect(work).not.toHaveBeenCalled();
    await tick(1_000);
    expect(await Promise.all(patient)).toEqual(["first", "second"]);
    expect(events).toEqual([]);
  });

  test("a place is free again after a failure", async () => {
    const { call, failing } = aGuard({ maxConcurrent: 1, maxWaiting: 0 });

    await failing(throws(new Error("no")));

    expect(await call(async () => "paid")).toBe("paid");
  });
});

test("a question to a human passes untouched and is not tried again", async () => {
  const { failing, events, breakerState } = aGuard({ retries: 3 });
  const interrupt = new GraphInterrupt([]);
  const work = vi.fn(throws(interrupt));

  for (let call = 0; call < 6; call++) expect(await failing(work)).toBe(interrupt);

  expect(work).toHaveBeenCalledTimes(6);
  expect(events).toEqual([]);
  expect(breakerState()).toBe("closed");
});

test.each([
  ["calls under one signal", 1, 20],
  ["things that one attempt waits for", 20, 1],
])("twenty %s raise no warning", async (_what, waiting, made) => {
  const warnings: string[] = [];
  const warned = (warning: Error) => warnings.push(warning.message);
  process.on("warning", warned);
  const { call } = aGuard();
  const { signal } = new AbortController();
  const work = (attempt: Attempt) => {
    for (let index = 0; index < waiting; index++) attempt.signal.addEventListener("abort", () => index);
    return takes(100, "paid")();
  };

  const calls = Array.from({ length: made }, () => call(work, signal));
  await tick(100);
  await Promise.all(calls);

  vi.useRealTimers();
  await new Promise(setImmediate);
  process.off("warning", warned);
  expect(warnings).toEqual([]);
});
