/** How the customer records are cached: entries live out their time; are deleted when written, too; or are not cached at all. */
export const CACHES = ["ttl", "invalidated", "none"] as const;
export type CacheKind = (typeof CACHES)[number];

export interface Settings {
  /** Names the applications, the corrections and all delays. */
  readonly seed: number;
  readonly submissions: number;
  /** The share of submissions that correct an earlier one. */
  readonly corrections: number;
  /** A correction comes at most this many submissions after what it corrects. */
  readonly within: number;
  /** Submissions that are decided at one time. */
  readonly concurrency: number;
  readonly cache: CacheKind;
  readonly ttlMs: number;
}

/** A morning's backlog: what came in overnight, the corrections among it, and a cache that is never more than half a minute old. */
export const DEFAULTS: Settings = Object.freeze({
  seed: 1,
  submissions: 200,
  corrections: 0.3,
  within: 80,
  concurrency: 8,
  cache: "ttl",
  ttlMs: 30_000,
});
