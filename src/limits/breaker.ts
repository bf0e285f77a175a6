import type { BreakerPolicy } from "./breaker-policy.js";
import { emptyTally, type Tally, tallied, tooMany } from "./breaker-tally.js";
import { elapsedMs } from "./time.js";

export type BreakerState = "closed" | "open" | "half-open";

/** What the store keeps of one breaker. All that happens to it is said by the functions below, which only compute. */
export type BreakerCell =
  | ({ readonly state: "closed" } & Phase)
  | ({ readonly state: "open" } & Opening & Phase)
  | ({ readonly state: "half-open"; readonly probe: Probe; readonly opening: Opening & { readonly since: string } } & Phase);

interface Phase {
  /** When this state began, ISO 8601. */
  readonly since: string;
  /** Grows each time it closes: a call that began before decides nothing any more. */
  readonly epoch: number;
  readonly tally: Tally;
}

interface Opening {
  readonly why: string;
  /** One call is let through so long after it opened; null: none, until it is reset. */
  readonly halfOpenAfterMs: number | null;
  readonly trippedBy?: "hand";
}

/** The one call that is let through, and until when it is waited for: its process may have died. ISO 8601. */
export interface Probe {
  readonly holder: string;
  readonly until: string;
}

/** The right to make one call. */
export interface Pass {
  readonly epoch: number;
  /** Who holds the probe, when this call is one. */
  readonly probe?: string;
}

/**
 * What a call said about the agent: it answered; it failed; it ended otherwise and was alive (a question to a human, an answer
 * that breaks its contract); or nothing, since the call was stopped or was refused by ourselves.
 */
export type Verdict = "answered" | "failed" | "alive" | "nothing";

export interface BreakerTransition {
  readonly from: BreakerState;
  readonly to: BreakerState;
  readonly why: string;
}

/** A breaker after something happened to it: the very same cell when nothing changed. */
export interface Step {
  readonly cell: BreakerCell;
  readonly transition?: BreakerTransition | undefined;
}

/** A breaker that nobody has called through yet. */
export function newBreaker(kind: BreakerPolicy["kind"], now: number): BreakerCell {
  return { state: "closed", since: iso(now), epoch: 0, tally: emptyTally(kind) };
}

/** Whether a call may be made: freely, as the probe, or not at all. */
export function admission(cell: BreakerCell, now: number): "call" | "probe" | "refuse" {
  switch (cell.state) {
    case "closed":
      return "call";
    case "open":
      return cell.halfOpenAfterMs !== null && elapsedMs(cell.since, now) >= cell.halfOpenAfterMs ? "probe" : "refuse";
    case "half-open":
      return now >= Date.parse(cell.probe.until) || elapsedMs(cell.since, now) === Number.POSITIVE_INFINITY ? "probe" : "refuse";
  }
}

/** Lets the call through if it may be made; without a pass it may not. */
export function enter(
  cell: BreakerCell,
  { holder, now, lapsesAfterMs }: { readonly holder: string; readonly now: number; readonly lapsesAfterMs: number },
): Step & { readonly pass: Pass | undefined } {
  const { epoch, tally } = cell;
  if (cell.state === "closed") return { cell, pass: { epoch } };
  if (admission(cell, now) === "refuse") return { cell, pass: undefined };
  const since = iso(now);
  const opening = cell.state === "open" ? openingOf(cell) : cell.opening;
  const probe = { holder, until: iso(now + lapsesAfterMs) };
  const why = cell.state === "open" ? "one call is let through" : `the call of ${cell.probe.holder} was not heard of again`;
  return {
    cell: { state: "half-open", since, epoch, tally, opening, probe },
    transition: { from: cell.state, to: "half-open", why },
    pass: { epoch, probe: holder },
  };
}

/** What a call that was let through has come to. One that is not waited for any more decides nothing. */
export function leave(cell: BreakerCell, pass: Pass, verdict: Verdict, policy: BreakerPolicy, now: number): Step {
  if (cell.state === "half-open" && cell.probe.holder === pass.probe) return probed(cell, verdict, policy, now);
  if (cell.state !== "closed" || cell.epoch !== pass.epoch || pass.probe !== undefined) return { cell };
  if (verdict === "nothing" || verdict === "alive") return { cell };
  const tally = tallied(cell.tally, policy, { failed: verdict === "failed", at: now });
  if (tally === cell.tally) return { cell };
  const counted = { ...cell, tally };
  const why = verdict === "failed" ? tooMany(tally, policy) : undefined;
  return why === undefined ? { cell: counted } : opened(counted, { why, halfOpenAfterMs: policy.halfOpenAfterMs }, now);
}

function probed(cell: BreakerCell & { readonly state: "half-open" }, verdict: Verdict, policy: BreakerPolicy, now: number): Step {
  const { epoch, tally, opening } = cell;
  switch (verdict) {
    case "failed":
      return opened(cell, { why: "the one call that was let through failed", halfOpenAfterMs: policy.halfOpenAfterMs }, now);
    case "nothing": {
      const why = "the one call that was let through was stopped; the next call is let through";
      return { cell: { state: "open", epoch, tally, ...opening }, transition: { from: "half-open", to: "open", why } };
    }
    case "answered":
    case "alive":
      return closed(cell, "the one call that was let through was answered", policy.kind, now);
  }
}

/** Opens it by hand: until it is reset, or for so long. */
export function trip(cell: BreakerCell, { forMs, why }: { readonly forMs?: number | undefined; readonly why: string }, now: number): Step {
  return opened(cell, { why, halfOpenAfterMs: forMs ?? null, trippedBy: "hand" }, now);
}

/** Closes it by hand, with nothing tallied. */
export function reset(cell: BreakerCell, why: string, now: number): Step {
  return closed(cell, why, cell.tally.kind, now);
}

function opened({ state, epoch, tally }: BreakerCell, opening: Opening, now: number): Step {
  return {
    cell: { state: "open", since: iso(now), epoch, tally, ...opening },
    transition: { from: state, to: "open", why: opening.why },
  };
}

function closed({ state, epoch }: BreakerCell, why: string, kind: BreakerPolicy["kind"], now: number): Step {
  return {
    cell: { state: "closed", since: iso(now), epoch: epoch + 1, tally: emptyTally(kind) },
    transition: { from: state, to: "closed", why },
  };
}

function openingOf({ since, why, halfOpenAfterMs, trippedBy }: BreakerCell & { readonly state: "open" }): Opening & { since: string } {
  return { since, why, halfOpenAfterMs, ...(trippedBy && { trippedBy }) };
}

function iso(time: number): string {
  return new Date(time).toISOString();
}
