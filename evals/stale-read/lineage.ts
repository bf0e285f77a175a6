import { type Agent, hashOf, type Inspection, type Version } from "../../src/index.js";
import { agentNamed, callAgent } from "./agents.js";

/** What a run's version log shows. */
export interface Lineage {
  /** Risk was made from this run's application, score and income; the decision from all that its agents made of it. */
  readonly ownParents: boolean;
  /** Both agents, called again on the data of those parents, answer the same. */
  readonly follows: boolean;
}

/** Who must have made the versions that an agent's version was made from. */
const MADE_FROM: Readonly<Record<string, readonly string[]>> = {
  "assess-risk": ["calculate-score", "input", "verify-income"],
  "decide-credit": ["assess-risk", "calculate-score", "detect-fraud", "input", "verify-income"],
};

/** Reads the proof from the version log. `agents` are as they ship: what they do at a bank has the run's own keys. */
export async function lineageOf({ versions }: Inspection, agents: readonly Agent[]): Promise<Lineage> {
  const judged = await Promise.all(Object.keys(MADE_FROM).map((name) => judge(agentNamed(agents, name), versions)));
  return {
    ownParents: judged.every(({ ownParents }) => ownParents),
    follows: judged.every(({ follows }) => follows),
  };
}

async function judge(agent: Agent, versions: readonly Version[]): Promise<Pick<Lineage, "ownParents" | "follows">> {
  const version = versions.find((one) => one.agent === agent.name);
  if (!version) return { ownParents: false, follows: false };
  const parents = versions.filter(({ number }) => version.parents.includes(number));
  const makers = parents.map((parent) => parent.agent).sort();
  if (makers.join() !== MADE_FROM[agent.name]?.join()) return { ownParents: false, follows: false };
  const inputs = Object.entries(agent.consumes).map(([name, { id }]) => [name, parents.find(({ contract }) => contract === id)?.data]);
  const again = await callAgent(agent, Object.fromEntries(inputs), `again-${version.hash}`);
  return { ownParents: true, follows: hashOf(again) === version.dataHash };
}
