import { BisectInvalid } from "../contracts/failure.js";
import type { RunId } from "../contracts/ids.js";
import type { VersionHead } from "../contracts/run.js";
import { functionHolds, type Judgement, momentOf, type Predicate, type StatePredicate } from "./predicate.js";
import { headOf, lastVersion, type VersionedStore } from "./state.js";

export interface BisectOptions {
  /** The first version to look at; 0 when left out. */
  readonly from?: number | undefined;
  /** The last one, where the predicate is known or feared to be broken; the newest when left out. */
  readonly to?: number | undefined;
  /** Called after each version that was looked at. */
  readonly onProbe?: (probe: Probe) => void;
}

/** One version that was looked at. */
export interface Probe {
  readonly number: number;
  readonly holds: boolean;
  /** What is wrong with it, as far as the predicate says; or what is not there, so that nothing can be wrong. */
  readonly why?: string | undefined;
}

interface Search {
  readonly runId: RunId;
  readonly from: number;
  readonly to: number;
  /** What had to hold. */
  readonly predicate: string;
  /** How many versions were looked at: at most ⌈log2 n⌉ + 1 of n. */
  readonly lookedAt: number;
  /** In the order in which they were looked at. */
  readonly trail: readonly Probe[];
}

/**
 * What a bisection found. `broke`: with this version it no longer holds, and with the one before it did. `already-broken`:
 * the very first version in question does not hold, and it may not be the one that broke it. `holds`: it does at the end.
 * `absent`: what the predicate speaks of is not there at the end, so it cannot be broken.
 */
export type Bisection = Search &
  (
    | { readonly reason: "broke" | "already-broken"; readonly found: VersionHead & Pick<Probe, "why"> }
    | { readonly reason: "holds" | "absent"; readonly found: undefined }
  );

/**
 * Finds the first version at which a predicate no longer holds on the state as of it, by halving. Versions are numbered in
 * the order in which they were committed, and each changes the state in one place; so the version and its agent are exact
 * also where branches ran side by side. Like every bisection it takes for granted that what is broken stays broken up to
 * `to`: where it was mended and broken again, one of the versions that broke it is found.
 *
 * Throws `RUN_UNKNOWN`, `VERSION_UNKNOWN`, `BISECT_INVALID` when the versions are in the wrong order, and `PREDICATE_FAILED`.
 */
export async function bisect(
  store: VersionedStore,
  runId: RunId,
  wanted: Predicate | StatePredicate,
  { from = 0, to: wantedTo, onProbe }: BisectOptions = {},
): Promise<Bisection> {
  const to = wantedTo ?? (await lastVersion(store, runId));
  await lastVersion(store, runId, from, to);
  if (from > to) throw wrongOrder(from, to);
  const predicate = typeof wanted === "function" ? functionHolds(wanted) : wanted;
  const trail: Probe[] = [];
  const look = async (number: number): Promise<Judgement> => {
    const judgement = await predicate.judge(momentOf(store, runId, number));
    const probe = probeOf(number, judgement);
    trail.push(probe);
    onProbe?.(probe);
    return judgement;
  };

  const end = await look(to);
  const search = () => ({ runId, from, to, predicate: predicate.says, lookedAt: trail.length, trail });
  if (end.kind !== "broken") return { ...search(), reason: end.kind, found: undefined };
  const number = await firstBroken(from, to, async (middle) => (await look(middle)).kind === "broken");
  const version = await store.versions.find(runId, number);
  if (!version) throw new Error(`version ${number} of run ${runId} was just looked at, and is gone`);
  const why = trail.find((probe) => probe.number === number)?.why;
  const reason = number === from && from > 0 ? "already-broken" : "broke";
  return { ...search(), reason, found: { ...headOf(version), ...(why === undefined ? {} : { why }) } };
}

/** The lowest number from which on it is broken, when it is at `to`. */
async function firstBroken(from: number, to: number, broken: (number: number) => Promise<boolean>): Promise<number> {
  let [low, high] = [from, to];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (await broken(middle)) high = middle;
    else low = middle + 1;
  }
  return high;
}

function probeOf(number: number, judgement: Judgement): Probe {
  const why = judgement.kind === "holds" ? undefined : judgement.why;
  return { number, holds: judgement.kind !== "broken", ...(why === undefined ? {} : { why }) };
}

function wrongOrder(from: number, to: number): BisectInvalid {
  const reason = `version ${from} comes after version ${to}`;
  return new BisectInvalid(`There is nothing to look at: ${reason}. Give the earlier one as from.`, { argument: "from", reason });
}
