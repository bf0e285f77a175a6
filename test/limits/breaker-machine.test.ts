import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { admission, type BreakerCell, enter, leave, newBreaker, type Pass, reset, trip, type Verdict } from "../../src/limits/breaker.js";
import type { BreakerPolicy } from "../../src/limits/breaker-policy.js";

const START = Date.parse("2026-11-02T08:00:00.000Z");
const LAPSE_MS = 40_000;
const DAY_MS = 86_400_000;
const halfOpenAfterMs = 60_000;
const long = process.env["WALKBACK_LONG"] !== undefined;
const numRuns = long ? 2_000 : 200;

const policies: fc.Arbitrary<BreakerPolicy> = fc.oneof(
  fc.record({
    kind: fc.constant("consecutive" as const),
    failures: fc.integer({ min: 1, max: 6 }),
    halfOpenAfterMs: fc.constant(halfOpenAfterMs),
  }),
  fc.record({
    kind: fc.constant("count" as const),
    size: fc.integer({ min: 3, max: 8 }),
    threshold: fc.constantFrom(0.25, 0.5, 1),
    minimumCalls: fc.integer({ min: 1, max: 3 }),
    halfOpenAfterMs: fc.constant(halfOpenAfterMs),
  }),
  fc.record({
    kind: fc.constant("sampling" as const),
    windowMs: fc.constant(10_000),
    threshold: fc.constantFrom(0.25, 0.5, 1),
    minimumCalls: fc.integer({ min: 1, max: 5 }),
    halfOpenAfterMs: fc.constant(halfOpenAfterMs),
  }),
);

/** The calls that a breaker would have to have in mind, kept one by one. */
interface Call {
  readonly failed: boolean;
  readonly at: number;
}

/** Whether these calls, the last of them just failed, are too many; reckoned in the plainest way. */
function opensBy(policy: BreakerPolicy, calls: readonly Call[], now: number): boolean {
  if (policy.kind === "consecutive") {
    const answered = calls.findLastIndex(({ failed }) => !failed);
    return calls.length - 1 - answered >= policy.failures;
  }
  // Its window slides by tenths, so a call is gone as soon as the tenth it lies in began before the window.
  const tenth = (at: number) => at - (at % 1_000);
  const counted = policy.kind === "count" ? calls.slice(-policy.size) : calls.filter(({ at }) => tenth(at) > now - policy.windowMs);
  const failed = counted.filter((call) => call.failed).length;
  return counted.length >= policy.minimumCalls && failed / counted.length >= policy.threshold;
}

/** A breaker one calls through, with the time in one's hand. */
class Bench {
  cell: BreakerCell;
  now = START;
  #calls = 0;

  constructor(readonly policy: BreakerPolicy) {
    this.cell = newBreaker(policy.kind, START);
  }

  enter(): Pass | undefined {
    const { cell, pass } = enter(this.cell, { holder: `call ${++this.#calls}`, now: this.now, lapsesAfterMs: LAPSE_MS });
    this.cell = cell;
    return pass;
  }

  leave(pass: Pass, verdict: Verdict): void {
    this.cell = leave(this.cell, pass, verdict, this.policy, this.now).cell;
  }

  call(verdict: Verdict): boolean {
    const pass = this.enter();
    if (pass) this.leave(pass, verdict);
    return pass !== undefined;
  }

  opened(): this {
    while (this.cell.state === "closed") this.call("failed");
    return this;
  }
}

