import type { Version } from "../checkpoint/ports.js";
import type { Verdict } from "../contracts/contract.js";
import { isWalkbackError, messageOf, PredicateFailed } from "../contracts/failure.js";
import type { RunId } from "../contracts/ids.js";
import { type State, stateOf, type VersionedStore } from "./state.js";

/** What must be true of the state as of a version: `true`, or `false` or a sentence that says why not. */
export type StatePredicate = (state: State, version: Version) => Verdict | Promise<Verdict>;

/** A question that can be put to a run as it stood with any of its versions. */
export interface Predicate {
  /** What must hold, for messages. */
  readonly says: string;
  judge(moment: Moment): Promise<Judgement>;
}

/** A run as it stood with one of its versions. Only what is asked for is read. */
export interface Moment {
  readonly runId: RunId;
  readonly number: number;
  /** The newest version of each contract, or of the one with this name. */
  versions(contract?: string): Promise<readonly Version[]>;
}

/** `absent`: what the predicate speaks of is not there, so there is nothing that could be broken. */
export type Judgement =
  | { readonly kind: "holds" }
  | { readonly kind: "broken"; readonly why?: string | undefined }
  | { readonly kind: "absent"; readonly why: string };

export function momentOf(store: VersionedStore, runId: RunId, number: number): Moment {
  return { runId, number, versions: (contract) => store.versions.stateAt(runId, number, contract) };
}

/** The whole state, and the version with which it came about. */
export async function stateAt(moment: Moment): Promise<{ readonly state: State; readonly version: Version }> {
  const versions = await moment.versions();
  // The newest of all is the newest of its contract, so it is always among them.
  return { state: stateOf(versions), version: versions.find(({ number }) => number === moment.number) as Version };
}

/** A function as a predicate. Throws `PREDICATE_FAILED` when it throws, or answers neither true, false nor a sentence. */
export function functionHolds(holds: StatePredicate, says = holds.name || "the predicate"): Predicate {
  return {
    says,
    async judge(moment) {
      const { state, version } = await stateAt(moment);
      try {
        return judgementOf(moment, says, await holds(state, version));
      } catch (thrown) {
        throw isWalkbackError(thrown) ? thrown : cannotSay(moment, says, `it threw: ${messageOf(thrown)}`, thrown);
      }
    },
  };
}

/** Takes a verdict at its word, and nothing else for one. */
export function judgementOf(moment: Moment, says: string, verdict: unknown): Judgement {
  if (verdict === true) return { kind: "holds" };
  if (verdict === false) return { kind: "broken" };
  if (typeof verdict === "string") return { kind: "broken", why: verdict };
  throw cannotSay(moment, says, `it must answer true or false (or a sentence that says what is wrong), not ${messageOf(verdict)}`);
}

export function cannotSay({ number }: Moment, predicate: string, reason: string, cause?: unknown): PredicateFailed {
  const message = `Whether version ${number} is good cannot be said by ${predicate}: ${reason.replace(/\.$/, "")}.`;
  return new PredicateFailed(message, { predicate, number, reason }, { cause });
}
