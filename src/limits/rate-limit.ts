import type { RateLimit } from "./limit-options.js";

const MINUTE_MS = 60_000;

/** How much of a minute's allowance is left. Below 0 it is owed: whoever took it waits until it has come in. */
export interface TokenBucket {
  readonly level: number;
  /** Milliseconds since 1970. */
  readonly at: number;
}

/** The buckets of one provider. */
export interface RateCell {
  readonly requests?: TokenBucket | undefined;
  readonly tokens?: TokenBucket | undefined;
}

/**
 * Takes one request and its tokens out of a provider's buckets, and says how long to wait before it is sent. Whoever waits
 * has its place already, so waiting calls go in the order in which they came, and nobody has to ask again.
 */
export function takeTurn(
  cell: RateCell | undefined,
  tokens: number,
  limits: RateLimit,
  now: number,
): { readonly cell: RateCell; readonly waitMs: number } {
  const requests = take(cell?.requests, 1, limits.requestsPerMinute, now);
  const taken = take(cell?.tokens, tokens, limits.tokensPerMinute, now);
  return { cell: { requests: requests.bucket, tokens: taken.bucket }, waitMs: Math.max(requests.waitMs, taken.waitMs) };
}

/** Gives back what a call did not use after all; below 0 it takes what it used beyond that. */
export function giveBack(
  cell: RateCell | undefined,
  unused: { readonly requests: number; readonly tokens: number },
  limits: RateLimit,
  now: number,
): RateCell {
  return {
    requests: put(cell?.requests, unused.requests, limits.requestsPerMinute, now),
    tokens: put(cell?.tokens, unused.tokens, limits.tokensPerMinute, now),
  };
}

/** More than a minute's allowance at once goes as soon as the bucket is full. */
function take(before: TokenBucket | undefined, wanted: number, perMinute: number | undefined, now: number) {
  if (perMinute === undefined) return { bucket: undefined, waitMs: 0 };
  const { level } = filled(before, perMinute, now);
  const missing = Math.min(wanted, perMinute) - level;
  return { bucket: { level: level - wanted, at: now }, waitMs: missing > 0 ? Math.ceil((missing * MINUTE_MS) / perMinute) : 0 };
}

function put(before: TokenBucket | undefined, amount: number, perMinute: number | undefined, now: number): TokenBucket | undefined {
  if (perMinute === undefined) return undefined;
  const { level } = filled(before, perMinute, now);
  return { level: Math.min(perMinute, level + amount), at: now };
}

/** With what has come in since; when the clock was set back, nothing has. */
function filled(bucket: TokenBucket | undefined, perMinute: number, now: number): TokenBucket {
  if (!bucket) return { level: perMinute, at: now };
  const cameIn = (Math.max(0, now - bucket.at) * perMinute) / MINUTE_MS;
  return { level: Math.min(perMinute, bucket.level + cameIn), at: now };
}
