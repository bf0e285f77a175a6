import fc from "fast-check";
import { expect, test } from "vitest";
import { type BreakerState, sqliteStore } from "walkback";
import type { LimitStore } from "../../src/checkpoint/ports.js";
import type { Verdict } from "../../src/limits/breaker.js";
import { breakerBook } from "../../src/limits/breaker-book.js";
import { type BreakerGate, breakerGate } from "../../src/limits/breaker-gate.js";
import type { BreakerPolicy } from "../../src/limits/breaker-policy.js";

const numRuns = process.env["WALKBACK_LONG"] === undefined ? 200 : 2_000;
const timeout = 600_000;
const policy: BreakerPolicy = { kind: "consecutive", failures: 3, halfOpenAfterMs: 60_000 };
const TIMEOUT_MS = 5_000;

/** Several processes on one store: the scheduler says whose change comes first, and who hears of his first. */
function processes(scheduler: fc.Scheduler, count: number) {
  const agent = "pay-out";
  const store = sqliteStore(":memory:");
  const clock = { now: Date.parse("2026-11-02T08:00:00.000Z") };
  const now = () => new Date(clock.now);
  const cells: LimitStore = {
    ...store.limits,
    async change(keys, evolve) {
      await scheduler.schedule(Promise.resolve(), "change");
      const result = await store.limits.change(keys, evolve);
      await scheduler.schedule(Promise.resolve(), "changed");
      return result;
    },
  };
  const gates = Array.from({ length: count }, (_, index) =>
    breakerGate({ agent, policy, timeoutMs: TIMEOUT_MS, cells, holder: `process-${index}`, now }),
  );
  const book = breakerBook({ cells: store.limits, now, names: [agent] });
  return {
    gates,
    clock,
    book,
    agent,
    opened: () => book.history(agent).filter(({ from, to }) => from === "closed" && to === "open"),
    stateOf: (): BreakerState | undefined => gates[0]?.state(),
    [Symbol.asyncDispose]: () => store.close(),
  };
}

const caller = { emit: () => {} };

/** The world: how many calls there are in it at a time, and what each comes to. A call that comes to "death" never comes back. */
function world(scheduler: fc.Scheduler) {
  const counts = { calls: 0, atOnce: 0, most: 0 };
  return {
    counts,
    async call(gate: BreakerGate, outcome: Verdict | "death"): Promise<void> {
      const pass = await gate.enter(caller).catch(() => undefined);
      if (!pass) return;
      counts.calls += 1;
      counts.atOnce += 1;
      counts.most = Math.max(counts.most, counts.atOnce);
      await scheduler.schedule(Promise.resolve(), "work");
      counts.atOnce -= 1;
      if (outcome !== "death") await gate.leave(caller, pass, outcome);
    },
  };
}

const who = fc.nat({ max: 3 });
const callers = <T>(outcomes: fc.Arbitrary<T>, minLength = 1) =>
  fc.array(fc.record({ who, outcome: outcomes }), { minLength, maxLength: 12 });

test("of many processes at once one call at a time goes through a breaker that is half open", { timeout }, async () => {
  const outcomes = fc.constantFrom<Verdict | "death">("failed", "nothing", "nothing", "death");
  await fc.assert(
    fc.asyncProperty(fc.scheduler(), callers(outcomes), async (scheduler, given) => {
      await using shared = processes(scheduler, 4);
      const { gates, clock, book, agent, stateOf } = shared;
      await book.trip(agent, { forMs: 60_000 });
      clock.now += 60_000;
      const { counts, call } = world(scheduler);

      await scheduler.waitFor(Promise.all(given.map(({ who, outcome }) => call(gates[who % 4] as BreakerGate, outcome))));

      expect(counts.most).toBe(1);
      expect(stateOf()).not.toBe("closed");
      const decided = stateOf() === "half-open" ? 1 : 0; // a probe that died is still waited for
      clock.now += decided * (TIMEOUT_MS + 10_000) + 60_000;
      const after = world(scheduler);
      await scheduler.waitFor(Promise.all(gates.map((gate) => after.call(gate, "failed"))));
      expect(after.counts.calls).toBe(1);
    }),
    { numRuns },
  );
});

test("many processes at once open it once, exactly when so many have failed in a row", { timeout }, async () => {
  await fc.assert(
    fc.asyncProperty(fc.scheduler(), callers(fc.constant<Verdict>("failed")), async (scheduler, given) => {
      await using shared = processes(scheduler, 4);
      const { gates, opened, stateOf } = shared;
      const { call } = world(scheduler);

      await scheduler.waitFor(Promise.all(given.map(({ who, outcome }) => call(gates[who % 4] as BreakerGate, outcome))));

      expect(stateOf()).toBe(given.length >= policy.failures ? "open" : "closed");
      expect(opened().map(({ why }) => why)).toEqual(given.length >= policy.failures ? ["3 failures in a row"] : []);
    }),
    { numRuns },
  );
});

test("calls from before it opened decide nothing, whenever they come back and whatever they say", { timeout }, async () => {
  const outcomes = fc.constantFrom<Verdict>("failed", "answered", "alive", "nothing");
  await fc.assert(
    fc.asyncProperty(fc.scheduler(), callers(outcomes), async (scheduler, given) => {
      await using shared = processes(scheduler, 4);
      const { gates, clock, book, agent, stateOf } = shared;
      const passes = await Promise.all(given.map(({ who }) => (gates[who % 4] as BreakerGate).enter(caller)));
      await book.trip(agent, { forMs: 60_000 });
      clock.now += 60_000;
      const probing = gates[0] as BreakerGate;
      const entering = probing.enter(caller);
      const probe = await scheduler.waitFor(entering);

      await scheduler.waitFor(
        Promise.all(
          given.map(({ who, outcome }, index) => (gates[who % 4] as BreakerGate).leave(caller, passes[index] ?? { epoch: 0 }, outcome)),
        ),
      );

      expect(stateOf()).toBe("half-open");
      await scheduler.waitFor(probing.leave(caller, probe, "answered"));
      expect(stateOf()).toBe("closed");
      expect(book.list().find(({ name }) => name === agent)?.tally).toMatchObject({ failed: 0 });
    }),
    { numRuns },
  );
});
