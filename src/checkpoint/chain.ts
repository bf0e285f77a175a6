import { sha256 } from "../contracts/json.js";
import type { JournalEntry, NewVersion, Version } from "./ports.js";

/** The hash before version 0 of a run, and before its first journal entry. */
export const CHAIN_START = "0".repeat(64);

/** What a version's hash covers: all that is known of it, its data and the version before. */
export interface Link
  extends Pick<NewVersion, "runId" | "agent" | "agentVersion" | "contract" | "round" | "source" | "tier" | "inputHash" | "at">,
    Pick<Version, "number" | "dataHash" | "previousHash"> {
  /** As JSON, so that a chain can be checked however its rows were damaged. */
  readonly parents: string;
}

export function linkHash(link: Link): string {
  const { runId, number, agent, agentVersion, contract, parents, round, source, tier, inputHash, at, dataHash, previousHash } = link;
  const facts = [runId, number, agent, agentVersion, contract, parents, round, source, inputHash, at, dataHash, previousHash];
  return sha256(JSON.stringify(tier === undefined ? facts : [...facts, tier]));
}

/** The hash of a journal entry, over everything in it and the entry before. `body` is JSON. */
export function entryHash(entry: Omit<JournalEntry, "body"> & { readonly body: string; readonly place: number }, previous: string): string {
  const { runId, place, key, phase, agent, effect, identity, generation, body, epoch, at } = entry;
  return sha256(JSON.stringify([runId, place, key, phase, agent, effect, identity, generation, body, epoch, at, previous]));
}

/** Where the chain of a fork begins: bound to the version of the other run that it goes on from. */
export function forkStart(from: { readonly runId: string; readonly number: number; readonly hash: string }): string {
  return sha256(JSON.stringify(["fork", from.runId, from.number, from.hash]));
}
