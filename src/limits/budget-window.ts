/** What is spent: money in integer micro-dollars, and tokens of any kind. */
export interface Amount {
  readonly microDollars: number;
  readonly tokens: number;
}

export const NOTHING: Amount = Object.freeze({ microDollars: 0, tokens: 0 });

export const UNITS = ["microDollars", "tokens"] as const satisfies readonly (keyof Amount)[];
export type Unit = (typeof UNITS)[number];

export type Window = "run" | "hour" | "day";

/** How much was spent in one slot of time; slots are numbered since 1970. */
export type Slot = readonly [slot: number, microDollars: number, tokens: number];

/** A window slides by whole slots: what was spent counts for at least the window's length, and at most one slot longer. */
const WINDOWS = {
  hour: { slotMs: 60_000, slots: 60 },
  day: { slotMs: 900_000, slots: 96 },
} as const;

export function lengthOf(window: Window): number {
  return window === "run" ? Number.POSITIVE_INFINITY : WINDOWS[window].slotMs * WINDOWS[window].slots;
}

/**
 * What still counts, in the order of time. A slot from the future (the clock was set back) counts from now on, so that it
 * is neither forgotten nor held against anyone for longer than a window.
 */
export function current(slots: readonly Slot[], window: Window, now: number): readonly Slot[] {
  const newest = slotAt(window, now);
  const oldest = window === "run" ? 0 : newest - WINDOWS[window].slots;
  if (slots.every(([at], index) => at >= oldest && at <= newest && at > (slots[index - 1]?.[0] ?? -1))) return slots;
  const merged = new Map<number, Slot>();
  for (const [at, microDollars, tokens] of slots) {
    if (at < oldest) continue;
    const slot = Math.min(at, newest);
    const [, moreMicroDollars, moreTokens] = merged.get(slot) ?? [slot, 0, 0];
    merged.set(slot, [slot, plus(microDollars, moreMicroDollars), plus(tokens, moreTokens)]);
  }
  return [...merged.values()].sort(([a], [b]) => a - b);
}

export function add(slots: readonly Slot[], window: Window, { microDollars, tokens }: Amount, now: number): readonly Slot[] {
  return current([...slots, [slotAt(window, now), microDollars, tokens]], window, now);
}

/** Of slots, or of anything else that has the amount in the same places. */
export function total(slots: readonly (readonly [of: unknown, microDollars: number, tokens: number, ...rest: unknown[]])[]): Amount {
  const sum = { ...NOTHING };
  for (const [, microDollars, tokens] of slots) {
    sum.microDollars = plus(sum.microDollars, microDollars);
    sum.tokens = plus(sum.tokens, tokens);
  }
  return sum;
}

export function sumOf(a: Amount, b: Amount): Amount {
  return { microDollars: plus(a.microDollars, b.microDollars), tokens: plus(a.tokens, b.tokens) };
}

/** When the slots will have come down to `most`, if nothing is added to them; undefined when that never happens. */
export function freeAt(slots: readonly Slot[], window: Window, unit: Unit, most: number): number | undefined {
  if (window === "run" || most < 0) return undefined;
  const { slotMs, slots: kept } = WINDOWS[window];
  let left = total(slots)[unit];
  for (const [slot, microDollars, tokens] of slots) {
    left -= unit === "tokens" ? tokens : microDollars;
    if (left <= most) return (slot + kept + 1) * slotMs;
  }
  return undefined;
}

function slotAt(window: Window, now: number): number {
  return window === "run" ? 0 : Math.floor(now / WINDOWS[window].slotMs);
}

/** A sum that can no longer be counted exactly is more than any limit; it must not wrap or turn into a fraction. */
function plus(a: number, b: number): number {
  return Math.min(a + b, Number.MAX_SAFE_INTEGER);
}
