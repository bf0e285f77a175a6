import type { Delta, Options } from "jsondiffpatch";
import type { Version } from "../checkpoint/ports.js";
import { nameOf } from "../contracts/documents.js";
import { pointerOf } from "../contracts/failure.js";
import type { RunId } from "../contracts/ids.js";
import { deepFreeze } from "../contracts/json.js";
import type { JsonValue } from "../contracts/json-value.js";
import type { VersionHead } from "../contracts/run.js";
import { keepLongArraysApart } from "./long-arrays.js";
import { headOf, lastVersion, stateOf, type VersionedStore } from "./state.js";

/** One operation of a JSON Patch (RFC 6902). Others than these three are not needed. */
export type PatchOperation =
  | { readonly op: "add" | "replace"; readonly path: string; readonly value: JsonValue }
  | { readonly op: "remove"; readonly path: string };

/** How a run's state as of one version differs from its state as of another. */
export interface VersionDiff {
  readonly runId: RunId;
  readonly from: number;
  readonly to: number;
  /** Turns the one state into the other; its paths begin with a contract's name. */
  readonly patch: readonly PatchOperation[];
  /** The same for a reader: the contracts that have another version, in the order in which those were made. */
  readonly contracts: readonly ContractDiff[];
}

export interface ContractDiff {
  /** Without its version. */
  readonly contract: string;
  /** Undefined when the contract was not there yet. */
  readonly before: VersionHead | undefined;
  readonly after: VersionHead | undefined;
  /** Empty when another version says the same. */
  readonly changes: readonly Change[];
}

/** One value that was added (no `before`), removed (no `after`) or changed. */
export interface Change {
  /** JSON Pointer into the contract's data, "" for all of it. An item that was removed is named by where it was. */
  readonly path: string;
  readonly before?: JsonValue;
  readonly after?: JsonValue;
}

/** Compares the state as of version `from` with the state as of version `to`. Throws `RUN_UNKNOWN` and `VERSION_UNKNOWN`. */
export async function diffVersions(store: VersionedStore, runId: RunId, from: number, to: number): Promise<VersionDiff> {
  await lastVersion(store, runId, from, to);
  const [before, after] = await Promise.all([store.versions.stateAt(runId, from), store.versions.stateAt(runId, to)]);
  const { delta, patch } = await compare(stateOf(before), stateOf(after));
  return deepFreeze({ runId, from, to, patch, contracts: contractDiffs(before, after, delta) });
}

/** What turns one document into the other. */
export async function patchBetween(before: JsonValue, after: JsonValue): Promise<readonly PatchOperation[]> {
  const { patch } = await compare({ document: before }, { document: after });
  return patch.map((operation) => ({ ...operation, path: operation.path.slice("/document".length) }));
}

type Deltas = Readonly<Record<string, Delta>>;

/** The library's answer in plain JSON. It takes a moment to load, so only who compares waits for it. */
async function compare(before: JsonValue, after: JsonValue): Promise<{ delta: Deltas; patch: readonly PatchOperation[] }> {
  const [{ create }, { format }] = await Promise.all([import("jsondiffpatch"), import("jsondiffpatch/formatters/jsonpatch")]);
  const differ = create(OPTIONS);
  differ.processor.pipes.diff.before("arrays", keepLongArraysApart);
  const delta = differ.diff(withoutPrototypes(before), withoutPrototypes(after));
  if (delta === undefined) return { delta: {}, patch: [] };
  // States are objects, so what differs is told by their properties; moves are off, so only three operations are left.
  return JSON.parse(JSON.stringify({ delta, patch: format(delta) })) as { delta: Deltas; patch: PatchOperation[] };
}

const NAMING_KEYS = ["id", "key", "name", "code"];

const OPTIONS: Options = {
  // What a thing in a list is called says which one it is; failing that, its place does.
  objectHash: (item: object | null, index) => {
    const names = NAMING_KEYS.map((key) => (item as Record<string, unknown> | null)?.[key]);
    const name = names.find((value) => typeof value === "string" || typeof value === "number");
    return name === undefined ? `at ${index}` : `called ${name}`;
  },
  arrays: { detectMove: false },
};

/** For the library a property called `constructor` would otherwise be there when it is not. */
function withoutPrototypes(document: JsonValue): unknown {
  return JSON.parse(JSON.stringify(document), (_, value: unknown) =>
    typeof value === "object" && value !== null && !Array.isArray(value) ? Object.assign(Object.create(null), value) : value,
  );
}

function contractDiffs(before: readonly Version[], after: readonly Version[], delta: Deltas): ContractDiff[] {
  const old = new Map(before.map((version) => [nameOf(version.contract), version]));
  const now = new Map(after.map((version) => [nameOf(version.contract), version]));
  return [...new Set([...old.keys(), ...now.keys()])]
    .map((contract) => ({ contract, before: old.get(contract), after: now.get(contract) }))
    .filter((pair) => pair.before?.number !== pair.after?.number)
    .sort((a, b) => newest(a) - newest(b))
    .map(({ contract, ...pair }) => ({
      contract,
      before: pair.before && headOf(pair.before),
      after: pair.after && headOf(pair.after),
      changes: Object.hasOwn(delta, contract) ? changesIn(delta[contract], []) : [],
    }));
}

function newest({ before, after }: { readonly before: Version | undefined; readonly after: Version | undefined }): number {
  return Math.max(before?.number ?? 0, after?.number ?? 0);
}

/** The leaves of a delta, as jsondiffpatch writes it: [added], [old, new], [removed, 0, 0], or an object of deltas. */
function changesIn(delta: Delta, path: readonly string[]): Change[] {
  if (delta === undefined) return [];
  if (!Array.isArray(delta)) {
    const { _t: kind, ...items } = delta as Record<string, Delta | "a">;
    const inArray = kind === "a"; // a property that is called _t has a delta, not a letter
    const entries = Object.entries(inArray ? items : delta) as [string, Delta][];
    return entries.flatMap(([key, inner]) => changesIn(inner, [...path, inArray ? key.replace("_", "") : key]));
  }
  const [first, second] = delta as JsonValue[];
  const change = { path: pointerOf(path) };
  if (delta.length === 1) return [{ ...change, after: first as JsonValue }];
  return [
    delta.length === 2 ? { ...change, before: first as JsonValue, after: second as JsonValue } : { ...change, before: first as JsonValue },
  ];
}
