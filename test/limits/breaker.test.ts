import { GraphInterrupt } from "@langchain/langgraph";
import { BrokenCircuitError, TaskCancelledError } from "cockatiel";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { AgentGaveUp, AgentUnavailable, ContractViolated } from "walkback";
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

const down = throws(new Error("the bank is down"));

/** A guard whose breaker five failures have just opened. */
async function anOpenBreaker(limits: Parameters<typeof aGuard>[0] = {}) {
  const guarded = aGuard({ breaker: { halfOpenAfterMs: 60_000 }, ...limits });
  for (let failures = 0; failures < 5; failures++) await guarded.failing(down);
  return guarded;
}

describe("five failures in a row", () => {
  test("open the breaker: the sixth call fails at once, without the agent", async () => {
    const { failing, breakerState, transitions, events } = await anOpenBreaker();
    const work = vi.fn(async () => "paid");
    expect(breakerState()).toBe("open");

    const failure = await failing(work);

    expect(failure).toMatchObject({ code: "BREAKER_OPEN", retryable: false, details: { agent: "pay-out", halfOpenAfterMs: 60_000 } });
    expect(work).not.toHaveBeenCalled();
    expect(transitions()).toEqual(["breaker.opened", "breaker.refused"]);
    expect(events).toContainEqual({ type: "breaker.opened", agent: "pay-out", why: "5 failures in a row" });
  });

  test("are five attempts, whether of five calls or of two", async () => {
    const { failing, breakerState, events } = aGuard({ retries: 2, random: () => 0 });
    const unavailable = throws(new AgentUnavailable("later", { agent: "pay-out" }));

    for (let calls = 0; calls < 2; calls++) {
      const failure = failing(unavailable);
      await tick(10);
      await failure;
    }

    expect(breakerState()).toBe("open");
    expect(events.filter(({ type }) => type === "agent.attempt-failed")).toHaveLength(5);
  });

  test("in the middle of a call leave it its cause", async () => {
    const { failing } = aGuard({ retries: 9, random: () => 0 });

    const failure = failing(throws(new AgentUnavailable("no answer from the bank", { agent: "pay-out" })));
    await tick(10);

    expect((await failure).toJSON()).toMatchObject({ code: "BREAKER_OPEN", causes: [expect.stringContaining("no answer from the bank")] });
  });

  test("are not in a row when one call between them succeeds", async () => {
    const { call, failing, breakerState } = aGuard();

    for (const work of [down, down, down, down]) await failing(work);
    await call(async () => "paid");
    for (const work of [down, down, down, down]) await failing(work);

    expect(breakerState()).toBe("closed");
  });

  test("of twenty calls at once open it once", async () => {
    const { failing, transitions } = aGuard();

    await Promise.all(Array.from({ length: 20 }, () => failing(takesThenFails(10))).concat(tick(10) as never));

    expect(transitions()).toEqual(["breaker.opened"]);
  });

  test("count when they are timeouts", async () => {
    const { failing, breakerState } = aGuard({ timeoutMs: 1_000 });

    for (let failures = 0; failures < 5; failures++) {
      const failure = failing(hangs);
      await tick(1_000);
      await failure;
    }

    expect(breakerState()).toBe("open");
  });
});

describe("what says nothing about the agent never opens the breaker:", () => {
  test("calls that were stopped", async () => {
    const { failing, breakerState, transitions } = aGuard();

    for (let calls = 0; calls < 6; calls++) {
      const stopper = new AbortController();
      const failure = failing(
        ({ signal }) => new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason))),
        stopper.signal,
      );
      stopper.abort();
      expect(await failure).toMatchObject({ code: "ABORTED" });
    }

    expect(breakerState()).toBe("closed");
    expect(transitions()).toEqual([]);
  });

  test.each([
    ["questions to a human", new GraphInterrupt([])],
    ["an answer that breaks its contract", new ContractViolated("no", { agent: "pay-out", contract: "a.b@1", round: 0, issues: [] })],
    ["an agent that gives up by itself", new AgentGaveUp("no", { agent: "pay-out", reasonCode: "NO" })],
  ])("%s", async (_what, thrown) => {
    const { failing, breakerState } = aGuard();

    for (let calls = 0; calls < 6; calls++) expect(await failing(throws(thrown))).toBe(thrown);

    expect(breakerState()).toBe("closed");
  });

  test("calls that found no place", async () => {
    const { call, failing, breakerState } = aGuard({ maxConcurrent: 1, maxWaiting: 0 });
    const busy = call(takes(1_000, "paid"));

    for (let calls = 0; calls < 6; calls++) expect(await failing(async () => "")).toMatchObject({ code: "BULKHEAD_FULL" });

    expect(breakerState()).toBe("closed");
    await tick(1_000);
    await busy;
  });
});

test("a breaker or a timeout of the agent's own is a failure of the agent, not of its guard", async () => {
  const { failing, transitions } = aGuard();

  expect(await failing(throws(new BrokenCircuitError()))).toMatchObject({ code: "AGENT_FAILED" });
  expect(await failing(throws(new TaskCancelledError("upstream")))).toMatchObject({
    code: "AGENT_FAILED",
    message: expect.stringContaining("upstream"),
  });
  expect(transitions()).toEqual([]);
});

