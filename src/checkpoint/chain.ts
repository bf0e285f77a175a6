import { sha256 } from "../contracts/json.js";
import type { Version } from "./ports.js";

/** The hash before version 0. */
export const CHAIN_START = "0".repeat(64);

type Linked = Pick<
  Version,
  "number" | "agent" | "agentVersion" | "contract" | "parents" | "round" | "source" | "at" | "dataHash" | "previousHash"
> & { readonly runId: string };

/** The hash of a version covers all that is known of it, its data and the version before. */
export function linkHash(version: Linked): string {
  const { runId, number, agent, agentVersion, contract, parents, round, source, at, dataHash, previousHash } = version;
  return sha256(JSON.stringify([runId, number, agent, agentVersion, contract, parents, round, source, at, dataHash, previousHash]));
}

/** The number of the first version whose place, content or link does not hold, or undefined. */
export function firstBrokenLink(runId: string, versions: readonly (Version & { readonly json: string })[]): number | undefined {
  let previousHash = CHAIN_START;
  for (const [index, version] of versions.entries()) {
    const holds =
      version.number === index &&
      version.previousHash === previousHash &&
      version.dataHash === sha256(version.json) &&
      version.hash === linkHash({ ...version, runId });
    if (!holds) return index;
    previousHash = version.hash;
  }
  return undefined;
}
