import type { RunScope } from "../agents/scope.js";
import type { Version } from "../checkpoint/ports.js";
import { type Checked, type Contract, check } from "../contracts/contract.js";
import { nameOf, upcastTo, versionOf } from "../contracts/documents.js";
import { isWalkbackError, messageOf } from "../contracts/failure.js";
import { seal } from "../contracts/json.js";
import type { Kit } from "./kit.js";

/** A recorded document as far as its form goes. */
export type Recorded = Pick<Version, "contract" | "data">;

/** The contract of a version's data, without its version number. */
export function contractName(version: { readonly contract: string }): string {
  return nameOf(version.contract);
}

export function contractVersion(version: { readonly contract: string }): number {
  return versionOf(version.contract);
}

/** Holds a recorded document against a contract, shape and rules; one of an older version is brought there first. Never throws. */
export function checkAs({ workflow }: Pick<Kit, "workflow">, recorded: Recorded, contract: Contract): Checked<unknown> {
  const name = contractName(recorded);
  if (name !== contract.name) return refused(`it is a ${name}, not a ${contract.name}`);
  try {
    return check(contract, upcastTo(workflow.registry, recorded, contract));
  } catch (thrown) {
    return refused(isWalkbackError(thrown) ? thrown.message : `its upcast threw: ${messageOf(thrown)}`);
  }
}

/**
 * A recorded document in the form that its reader was written for. What this program itself recorded under that contract
 * is there already; what another one did may lack a default that has been added since.
 */
export function documentFor(kit: Kit, scope: Pick<RunScope, "foreign">, recorded: Recorded, contract: Contract): Checked<unknown> {
  if (recorded.contract === contract.id && !scope.foreign) return { ok: true, document: recorded.data };
  const checked = checkAs(kit, recorded, contract);
  if (!checked.ok) return checked;
  try {
    return { ok: true, document: seal(checked.document, kit.runtime.maxDocumentBytes).data };
  } catch (thrown) {
    return refused(messageOf(thrown));
  }
}

function refused(message: string): Checked<never> {
  return { ok: false, issues: [{ path: "", message }] };
}