describe("a breaker of any kind", () => {
  test("opens exactly at its threshold, and at no other call", () => {
    const calls = fc.array(fc.record({ failed: fc.boolean(), afterMs: fc.integer({ min: 0, max: 4_000 }) }), { maxLength: 40 });
    fc.assert(
      fc.property(policies, calls, (policy, given) => {
        const bench = new Bench(policy);
        const seen: Call[] = [];
        for (const { failed, afterMs } of given) {
          bench.now += afterMs;
          seen.push({ failed, at: bench.now });
          bench.call(failed ? "failed" : "answered");

          const opens = failed && opensBy(policy, seen, bench.now);
          expect(bench.cell.state).toBe(opens ? "open" : "closed");
          if (opens) break;
        }
      }),
      { numRuns },
    );
  });

  test("whatever happens to it has one probe at most that is waited for, and none that decides anything after that", () => {
    const happenings = fc.array(
      fc.oneof(
        fc.record({ what: fc.constant("enter" as const) }),
        fc.record({
          what: fc.constant("leave" as const),
          which: fc.nat(),
          verdict: fc.constantFrom<Verdict>("answered", "failed", "failed", "alive", "nothing"),
        }),
        fc.record({
          what: fc.constant("pass" as const),
          ms: fc.constantFrom(0, 500, 39_999, 40_000, 60_000, -500, -3_600_000, 30 * DAY_MS),
        }),
        fc.record({ what: fc.constantFrom("trip" as const, "trip for a while" as const, "reset" as const) }),
      ),
      { maxLength: 60 },
    );
    fc.assert(
      fc.property(policies, happenings, (policy, given) => {
        const bench = new Bench(policy);
        const under: Pass[] = [];
        for (const happening of given) {
          const before = bench.cell;
          switch (happening.what) {
            case "enter": {
              const pass = bench.enter();
              if (pass) under.push(pass);
              // A second probe only when the first one is not waited for any more.
              if (pass?.probe !== undefined && before.state === "half-open") expect(admission(before, bench.now)).toBe("probe");
              if (before.state === "closed") expect(bench.cell).toBe(before);
              break;
            }
            case "leave": {
              const [pass] = under.splice(happening.which % Math.max(1, under.length), 1);
              if (!pass) break;
              bench.leave(pass, happening.verdict);
              const waitedFor =
                before.state === "half-open"
                  ? before.probe.holder === pass.probe
                  : before.state === "closed" && before.epoch === pass.epoch;
              if (!waitedFor) expect(bench.cell).toBe(before);
              if (before.state === "open") expect(bench.cell).toBe(before);
              break;
            }
            case "pass":
              bench.now += happening.ms;
              break;
            case "reset":
              bench.cell = reset(bench.cell, "because", bench.now).cell;
              expect(bench.enter()?.probe).toBeUndefined();
              break;
            default:
              bench.cell = trip(bench.cell, { forMs: happening.what === "trip" ? undefined : 600_000, why: "because" }, bench.now).cell;
              expect(bench.enter()).toBeUndefined();
          }
          if (bench.cell.state === "half-open")
            expect(
              under.filter(({ probe }) => probe !== undefined && bench.cell.state === "half-open" && probe === bench.cell.probe.holder)
                .length,
            ).toBeLessThanOrEqual(1);
        }
      }),
      { numRuns },
    );
  });

  test.each([
    ["an hour back", -3_600_000],
    ["a minute on", halfOpenAfterMs],
    ["thirty days on", 30 * DAY_MS],
  ])("lets one call through when the clock jumps %s while it is open", (_how, jump) => {
    fc.assert(
      fc.property(policies, (policy) => {
        const bench = new Bench(policy).opened();
        expect(bench.enter()).toBeUndefined();
        bench.now += jump;

        const probe = bench.enter();

        expect(probe?.probe).toBeDefined();
        expect(bench.enter()).toBeUndefined();
        if (probe) bench.leave(probe, "answered");
        expect(bench.cell.state).toBe("closed");
      }),
      { numRuns: 50 },
    );
  });

  test.each([
    ["an hour back", -3_600_000],
    ["thirty days on", 30 * DAY_MS],
  ])("is not opened by a clock that jumps %s: it takes as many failures as before, or more", (_how, jump) => {
    fc.assert(
      fc.property(policies, fc.integer({ min: 0, max: 5 }), (policy, failures) => {
        const bench = new Bench(policy);
        for (let count = 0; count < failures && bench.cell.state === "closed"; count++) bench.call("failed");
        fc.pre(bench.cell.state === "closed");
        bench.now += jump;

        bench.call("answered");

        expect(bench.cell.state).toBe("closed");
        const steady = new Bench(policy);
        const needed = (one: Bench) => {
          let count = 0;
          for (; one.cell.state === "closed" && count < 50; count++) one.call("failed");
          return count;
        };
        for (let count = 0; count < failures; count++) steady.call("failed");
        steady.call("answered");
        expect(needed(bench)).toBeGreaterThanOrEqual(needed(steady));
      }),
      { numRuns: 50 },
    );
  });
});

const policy: BreakerPolicy = { kind: "consecutive", failures: 3, halfOpenAfterMs };

describe("a breaker that is open", () => {
  test("waits for a probe until its time and a margin are over, then lets another one through", () => {
    const bench = new Bench(policy).opened();
    bench.now += halfOpenAfterMs;
    const dead = bench.enter();
    bench.now += LAPSE_MS - 1;
    expect(bench.enter()).toBeUndefined();
    bench.now += 1;

    const next = bench.enter();

    expect(next?.probe).toBeDefined();
    if (dead) bench.leave(dead, "answered"); // it was alive after all, but nobody waits for it
    expect(bench.cell.state).toBe("half-open");
    if (next) bench.leave(next, "failed");
    expect(bench.cell.state).toBe("open");
  });

  test("lets the next call through at once when the probe was stopped", () => {
    const bench = new Bench(policy).opened();
    bench.now += halfOpenAfterMs;

    expect(bench.call("nothing")).toBe(true);

    expect(bench.cell.state).toBe("open");
    expect(bench.call("alive")).toBe(true);
    expect(bench.cell.state).toBe("closed");
  });

  test("hears nothing of calls from before, not even once it has closed again", () => {
    const bench = new Bench(policy);
    const late = [bench.enter(), bench.enter(), bench.enter()];
    bench.opened();
    bench.now += halfOpenAfterMs;
    bench.call("answered");

    for (const pass of late) if (pass) bench.leave(pass, "failed");

    expect(bench.cell).toMatchObject({ state: "closed", tally: { failures: 0 } });
  });

  test("by hand stays so for ever, or until its time has passed", () => {
    const forEver = new Bench(policy);
    forEver.cell = trip(forEver.cell, { why: "maintenance" }, START).cell;
    const forAWhile = new Bench(policy);
    forAWhile.cell = trip(forAWhile.cell, { forMs: 600_000, why: "maintenance" }, START).cell;

    forEver.now += 300 * DAY_MS;
    forAWhile.now += 599_999;

    expect(forEver.call("answered")).toBe(false);
    expect(forAWhile.call("answered")).toBe(false);
    forAWhile.now += 1;
    expect(forAWhile.call("answered")).toBe(true);
    expect(forAWhile.cell.state).toBe("closed");
    forEver.cell = reset(forEver.cell, "done", forEver.now).cell;
    expect(forEver.call("answered")).toBe(true);
  });
});

test("a tally that was kept under another kind of breaker counts for nothing", () => {
  const bench = new Bench(policy);
  bench.call("failed");
  bench.call("failed");
  const other = new Bench({ kind: "count", size: 4, threshold: 0.5, minimumCalls: 2, halfOpenAfterMs });
  other.cell = bench.cell;

  other.call("failed");
  expect(other.cell).toMatchObject({ state: "closed", tally: { kind: "count", calls: "-" } });
  other.call("failed");

  expect(other.cell.state).toBe("open");
});
