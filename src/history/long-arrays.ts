import type { DiffContext, Filter, Options } from "jsondiffpatch";

/** So many pairs of items are compared within a moment and some megabytes; their number grows with the square of the length. */
const MAX_PAIRS = 1_000_000;

/**
 * A filter for jsondiffpatch: of two long arrays that differ in much, the newer one replaces the older one as a whole. A
 * document of one megabyte may hold arrays for which finding the smallest difference takes all the memory there is.
 */
export const keepLongArraysApart: Filter<DiffContext> = Object.assign(
  (context: DiffContext) => {
    const { left, right, options = {} } = context;
    if (!Array.isArray(left) || !Array.isArray(right) || left.length * right.length <= MAX_PAIRS) return;
    const same = matchedAtBothEnds(left, right, options);
    if ((left.length - same) * (right.length - same) > MAX_PAIRS) context.setResult([left, right]).exit();
  },
  { filterName: "longArrays" },
);

/** How many items the library pairs at the beginning and at the end, before it compares each of the others with each. */
function matchedAtBothEnds(left: readonly unknown[], right: readonly unknown[], { objectHash }: Options): number {
  const match = (i: number, j: number): boolean => {
    const [a, b] = [left[i], right[j]];
    if (a === b || typeof a !== "object" || typeof b !== "object") return a === b;
    return objectHash !== undefined && objectHash(a as object, i) === objectHash(b as object, j);
  };
  const shorter = Math.min(left.length, right.length);
  let head = 0;
  while (head < shorter && match(head, head)) head++;
  let tail = 0;
  while (tail < shorter - head && match(left.length - 1 - tail, right.length - 1 - tail)) tail++;
  return head + tail;
}
