import type { Version, VersionLog } from "../checkpoint/ports.js";
import { nameOf } from "../contracts/documents.js";
import { VersionUnknown } from "../contracts/failure.js";
import type { RunId } from "../contracts/ids.js";
import type { JsonValue } from "../contracts/json-value.js";
import type { VersionHead } from "../contracts/run.js";

/** A run's data as it stood with one of its versions, by the contracts' names (without their versions). */
export type State = Readonly<Record<string, JsonValue>>;

/** As much of a store as its history is read from. */
export interface VersionedStore {
  readonly versions: Pick<VersionLog, "find" | "stateAt" | "count">;
}

export function stateOf(versions: readonly Version[]): State {
  return Object.fromEntries(versions.map((version) => [nameOf(version.contract), version.data]));
}

export function headOf({ number, agent, contract, parents, hash }: VersionHead): VersionHead {
  return { number, agent, contract, parents, hash };
}

/** The number of a run's newest version, once all of these have been found to be there. Throws `VERSION_UNKNOWN`. */
export async function lastVersion(store: VersionedStore, runId: RunId, ...wanted: readonly (number | undefined)[]): Promise<number> {
  const last = (await store.versions.count(runId)) - 1;
  const missing = wanted.find((number) => number !== undefined && !(Number.isSafeInteger(number) && number >= 0 && number <= last));
  if (missing === undefined) return last;
  const message = `Run ${runId} has no version ${missing}; it has versions 0 to ${last}.`;
  throw new VersionUnknown(message, { runId, number: missing, last });
}
