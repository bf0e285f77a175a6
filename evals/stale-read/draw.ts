import { createHash } from "node:crypto";

/** What is drawn; the first part is the seed. */
export type DrawName = readonly (string | number)[];

/** Uniform in [0, 1) and always the same under the same name, so that it does not matter who draws first. */
export function draw(...name: DrawName): number {
  return createHash("sha256").update(name.join("/")).digest().readUIntBE(0, 6) / 2 ** 48;
}

/** A whole number from `low` to `high`, both included. */
export function drawWhole([low, high]: readonly [number, number], ...name: DrawName): number {
  return low + Math.floor(draw(...name) * (high - low + 1));
}

/** One of the items. Throws when there is none. */
export function drawOne<T>(items: readonly T[], ...name: DrawName): T {
  const at = Math.floor(draw(...name) * items.length);
  if (at >= items.length) throw new Error(`There is nothing to draw from for ${name.join("/")}.`);
  return items[at] as T; // the index is in the list
}
