import { v7 } from "uuid";
import type { LimitOptions, LimitStore, RunId, SpendCall } from "walkback";
import { createMeter, type SpendSite } from "../../src/limits/meter.js";

export const NOON = Date.parse("2026-11-02T12:00:00.000Z");
export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;

/** How often a property is tried: some hundred times, or as often as WALKBACK_PROPERTY_RUNS says. */
export const PROPERTY_RUNS = { numRuns: Number(process.env["WALKBACK_PROPERTY_RUNS"] ?? 200) };

/** Under load, and when it is tried often. */
export const PROPERTY_TIMEOUT_MS = 60_000 + 500 * PROPERTY_RUNS.numRuns;

/** A clock that stands still until it is moved. */
export function aClock(at = NOON) {
  let now = at;
  return {
    now: () => new Date(now),
    move: (ms: number) => {
      now += ms;
    },
    time: () => now,
  };
}

/** A meter on a store's limits. */
export function aMeter(store: LimitStore, options: LimitOptions, clock = aClock()) {
  return createMeter({ store, options, now: clock.now });
}

export function aSite(change: Partial<SpendSite> = {}): SpendSite {
  return {
    runId: v7() as RunId,
    tenant: "acme",
    agent: "write-report",
    step: "write-report",
    signal: new AbortController().signal,
    until: NOON + HOUR,
    own: (asked) => asked,
    ...change,
  };
}

/** A call for an agreed price. */
export function aCall(microDollars: number, change: Partial<SpendCall> = {}): SpendCall {
  return { inputTokens: 0, outputTokens: 0, microDollars, ...change };
}

/** What it was rejected with. */
export async function failureOf(promise: Promise<unknown>) {
  return promise.then(
    () => Promise.reject(new Error("it was expected to fail")),
    (thrown: unknown) => thrown,
  );
}
