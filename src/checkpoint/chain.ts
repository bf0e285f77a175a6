import { sha256 } from "../contracts/json.js";
import type { NewVersion, Version } from "./ports.js";

/** The hash before version 0. */
export const CHAIN_START = "0".repeat(64);

/** What a version's hash covers: all that is known of it, its data and the version before. */
export interface Link
  extends Pick<NewVersion, "runId" | "agent" | "agentVersion" | "contract" | "round" | "source" | "inputHash" | "at">,
    Pick<Version, "number" | "dataHash" | "previousHash"> {
  /** As JSON, so that a chain can be checked however its rows were damaged. */
  readonly parents: string;
}

export function linkHash(link: Link): string {
  const { runId, number, agent, agentVersion, contract, parents, round, source, inputHash, at, dataHash, previousHash } = link;
  return sha256(
    JSON.stringify([runId, number, agent, agentVersion, contract, parents, round, source, inputHash, at, dataHash, previousHash]),
  );
}

/** The number of the first version whose place, content or link does not hold, or undefined. */
export function firstBrokenLink(versions: readonly (Link & { readonly hash: string; readonly json: string })[]): number | undefined {
  let previousHash = CHAIN_START;
  for (const [index, version] of versions.entries()) {
    const holds =
      version.number === index &&
      version.previousHash === previousHash &&
      version.dataHash === sha256(version.json) &&
      version.hash === linkHash(version);
    if (!holds) return index;
    previousHash = version.hash;
  }
  return undefined;
}
