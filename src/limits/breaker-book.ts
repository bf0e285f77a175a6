import type { LimitStore } from "../checkpoint/ports.js";
import { BreakerUnknown, optionInvalid } from "../contracts/failure.js";
import type { RunId } from "../contracts/ids.js";
import { type BreakerCell, type BreakerState, type BreakerTransition, newBreaker, reset, type Step, trip } from "./breaker.js";
import { BREAKER_KEYS, breakerKey, changeOf } from "./breaker-gate.js";
import { countsOf, type Tally } from "./breaker-tally.js";
import { LONGEST_MS } from "./time.js";

/** A breaker as it stands. Times are ISO 8601. */
export interface Breaker {
  /** The agent's name, or `agent/tier`. */
  readonly name: string;
  readonly state: BreakerState;
  /** When this state began; undefined when nobody has called through it yet. */
  readonly since: string | undefined;
  /** Why it is not closed. */
  readonly why: string | undefined;
  readonly trippedByHand: boolean;
  /**
   * Open: from when on one call is let through, undefined when none is until it is reset. Half open: when the one that was let
   * through is taken for lost.
   */
  readonly nextProbeAt: string | undefined;
  /** What it goes by, and what it has counted since it closed last. */
  readonly tally: { readonly kind: Tally["kind"]; readonly calls: number; readonly failed: number } | undefined;
}

/** One transition as it stands in the log. */
export interface BreakerEntry extends BreakerTransition {
  readonly name: string;
  readonly at: string;
  /** The agent, or its branch, whose call it was; a hand's is "hand". */
  readonly by: string;
  readonly runId: RunId | undefined;
}

/** The breakers of a store, for all processes that share it. */
export interface Breakers {
  /** Those that were called through, and those of the orchestrator's own workflows, by name. */
  list(): readonly Breaker[];
  /** The newest transitions (1,000 when left out) of one or of all, oldest first. Throws `BREAKER_UNKNOWN`. */
  history(name?: string, limit?: number): readonly BreakerEntry[];
  /** Closes it, with nothing counted. Throws `BREAKER_UNKNOWN`. */
  reset(name: string, reason?: string): Promise<Breaker>;
  /** Opens it for so long, or until it is reset. Throws `BREAKER_UNKNOWN`. */
  trip(name: string, options?: { readonly forMs?: number | undefined; readonly reason?: string | undefined }): Promise<Breaker>;
}

export interface BreakerBookOptions {
  readonly cells: LimitStore;
  readonly now: () => Date;
  /** Names that count as known though nobody has called yet. */
  readonly names: readonly string[];
}

export function breakerBook({ cells, now, names }: BreakerBookOptions): Breakers {
  const list = () => {
    const kept = new Map(cells.readAll(BREAKER_KEYS).map(({ key, cell }) => [key.slice(BREAKER_KEYS.length), cell]));
    // Nobody else writes under these keys.
    return [...new Set([...names, ...kept.keys()])].toSorted().map((name) => view(name, kept.get(name) as BreakerCell | undefined));
  };
  const refuseUnknown = (name: string) => {
    const known = list().map((breaker) => breaker.name);
    if (known.includes(name)) return;
    const there = known.length === 0 ? "Nobody has called through one yet" : `There are: ${known.join(", ")}`;
    throw new BreakerUnknown(`There is no breaker "${name}". ${there}.`, { breaker: name, known });
  };
  const byHand = async (name: string, evolve: (cell: BreakerCell, time: number) => Step): Promise<Breaker> => {
    refuseUnknown(name);
    const { cell } = await cells.change([breakerKey(name)], ([before]) => {
      const time = now();
      const found = (before as BreakerCell | undefined) ?? newBreaker("consecutive", time.getTime());
      return changeOf(name, evolve(found, time.getTime()), { at: time.toISOString(), by: "hand" });
    });
    return view(name, cell);
  };

  return {
    list,
    history(name, limit) {
      if (name !== undefined) refuseUnknown(name);
      return cells
        .list({ kind: "breaker", key: name === undefined ? undefined : breakerKey(name), limit })
        .map(({ key, runId, at, body }) => ({ name: key.slice(BREAKER_KEYS.length), at, runId, ...(body as unknown as Noted) })); // as `changeOf` wrote it
    },
    reset: (name, reason) => byHand(name, (cell, time) => reset(cell, told("reset by hand", reason), time)),
    async trip(name, { forMs, reason } = {}) {
      if (forMs !== undefined && !(forMs > 0 && forMs <= LONGEST_MS))
        throw optionInvalid("forMs", `must be above 0 and below a thousand years, not ${forMs}`);
      return byHand(name, (cell, time) => trip(cell, { forMs, why: told("tripped by hand", reason) }, time));
    },
  };
}

function told(what: string, reason: string | undefined): string {
  const said = reason?.replaceAll(/\p{Cc}+/gu, " ").trim();
  return said ? `${what}: ${said}` : what;
}

type Noted = BreakerTransition & Pick<BreakerEntry, "by">;

function view(name: string, cell: BreakerCell | undefined): Breaker {
  if (!cell)
    return { name, state: "closed", since: undefined, why: undefined, trippedByHand: false, nextProbeAt: undefined, tally: undefined };
  const { state, since, tally } = cell;
  const opening = state === "half-open" ? cell.opening : state === "open" ? cell : undefined;
  return {
    name,
    state,
    since,
    why: opening?.why,
    trippedByHand: opening?.trippedBy === "hand",
    nextProbeAt: state === "half-open" ? cell.probe.until : state === "open" ? probeTime(cell) : undefined,
    tally: { kind: tally.kind, ...countsOf(tally) },
  };
}

function probeTime({ since, halfOpenAfterMs }: BreakerCell & { readonly state: "open" }): string | undefined {
  return halfOpenAfterMs === null ? undefined : new Date(Date.parse(since) + halfOpenAfterMs).toISOString();
}
