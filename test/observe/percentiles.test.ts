import fc from "fast-check";
import { expect, test } from "vitest";
import { percentilesOf } from "../../src/observe/percentiles.js";

/** The smallest of the values that at least so many percent of them do not exceed. */
function naive(values: readonly number[], percent: number): number {
  const reached = (value: number) => values.filter((other) => other <= value).length * 100 >= percent * values.length;
  return Math.min(...values.filter(reached));
}

test("percentiles are the smallest values that so many percent do not exceed", () => {
  fc.assert(
    fc.property(fc.array(fc.nat({ max: 50 }), { minLength: 1, maxLength: 220 }), (values) => {
      expect(percentilesOf(values)).toEqual({ p50: naive(values, 50), p95: naive(values, 95), p99: naive(values, 99) });
    }),
  );
});

test("one value is all of them, and of none there are none", () => {
  expect(percentilesOf([7])).toEqual({ p50: 7, p95: 7, p99: 7 });
  expect(percentilesOf([])).toBeUndefined();
});
