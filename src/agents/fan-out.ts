import type { Contract, Infer, InferInput } from "../contracts/contract.js";
import { AgentInvalid } from "../contracts/failure.js";
import { type Agent, type ContractMap, defineAgent, type Inputs } from "./agent.js";

export interface FanOutDefinition<
  Consumes extends ContractMap,
  Produces extends Contract,
  ItemInputs extends ContractMap,
  Item extends Contract,
> {
  readonly name: string;
  readonly version?: number;
  readonly description?: string;
  readonly consumes: Consumes;
  readonly produces: Produces;
  /** Does the work, once for each item; `limits.maxConcurrent` bounds how many at a time. */
  readonly agent: Agent<ItemInputs, Item>;
  /** The items: one set of inputs for each call of the agent. */
  over(inputs: Inputs<Consumes>): readonly Inputs<ItemInputs>[];
  /** Makes the product of the results, which stand in the order of the items. */
  collect(outputs: readonly Infer<Item>[], inputs: Inputs<Consumes>): InferInput<Produces>;
}

/**
 * One agent over a list of inputs, in parallel; the results come in the order of the inputs, whoever was first.
 * Every branch is a version of its own (`name[3]`), guarded, repaired and walked back like any agent's; one branch that
 * fails for good fails the whole, unless its agent says otherwise with `onFailure`.
 */
export function fanOut<Consumes extends ContractMap, Produces extends Contract, ItemInputs extends ContractMap, Item extends Contract>(
  definition: FanOutDefinition<Consumes, Produces, ItemInputs, Item>,
): Agent<Consumes, Produces> {
  const { agent, over, collect, ...rest } = definition;
  if (agent.branches)
    throw new AgentInvalid(`Fan-out "${rest.name}" cannot run the fan-out "${agent.name}".`, {
      agent: rest.name,
      reason: "nested fan-out",
    });
  const conductor = defineAgent({
    ...rest,
    repairRounds: 0,
    execute: () =>
      Promise.reject(new AgentInvalid(`Fan-out "${rest.name}" is run by its branches.`, { agent: rest.name, reason: "executed directly" })),
  });
  // The branches are typed against the definition here; inside the house they are handed just what `over` returned.
  return Object.freeze({
    ...conductor,
    effects: [],
    branches: { agent, over, collect } as unknown as NonNullable<Agent<Consumes>["branches"]>,
  });
}
