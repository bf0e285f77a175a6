import { type JsonValue, type RunId, RunUnknown, type Version } from "walkback";
import type { VersionedStore } from "../../src/history/state.js";

export const RUN = "00000000-0000-7000-8000-000000000001" as RunId;

/** What a test says of a version; its number is its place. */
export interface Step {
  readonly agent?: string;
  /** `name@version`. */
  readonly contract: string;
  readonly data: JsonValue;
}

/** A run that went through these steps, in the order in which they were committed. It remembers what was read of it. */
export function aHistory(steps: readonly Step[]): VersionedStore & { readonly reads: readonly Read[] } {
  const versions = steps.map(versionOf);
  const reads: Read[] = [];
  const ofRun = (runId: RunId) => {
    if (runId === RUN) return versions;
    throw new RunUnknown(`There is no run ${runId}.`, { runId });
  };
  return {
    reads,
    versions: {
      find: async (runId, number) => ofRun(runId)[number],
      count: async (runId) => ofRun(runId).length,
      stateAt: async (runId, number, contract) => {
        const newest = new Map<string, Version>();
        for (const version of ofRun(runId).slice(0, number + 1)) newest.set(version.contract.replace(/@\d+$/, ""), version);
        const found = [...newest].filter(([name]) => contract === undefined || name === contract).map(([, version]) => version);
        reads.push({ number, contract, versions: found.length });
        return found.sort((a, b) => a.number - b.number);
      },
    },
  };
}

export interface Read {
  readonly number: number;
  readonly contract: string | undefined;
  readonly versions: number;
}

function versionOf({ agent, contract, data }: Step, number: number): Version {
  return {
    number,
    agent: agent ?? (number === 0 ? "input" : "work"),
    agentVersion: 1,
    contract,
    parents: number === 0 ? [] : [number - 1],
    round: 0,
    tier: undefined,
    source: number === 0 ? "input" : "agent",
    dataHash: "",
    previousHash: "",
    hash: `hash ${number}`,
    at: "2026-11-02T08:00:00.000Z",
    data,
  };
}
