import type { Version } from "../checkpoint/ports.js";
import { type Checked, check, describeIssues } from "../contracts/contract.js";
import { InputInvalid, VersionUnknown } from "../contracts/failure.js";
import { newRunId, type RunId } from "../contracts/ids.js";
import { type Sealed, seal } from "../contracts/json.js";
import type { JsonObject, JsonValue } from "../contracts/json-value.js";
import type { Run } from "../contracts/run.js";
import type { Kit } from "../graph/kit.js";
import { checkAs } from "../graph/upcast.js";
import { type Parts, recordOf } from "./parts.js";
import { continuable } from "./release.js";
import { carryAccepted, refuseWhenDraining, type StartOptions } from "./start.js";

export interface ForkOptions extends Pick<StartOptions, "runId" | "onAccepted"> {
  /** The number of the last version that both runs share. */
  readonly from: number;
  /** Changes that version's data for the fork: a JSON Merge Patch (RFC 7396), in which `null` removes. */
  readonly set?: JsonValue;
}

export async function fork(parts: Parts, sourceId: string, options: ForkOptions): Promise<Run> {
  const { from, set, onAccepted } = options;
  const { store, runtime } = parts;
  const source = await recordOf(parts, sourceId);
  const runId = (options.runId ?? newRunId()) as RunId;
  refuseWhenDraining(parts, runId);
  const shared = await versionOf(parts, source.runId, from);
  const { entry, foreign } = await continuable(parts, source, from);
  const { kit } = entry;
  const data = set === undefined ? undefined : patched(kit, shared, set);
  const forked = await store.runs.fork({
    runId,
    acceptedAt: runtime.now().toISOString(),
    holder: runtime.holder,
    until: runtime.leaseUntil(),
    from: { runId: source.runId, number: from },
    data,
  });
  const scope = runtime.open(forked.lease);
  scope.foreign = foreign;
  const { name, version } = kit.workflow;
  const forkedFrom = { runId: source.runId, version: from };
  scope.emit({ type: "run.accepted", workflow: name, version: source.workflowVersion, forkedFrom });
  if (foreign) scope.emit({ type: "run.carried-on", workflow: name, version });
  return carryAccepted(parts, entry, { scope, first: forked.version }, onAccepted);
}

/** Throws `VERSION_UNKNOWN`. */
export async function versionOf({ store }: Pick<Parts, "store">, runId: RunId, number: number): Promise<Version> {
  const version = Number.isSafeInteger(number) ? await store.versions.find(runId, number) : undefined;
  if (version) return version;
  const last = (await store.versions.count(runId)) - 1;
  throw new VersionUnknown(`Run ${runId} has no version ${number}; its last one is ${last}.`, { runId, number, last });
}

/** The version's data with the changes, as its contract has it. Throws `INPUT_INVALID`. */
function patched(kit: Kit, version: Version, set: JsonValue): Sealed {
  const { maxDocumentBytes } = kit.runtime;
  const { data } = seal(mergePatch(version.data, seal(set, maxDocumentBytes).data), maxDocumentBytes);
  const checked = checkChanged(kit, { ...version, data });
  if (checked.ok) return seal<JsonValue>(checked.document, maxDocumentBytes);
  const message = `Version ${version.number} cannot be changed like this, it would not keep ${version.contract}: ${describeIssues(checked.issues)}.`;
  throw new InputInvalid(message, { contract: version.contract, issues: checked.issues });
}

/** By the contract it was recorded under, if this program knows it, and by what its readers will take it for. */
function checkChanged(kit: Kit, version: Version): Checked<unknown> {
  const { registry, input } = kit.workflow;
  const own = registry.has(version.contract) ? check(registry.get(version.contract), version.data) : undefined;
  if (own && !own.ok) return own;
  const read = version.number === 0 ? input : kit.findAgent(version.agent)?.produces;
  const checked = read ? checkAs(kit, version, read) : undefined;
  if (checked && !checked.ok) return checked;
  return own ?? { ok: true, document: version.data };
}

/** RFC 7396. */
function mergePatch(target: JsonValue | undefined, patch: JsonValue): JsonValue {
  if (!isObject(patch)) return patch;
  const merged: Record<string, JsonValue> = isObject(target) ? { ...target } : {};
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) delete merged[name];
    else merged[name] = mergePatch(Object.hasOwn(merged, name) ? merged[name] : undefined, value);
  }
  return merged;
}

function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
