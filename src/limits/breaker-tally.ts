import type { BreakerPolicy } from "./breaker-policy.js";
import { CLOCK_SKEW_MS } from "./time.js";

/** What a closed breaker remembers of the calls before. */
export type Tally =
  | { readonly kind: "consecutive"; readonly failures: number }
  /** Newest last: `+` for a call that was answered, `-` for one that failed. */
  | { readonly kind: "count"; readonly calls: string }
  | { readonly kind: "sampling"; readonly buckets: readonly Bucket[] };

/** The calls that ended within a tenth of the window. */
interface Bucket {
  /** Where it begins, in milliseconds since 1970. */
  readonly from: number;
  readonly calls: number;
  readonly failed: number;
}

/** A call that says something about the agent. */
interface Heard {
  readonly failed: boolean;
  /** In milliseconds since 1970. */
  readonly at: number;
}

/** The window of a sampling breaker slides in so many steps. */
const STEPS = 10;

export function emptyTally(kind: Tally["kind"]): Tally {
  switch (kind) {
    case "consecutive":
      return { kind, failures: 0 };
    case "count":
      return { kind, calls: "" };
    case "sampling":
      return { kind, buckets: [] };
  }
}

/**
 * The tally with one more call in it; the very same tally when the call changes nothing. What was tallied under another kind
 * of breaker counts for nothing.
 */
export function tallied(before: Tally, policy: BreakerPolicy, heard: Heard): Tally {
  switch (policy.kind) {
    case "consecutive": {
      const known = before.kind === policy.kind ? before : { kind: policy.kind, failures: 0 };
      const failures = heard.failed ? known.failures + 1 : 0;
      return failures === known.failures ? known : { kind: policy.kind, failures };
    }
    case "count": {
      const known = before.kind === policy.kind ? before.calls : "";
      return { kind: policy.kind, calls: (known + (heard.failed ? "-" : "+")).slice(-policy.size) };
    }
    case "sampling":
      return { kind: policy.kind, buckets: inWindow(before.kind === policy.kind ? before.buckets : [], policy.windowMs, heard) };
  }
}

/** Why these calls open the breaker, or undefined while they do not. */
export function tooMany(tally: Tally, policy: BreakerPolicy): string | undefined {
  const { calls, failed } = countsOf(tally);
  if (policy.kind === "consecutive")
    return failed >= policy.failures ? `${failed} ${failed === 1 ? "failure" : "failures in a row"}` : undefined;
  if (calls < policy.minimumCalls || failed < policy.threshold * calls) return undefined;
  return `${failed} of the last ${calls} calls failed${policy.kind === "sampling" ? ` (within ${policy.windowMs} ms)` : ""}`;
}

/** How many calls a tally holds, and how many of them failed. */
export function countsOf(tally: Tally): { readonly calls: number; readonly failed: number } {
  switch (tally.kind) {
    case "consecutive":
      return { calls: tally.failures, failed: tally.failures };
    case "count":
      return { calls: tally.calls.length, failed: tally.calls.replaceAll("+", "").length };
    case "sampling":
      return { calls: sum(tally.buckets.map(({ calls }) => calls)), failed: sum(tally.buckets.map(({ failed }) => failed)) };
  }
}

/** Buckets from before the window are gone, and so are those from after now: the clock was set back since. */
function inWindow(before: readonly Bucket[], windowMs: number, { failed, at }: Heard): readonly Bucket[] {
  const width = Math.max(1, Math.ceil(windowMs / STEPS));
  const from = at - (at % width);
  const current = before.find((bucket) => bucket.from === from) ?? { from, calls: 0, failed: 0 };
  const others = before.filter((bucket) => bucket !== current && bucket.from > at - windowMs && bucket.from <= at + CLOCK_SKEW_MS);
  return [...others, { from, calls: current.calls + 1, failed: current.failed + (failed ? 1 : 0) }];
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
