import type { Agent } from "../../src/index.js";
import type { CustomerRecords } from "./customer-records.js";

/**
 * Breaks the rule that an agent works with what it is handed: calculate-score also writes to the shared records, and
 * assess-risk takes the score from there. With it the evaluation must fail.
 */
export function boltOnCache(agents: readonly Agent[], records: CustomerRecords): readonly Agent[] {
  return agents.map((agent) => {
    if (agent.name === "calculate-score") return writing(agent, records);
    return agent.name === "assess-risk" ? reading(agent, records) : agent;
  });
}

function writing(agent: Agent, records: CustomerRecords): Agent {
  const execute: Agent["execute"] = async (inputs, context) => {
    const answer = await agent.execute(inputs, context);
    if (answer.status === "completed") await records.write(customerOf(inputs), "score", answer.output);
    return answer;
  };
  return { ...agent, execute };
}

function reading(agent: Agent, records: CustomerRecords): Agent {
  const execute: Agent["execute"] = async (inputs, context) =>
    agent.execute({ ...inputs, score: await records.read(customerOf(inputs), "score") }, context);
  return { ...agent, execute };
}

function customerOf(inputs: Readonly<Record<string, unknown>>): string {
  return (inputs["application"] as { readonly id: string }).id; // both agents consume the application
}
