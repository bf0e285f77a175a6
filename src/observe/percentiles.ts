/**
 * By nearest rank: the p-th percentile of n values is the one at place ⌈p/100 · n⌉ of the values in order, so it is always one
 * that was measured. In milliseconds.
 */
export interface Percentiles {
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
}

/** Undefined without any values. */
export function percentilesOf(values: readonly number[]): Percentiles | undefined {
  if (values.length === 0) return undefined;
  const ordered = Float64Array.from(values).sort();
  const at = (percent: number) => ordered[Math.ceil((percent * ordered.length) / 100) - 1] ?? Number.NaN;
  return { p50: at(50), p95: at(95), p99: at(99) };
}
