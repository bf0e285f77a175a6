import { APPROVE_BELOW, COST_OF_BAD_RISK } from "../../src/workflows/credit-decision/policy.js";

/** What a scorecard said of an application, and what came of it. */
export interface Judged {
  /** P(bad). */
  readonly p: number;
  /** 1 for a bad risk, 0 for a good one. */
  readonly bad: number;
}

/** The probability that a bad risk is given a higher P(bad) than a good one; ties count half. */
export function auc(judged: readonly Judged[]): number {
  const good = judged.filter(({ bad }) => bad === 0);
  const bad = judged.filter((one) => one.bad === 1);
  return mean(bad.flatMap((b) => good.map((g) => (b.p > g.p ? 1 : b.p === g.p ? 0.5 : 0))));
}

/** (5 · accepted bad + rejected good) / all, accepting where P(bad) < 1/6. */
export function cost(judged: readonly Judged[]): number {
  return mean(judged.map(({ p, bad }) => (p < APPROVE_BELOW ? COST_OF_BAD_RISK * bad : 1 - bad)));
}

export function mean(numbers: readonly number[]): number {
  return numbers.reduce((sum, number) => sum + number, 0) / numbers.length;
}

/** The items in an order that depends on the seed alone, so that every fit sees the same folds. */
export function shuffled<T>(items: readonly T[], seed: number): readonly T[] {
  const random = mulberry32(seed);
  return items
    .map((item) => ({ item, place: random() }))
    .sort((one, other) => one.place - other.place)
    .map(({ item }) => item);
}

/** A small seeded generator (Tommy Ettinger, public domain), uniform in [0, 1). */
function mulberry32(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
