import type { Version } from "../checkpoint/ports.js";
import { type Checked, type Contract, check, describeIssues } from "../contracts/contract.js";
import { upcastTo } from "../contracts/documents.js";
import { isWalkbackError, messageOf } from "../contracts/failure.js";
import { type ContractRegistry, contractRegistry } from "../contracts/registry.js";
import type { Predicate } from "./predicate.js";

/**
 * Holds while the newest version of a contract keeps its shape and its rules, and while there is none yet. A document of
 * an older version is upcast first, through the registry where the contract itself does not know the way; `UPCAST_MISSING`
 * when there is no way.
 */
export function contractHolds(
  contract: Contract,
  registry: Pick<ContractRegistry, "upcastChain"> = contractRegistry([contract]),
): Predicate {
  return {
    says: contract.id,
    async judge(moment) {
      const [version] = await moment.versions(contract.name);
      if (!version) return { kind: "absent", why: `${contract.name} is not there` };
      const checked = checkVersion(version, contract, registry);
      return checked.ok ? { kind: "holds" } : { kind: "broken", why: describeIssues(checked.issues) };
    },
  };
}

function checkVersion(version: Version, contract: Contract, registry: Pick<ContractRegistry, "upcastChain">): Checked<unknown> {
  const { contract: id, data } = version;
  if (id === contract.id) return check(contract, data);
  try {
    return check(contract, upcastTo(registry, version, contract));
  } catch (thrown) {
    if (isWalkbackError(thrown)) throw thrown;
    return { ok: false, issues: [{ path: "", message: `its upcast from ${id} threw: ${messageOf(thrown)}` }] };
  }
}
