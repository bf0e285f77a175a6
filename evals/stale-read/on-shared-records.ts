import type { Agent, ContractMap, Inputs } from "../../src/index.js";
import type { CreditDecision } from "../../src/workflows/credit-decision/index.js";
import { agentNamed, callAgent } from "./agents.js";
import type { CustomerRecords } from "./customer-records.js";
import type { Submission } from "./submissions.js";

/**
 * The pipeline as teams write it: every agent leaves its work in the customer's record, the next one finds it there. All
 * awaits are in place, and no agent starts before those it needs are done.
 */
export async function decideOnSharedRecords(
  { application, runId }: Submission,
  agents: readonly Agent[],
  records: CustomerRecords,
): Promise<CreditDecision> {
  const customer = application.id;
  const section = async (name: string) => [name, await records.read(customer, name)] as const;
  const step = async (agent: string, writes: string, inputs: Inputs<ContractMap>) => {
    const product = await callAgent(agentNamed(agents, agent), inputs, runId);
    await records.write(customer, writes, product);
  };
  const assess = async () => {
    await Promise.all([step("calculate-score", "score", { application }), step("verify-income", "income", { application })]);
    const inputs = Object.fromEntries(await Promise.all([section("score"), section("income")]));
    await step("assess-risk", "risk", { application, ...inputs });
    return inputs;
  };

  const [assessed] = await Promise.all([assess(), step("detect-fraud", "fraud", { application })]);
  const inputs = Object.fromEntries(await Promise.all([section("risk"), section("fraud")]));
  return callAgent<CreditDecision>(agentNamed(agents, "decide-credit"), { application, ...assessed, ...inputs }, runId);
}
