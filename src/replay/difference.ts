import type { Outcome, Version } from "../checkpoint/ports.js";
import { nameOf, upcastTo, versionOf } from "../contracts/documents.js";
import type { Failure } from "../contracts/failure.js";
import { hashOf } from "../contracts/json.js";
import type { JsonValue } from "../contracts/json-value.js";
import type { ContractRegistry } from "../contracts/registry.js";
import { type PatchOperation, patchBetween } from "../history/diff.js";
import type { RecordedOutcome, RunOnRecord } from "./record.js";

/**
 * The first thing that a replay did otherwise. `data`: another answer; `failure`: a failure in place of an answer, an
 * answer in place of a failure, or another failure; `missing`: on record and not done again; `extra`: done and not on record.
 */
export interface Difference {
  readonly kind: "data" | "failure" | "missing" | "extra";
  /** Its number on record; undefined for what has none: a failed round, or what the run never did. */
  readonly version: number | undefined;
  /** With a fan-out the name of the branch: `agent[3]`. */
  readonly agent: string;
  readonly round: number;
  /** The version's data, or the failure; undefined when there is neither. */
  readonly recorded: JsonValue | Failure | undefined;
  readonly replayed: JsonValue | Failure | undefined;
  /** With `data`: a JSON Patch (RFC 6902) that turns what is on record into the other answer. */
  readonly patch?: readonly PatchOperation[];
}

export async function withPatch(difference: Difference | undefined): Promise<Difference | undefined> {
  if (difference?.kind !== "data") return difference;
  const { recorded, replayed } = difference;
  return { ...difference, patch: await patchBetween(recorded as JsonValue, replayed as JsonValue) }; // with `data` both are
}

/** What happened in a round of a replay, held against the record; undefined when they agree. */
export function compareOutcomes(recorded: RecordedOutcome | undefined, replayed: Outcome, at: Comparing) {
  const about = { agent: at.step, round: at.round, replayed: contentOf(replayed) };
  if (!recorded) return { kind: "extra", version: undefined, recorded: undefined, ...about } as const;
  const { outcome } = recorded;
  const known = { version: numberOf(outcome), recorded: contentOf(outcome), ...about };
  if (outcome.kind === "version" && replayed.kind === "version")
    return sameAnswer(outcome.version, replayed.version, at) ? undefined : ({ kind: "data", ...known } as const);
  if (outcome.kind === "failure" && replayed.kind === "failure" && sameFailure(outcome.failure, replayed.failure)) return undefined;
  return { kind: "failure", ...known } as const;
}

interface Comparing extends Pick<RecordedOutcome, "step" | "round"> {
  readonly registry: ContractRegistry;
}

/** What is on record in an older version of its contract is the same answer when it is the same once it has been upcast. */
function sameAnswer(recorded: Version, replayed: Version, { registry }: Comparing): boolean {
  if (recorded.dataHash === replayed.dataHash) return true;
  const [older, newer] = [recorded.contract, replayed.contract];
  if (nameOf(older) !== nameOf(newer) || versionOf(older) >= versionOf(newer)) return false;
  try {
    return hashOf(upcastTo(registry, recorded, { version: versionOf(newer) })) === replayed.dataHash;
  } catch {
    return false; // nothing leads from the one to the other
  }
}

/** What is on record and has not come again; what came after the run had failed need not. */
export function missingFrom({ run, failed }: RunOnRecord, left: readonly RecordedOutcome[]): { difference: Difference; place: number }[] {
  const last = run.status === "completed" ? Number.POSITIVE_INFINITY : (failed?.place ?? Number.POSITIVE_INFINITY);
  const due = left.filter(({ place }) => place < last);
  return due.map(({ step, round, place, outcome }) => ({
    place,
    difference: {
      kind: "missing",
      version: numberOf(outcome),
      agent: step,
      round,
      recorded: contentOf(outcome),
      replayed: undefined,
    },
  }));
}

/** Two runs whose steps all agree may still end in another way: a gate lets less through, or more. */
export function compareEnds({ run, failed }: RunOnRecord, replayed: { readonly status: string; readonly failure: Failure | undefined }) {
  const ended = replayed.status === "completed" || replayed.failure !== undefined;
  const known = run.status === "completed" || failed !== undefined;
  if (!ended || !known || sameEnd(failed?.failure, replayed.failure)) return undefined;
  const agent = replayed.failure?.details["agent"] ?? failed?.failure.details["agent"] ?? "";
  return {
    kind: "failure",
    version: run.outputVersion,
    agent: String(agent),
    round: 0,
    recorded: failed?.failure,
    replayed: replayed.failure,
  } as const;
}

function sameEnd(one: Failure | undefined, other: Failure | undefined): boolean {
  return one && other ? one.code === other.code : one === other;
}

/** Messages and causes may name times and attempts. */
function sameFailure(one: Failure, other: Failure): boolean {
  return one.code === other.code && JSON.stringify(one.details) === JSON.stringify(other.details);
}

function contentOf(outcome: Outcome): JsonValue | Failure {
  return outcome.kind === "version" ? outcome.version.data : outcome.failure;
}

function numberOf(outcome: Outcome): number | undefined {
  return outcome.kind === "version" ? outcome.version.number : undefined;
}