describe("after the delay", () => {
  test("one of twenty calls goes through, the other nineteen fail at once, and its success closes the breaker", async () => {
    const { call, failing, breakerState, transitions } = await anOpenBreaker();
    await tick(59_999);
    expect(await failing(async () => "too early")).toMatchObject({ code: "BREAKER_OPEN" });
    await tick(1);
    const work = vi.fn(takes(100, "paid"));

    const calls = Array.from({ length: 20 }, () => call(work));
    const outcomes = Promise.allSettled(calls);
    await tick();
    expect(breakerState()).toBe("half-open");
    const settledAtOnce = await Promise.all(
      calls.map((one) =>
        Promise.race([
          one.then(
            () => "done",
            (thrown: Error) => thrown,
          ),
          tick(0).then(() => "open"),
        ]),
      ),
    );
    await tick(100);

    expect(work).toHaveBeenCalledTimes(1);
    expect(settledAtOnce.filter((outcome) => outcome !== "open")).toHaveLength(19);
    expect((await outcomes).filter(({ status }) => status === "fulfilled")).toEqual([{ status: "fulfilled", value: "paid" }]);
    expect((await outcomes).flatMap((outcome) => (outcome.status === "rejected" ? [outcome.reason.code] : []))).toEqual(
      Array.from({ length: 19 }, () => "BREAKER_OPEN"),
    );
    expect(breakerState()).toBe("closed");
    expect(transitions().filter((type) => type !== "breaker.refused")).toEqual(["breaker.opened", "breaker.half-opened", "breaker.closed"]);
    expect(transitions().filter((type) => type === "breaker.refused")).toHaveLength(20);
  });

  test("all calls go through again once the probe has succeeded", async () => {
    const { call } = await anOpenBreaker();
    await tick(60_000);
    await call(async () => "probe");

    expect(await Promise.all([call(async () => 1), call(async () => 2)])).toEqual([1, 2]);
  });

  test("a probe that fails opens the breaker again, for the whole delay", async () => {
    const { call, failing, breakerState, transitions } = await anOpenBreaker();
    await tick(60_000);

    expect(await failing(down)).toMatchObject({ code: "AGENT_FAILED" });

    expect(breakerState()).toBe("open");
    await tick(59_999);
    expect(await failing(async () => "too early")).toMatchObject({ code: "BREAKER_OPEN" });
    await tick(1);
    expect(await call(async () => "paid")).toBe("paid");
    expect(transitions()).toEqual([
      "breaker.opened",
      "breaker.half-opened",
      "breaker.opened",
      "breaker.refused",
      "breaker.half-opened",
      "breaker.closed",
    ]);
  });

  test("a probe that hangs is cut by the timeout and opens the breaker again", async () => {
    const { failing, breakerState } = await anOpenBreaker({ timeoutMs: 1_000 });
    await tick(60_000);

    const probe = failing(hangs);
    await tick(1_000);

    expect(await probe).toMatchObject({ code: "AGENT_TIMEOUT" });
    expect(breakerState()).toBe("open");
  });

  test("a probe that is stopped proves nothing: the next call is one, at once", async () => {
    const { call, failing, breakerState } = await anOpenBreaker();
    await tick(60_000);
    const stopper = new AbortController();
    const probe = failing(hangs, stopper.signal);

    stopper.abort();

    expect(await probe).toMatchObject({ code: "ABORTED" });
    await tick();
    expect(breakerState()).toBe("open");
    expect(await call(async () => "paid")).toBe("paid");
    expect(breakerState()).toBe("closed");
  });

  test("a probe that asks a human has shown that the agent is alive", async () => {
    const { failing, breakerState } = await anOpenBreaker();
    await tick(60_000);
    const interrupt = new GraphInterrupt([]);

    expect(await failing(throws(interrupt))).toBe(interrupt);

    expect(breakerState()).toBe("closed");
  });

  test.each([
    ["fails", takesThenFails],
    ["is stopped", undefined],
  ])("a call from before that %s late decides nothing while the probe is under way", async (_how, fails) => {
    const guarded = aGuard({ timeoutMs: 500_000, breaker: { halfOpenAfterMs: 60_000 } });
    const stopper = new AbortController();
    const late = guarded.failing(fails?.(60_050) ?? hangs, stopper.signal);
    for (let failures = 0; failures < 5; failures++) await guarded.failing(down);
    await tick(60_000);

    const probe = guarded.call(takes(100, "paid"));
    await tick(50);
    if (!fails) stopper.abort();
    await late;

    expect(guarded.breakerState()).toBe("half-open");
    expect(await guarded.failing(async () => "another")).toMatchObject({ code: "BREAKER_OPEN" });
    await tick(50);
    expect(await probe).toBe("paid");
    expect(guarded.breakerState()).toBe("closed");
  });
});

function takesThenFails(ms: number): () => Promise<never> {
  return () => new Promise((_, reject) => setTimeout(() => reject(new Error("the bank is down")), ms));
}
