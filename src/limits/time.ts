/** Beyond this a JavaScript timer fires at once. */
export const MAX_TIMER_MS = 2 ** 31 - 1;

export const DAY_MS = 86_400_000;

/** A thousand years: no time span that anybody means is longer. */
export const LONGEST_MS = 1_000 * 365 * DAY_MS;

/** How far the clocks of two processes on one store may be apart. */
export const CLOCK_SKEW_MS = 1_000;

/** How long ago something was. For ever, when that lies ahead: the clock was set back since, so nobody knows. */
export function elapsedMs(since: string, now: number): number {
  const elapsed = now - Date.parse(since);
  if (elapsed >= 0) return elapsed;
  return elapsed >= -CLOCK_SKEW_MS ? 0 : Number.POSITIVE_INFINITY;
}
