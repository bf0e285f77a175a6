import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { QueueHead, RunId } from "walkback";
import { effectivePriority, nextInQueue, type QueueRules } from "../../src/limits/queue-order.js";

const NOW = Date.parse("2026-11-02T08:00:00.000Z");
const RULES: QueueRules = { ageingMs: 60_000 };

const tenant = fc.constantFrom(undefined, "north", "south", "west");
const aQueue = fc
  .array(fc.record({ priority: fc.integer({ min: 1, max: 10 }), tenant, waitedMs: fc.integer({ min: 0, max: 900_000 }) }), {
    maxLength: 40,
  })
  .map((runs) =>
    runs
      .toSorted((a, b) => b.waitedMs - a.waitedMs)
      .map(({ waitedMs, ...run }, place): QueueHead => {
        return { ...run, place, runId: `run-${place}` as RunId, acceptedAt: new Date(NOW - waitedMs).toISOString() };
      }),
  );
const someRules = fc.record({
  ageingMs: fc.constantFrom(1_000, 60_000, 3_600_000, Number.POSITIVE_INFINITY),
  tenantMaxConcurrent: fc.constantFrom(undefined, 1, 3),
});

/** Serves a queue until nobody may begin, each run under way until the end, or for an instant. */
function serve(queue: readonly QueueHead[], rules: QueueRules, { instant = false } = {}) {
  const waiting = [...queue];
  const served: {
    readonly run: QueueHead;
    readonly before: readonly QueueHead[];
    readonly running: ReadonlyMap<string | undefined, number>;
  }[] = [];
  const tenants = new Map<string | undefined, { running: number; served: number }>();
  for (let turn = 1; ; turn++) {
    const heads = waiting.filter((run, index) => waiting.findIndex((each) => isSameGroup(each, run)) === index);
    const run = nextInQueue({ heads, tenants }, rules, NOW);
    if (!run) return { served: served.map((each) => each.run), steps: served, left: waiting };
    served.push({ run, before: [...waiting], running: new Map([...tenants].map(([name, load]) => [name, load.running])) });
    waiting.splice(waiting.indexOf(run), 1);
    tenants.set(run.tenant, { running: instant ? 0 : (tenants.get(run.tenant)?.running ?? 0) + 1, served: turn });
  }
}

const isSameGroup = (a: QueueHead, b: QueueHead) => a.priority === b.priority && a.tenant === b.tenant;

describe("who is next", () => {
  test("never stands behind a lower priority, but for tenants at their limit", () => {
    fc.assert(
      fc.property(aQueue, someRules, (queue, rules) => {
        for (const { run, before, running } of serve(queue, rules).steps) {
          const limit = rules.tenantMaxConcurrent ?? Number.POSITIVE_INFINITY;
          const allowed = before.filter((each) => each.tenant === undefined || (running.get(each.tenant) ?? 0) < limit);
          const best = Math.min(...allowed.map((each) => effectivePriority(each, rules, NOW)));
          expect(effectivePriority(run, rules, NOW)).toBe(best);
        }
      }),
      { numRuns: 500 },
    );
  });

  test("came first among those of its priority and tenant", () => {
    fc.assert(
      fc.property(aQueue, someRules, (queue, rules) => {
        const { served } = serve(queue, rules);
        for (const [index, run] of served.entries())
          for (const later of served.slice(index + 1)) if (isSameGroup(run, later)) expect(later.place).toBeGreaterThan(run.place);
      }),
    );
  });

  test("is everyone in turn: none is lost, none is served twice", () => {
    fc.assert(
      fc.property(aQueue, someRules, (queue, { ageingMs }) => {
        expect(serve(queue, { ageingMs }).served.toSorted((a, b) => a.place - b.place)).toEqual(queue);
      }),
    );
  });

  test("is of the tenant that has had least, while all wait with one priority", () => {
    fc.assert(
      fc.property(aQueue, fc.boolean(), (queue, instant) => {
        const equal = queue.map((run) => ({ ...run, priority: 5 }));
        const { steps } = serve(equal, { ageingMs: Number.POSITIVE_INFINITY }, { instant });
        const had = new Map<string | undefined, number>();
        for (const { run, before } of steps) {
          const least = Math.min(...before.map((each) => had.get(each.tenant) ?? 0));
          expect(had.get(run.tenant) ?? 0).toBe(least);
          had.set(run.tenant, (had.get(run.tenant) ?? 0) + 1);
        }
      }),
    );
  });

  test("leaves a tenant that is at its limit where it is, and those without a tenant alone", () => {
    fc.assert(
      fc.property(aQueue, fc.integer({ min: 1, max: 4 }), (queue, limit) => {
        const { served, left } = serve(queue, { ...RULES, tenantMaxConcurrent: limit });
        for (const name of ["north", "south", "west"])
          expect(served.filter((run) => run.tenant === name)).toHaveLength(
            Math.min(limit, queue.filter((run) => run.tenant === name).length),
          );
        expect(left.filter((run) => run.tenant === undefined)).toEqual([]);
      }),
    );
  });
});

describe("ageing", () => {
  const aged = (priority: number, waitedMs: number) =>
    effectivePriority({ priority, acceptedAt: new Date(NOW - waitedMs).toISOString() }, RULES, NOW);

  test("gains one priority for each minute, and never more than the highest", () => {
    expect([aged(10, 59_999), aged(10, 60_000), aged(10, 540_000), aged(10, 9_000_000), aged(1, 60_000)]).toEqual([10, 9, 1, 1, 1]);
  });

  test("a clock that was set back takes nothing away", () => {
    expect(aged(5, -3_600_000)).toBe(5);
  });

  test("puts the lowest that has waited long enough before the highest of the same tenant that has just come", () => {
    const run = (place: number, priority: number, waitedMs: number): QueueHead => {
      return { runId: `run-${place}` as RunId, place, priority, tenant: "north", acceptedAt: new Date(NOW - waitedMs).toISOString() };
    };

    const next = nextInQueue({ heads: [run(2, 1, 0), run(1, 10, 540_000)], tenants: new Map() }, RULES, NOW);

    expect(next).toMatchObject({ place: 1 });
  });
});
