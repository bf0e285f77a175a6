import { LONGEST_MS } from "../limits/time.js";

const UNIT_MS = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 } as const;

/** A time span as it is typed, like 90s, 10m, 12h, 30d or 4w, in milliseconds; undefined for anything else, and for more than 1,000 years. */
export function parseDuration(text: string): number | undefined {
  const [, count, unit] = /^(\d{1,9})([smhdw])$/.exec(text) ?? [];
  if (count === undefined || unit === undefined) return undefined;
  const ms = Number(count) * UNIT_MS[unit as keyof typeof UNIT_MS];
  return ms <= LONGEST_MS ? ms : undefined;
}
