import type { Comparison, Meter } from "./measure.js";

/** How much is done: everything shrinks with `share`, but for what a benchmark is about. */
export interface Effort {
  readonly quick: boolean;
  readonly pairs: number;
  readonly share: number;
}

export const FULL: Effort = Object.freeze({ quick: false, pairs: 9, share: 1 });
/** Enough to see that it works, too little to be quoted. */
export const QUICK: Effort = Object.freeze({ quick: true, pairs: 2, share: 0.2 });

/** One question, answered by figures. */
export interface Benchmark {
  readonly name: string;
  /** What is measured against what, one sentence. */
  readonly description: string;
  /** The settings that its figures depend on, in words: concurrency, runs, durability. */
  settings(effort: Effort): string;
  measure(effort: Effort, progress: (text: string) => void): Promise<readonly Figure[]>;
  /** Our side alone, once to warm up and once under the meter. */
  profile(effort: Effort, meter: Meter): Promise<void>;
}

/** Always a ratio: what we measured against what a named peer took in the same process. */
export interface Figure extends Comparison {
  readonly what: string;
  readonly unit: string;
  readonly peerName: string;
  /** Missing where a figure only explains another. */
  readonly target?: Target | undefined;
}

/** What the ratio, or our own figure alone, has to keep to. */
export type Target = { readonly of: "ratio" | "ours" } & ({ readonly atLeast: number } | { readonly atMost: number });

export function holds({ target, ...figure }: Figure): boolean {
  if (!target) return true;
  const value = figure[target.of];
  return "atLeast" in target ? value >= target.atLeast : value <= target.atMost;
}

/** A figure that does not vary from one run to the next, so that it is measured once. */
export function exactly(ours: number, peer: number): Comparison {
  const ratio = ours / peer;
  return { ours, peer, ratio, lowest: ratio, highest: ratio, pairs: 1 };
}

/** The part of a full count that this effort does, at least so many. */
export function part({ share }: Effort, full: number, least: number): number {
  return Math.max(least, Math.round(full * share));
}
