import type { Applicants } from "./applicants.js";
import { judgeSharedRecords } from "./evaluation.js";
import { CACHES, type Settings } from "./settings.js";
import { submissionsOf } from "./submissions.js";

/** The share of wrong ratings under one change to the settings. */
export interface Variation {
  readonly changed: string;
  readonly share: number;
}

export interface Sensitivity {
  /** Over a cache × how many at a time. */
  readonly caches: readonly { readonly cache: Settings["cache"]; readonly byConcurrency: readonly Variation[] }[];
  readonly corrections: readonly Variation[];
  readonly ttl: readonly Variation[];
  /** Over seeds 1 to 10. */
  readonly seeds: { readonly lowest: number; readonly highest: number; readonly mean: number };
}

/** How the share of wrong ratings over shared records depends on each setting, the others kept. */
export async function sensitivityOf(applicants: Applicants, settings: Settings): Promise<Sensitivity> {
  const shareWith = async (change: Partial<Settings>) => {
    const changed = { ...settings, ...change };
    const { wrongRating, decisions } = await judgeSharedRecords(submissionsOf(applicants(changed.seed), changed), changed);
    return wrongRating / decisions;
  };
  const vary = async (changes: readonly (readonly [string, Partial<Settings>])[]) => {
    const variations: Variation[] = [];
    for (const [changed, change] of changes) variations.push({ changed, share: await shareWith(change) });
    return variations;
  };
  const caches: Sensitivity["caches"][number][] = [];
  for (const cache of CACHES) {
    caches.push({ cache, byConcurrency: await vary([1, 4, 8, 16].map((concurrency) => [`${concurrency}`, { cache, concurrency }])) });
  }
  const bySeed = await vary(Array.from({ length: 10 }, (_, index) => [`${index + 1}`, { seed: index + 1 }]));
  const shares = bySeed.map(({ share }) => share);
  return {
    caches,
    corrections: await vary([0.1, 0.3, 0.5].map((corrections) => [`${corrections * 100} %`, { corrections }])),
    ttl: await vary([5, 30, 300].map((seconds) => [`${seconds} s`, { ttlMs: seconds * 1_000 }])),
    seeds: {
      lowest: Math.min(...shares),
      highest: Math.max(...shares),
      mean: shares.reduce((sum, share) => sum + share, 0) / shares.length,
    },
  };
}
