import type { Contract } from "./contract.js";
import type { ContractRegistry } from "./registry.js";

/** `name` of `name@version`. */
export function nameOf(contract: string): string {
  return contract.slice(0, contract.lastIndexOf("@"));
}

/** `version` of `name@version`. */
export function versionOf(contract: string): number {
  return Number(contract.slice(contract.lastIndexOf("@") + 1));
}

/** A document of a contract, brought to the version of another one of that name. Throws `UPCAST_MISSING`, and what an upcast throws. */
export function upcastTo(
  registry: Pick<ContractRegistry, "upcastChain">,
  { contract, data }: { readonly contract: string; readonly data: unknown },
  wanted: Pick<Contract, "version">,
): unknown {
  const chain = registry.upcastChain(nameOf(contract), versionOf(contract), wanted.version);
  return chain.reduce((document, upcast) => upcast(document), data);
}
