import type { Version } from "../checkpoint/ports.js";
import { check } from "../contracts/contract.js";
import { type Call, inputHash } from "./call.js";
import type { Runtime } from "./runtime.js";

export type CacheQuestion = Pick<Call, "agent" | "step" | "workflow" | "from">;

/**
 * What this very version of the agent answered to the same inputs before, in a run of the same workflow that completed; so a
 * stale read is impossible. The newest that keeps the contract (a gate may have sent one back in its run) and is `wanted`.
 */
export async function findCached(
  { store }: Pick<Runtime, "store">,
  { agent, step, workflow, from }: CacheQuestion,
  wanted: (version: Version) => boolean = () => true,
): Promise<Version | undefined> {
  const earlier = await store.versions.findAnswers({
    workflow,
    agent: step,
    agentVersion: agent.version,
    contract: agent.produces.id,
    inputHash: inputHash({ from, feedback: [] }),
  });
  return earlier.find((version) => wanted(version) && check(agent.produces, version.data).ok);
}
