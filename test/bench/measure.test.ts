import { expect, test } from "vitest";
import { compare, inFlight, inPairs, median } from "../../bench/measure.js";

test("the median is the middle one, or between the two in the middle", () => {
  expect(median([9, 1, 5])).toBe(5);
  expect(median([4, 1, 3, 2])).toBe(2.5);
  expect(median([])).toBeNaN();
});

test("the two sides take turns at going first, and the first pair does not count", async () => {
  const calls: string[] = [];
  const side = (name: string) => async () => `${name}${calls.push(name)}`;

  const pairs = await inPairs({ pairs: 3, ours: side("ours"), peer: side("peer") });

  expect(calls).toEqual(["ours", "peer", "peer", "ours", "ours", "peer", "peer", "ours"]);
  expect(pairs).toEqual([
    { ours: "ours4", peer: "peer3" },
    { ours: "ours5", peer: "peer6" },
    { ours: "ours8", peer: "peer7" },
  ]);
});

test("a ratio is the median of the pairs' own ratios, so that a slow minute counts for both sides", () => {
  const pairs = [
    { ours: 10, peer: 20 },
    { ours: 100, peer: 200 },
    { ours: 12, peer: 20 },
  ];

  expect(compare(pairs, (ms) => ms)).toEqual({ ours: 12, peer: 20, ratio: 0.5, lowest: 0.5, highest: 0.6, pairs: 3 });
});

test("so many are in flight at a time, and each is done once", async () => {
  const done: number[] = [];
  let underway = 0;
  let most = 0;

  await inFlight(10, 4, async (index) => {
    most = Math.max(most, ++underway);
    await Promise.resolve();
    underway--;
    done.push(index);
  });

  expect(most).toBe(4);
  expect(done.toSorted((one, other) => one - other)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
});
