import type { Agent } from "../agents/agent.js";
import type { Runtime } from "../agents/runtime.js";
import type { FindAgent } from "../agents/undo.js";
import type { Sealed } from "../contracts/json.js";
import type { Program } from "../contracts/program.js";
import { programOf } from "./program.js";
import type { Workflow } from "./workflow.js";

/** What every piece of a workflow's graph works with. */
export interface Kit {
  readonly runtime: Runtime;
  readonly workflow: Workflow;
  /** What the runs of this workflow are made with. */
  readonly program: Sealed<Program>;
  /** The agent behind a step, a fan-out's branches included. */
  readonly findAgent: FindAgent;
  producerOf(contract: string): Agent | undefined;
}

export function createKit(runtime: Runtime, workflow: Workflow): Kit {
  const byName = new Map(workflow.agents.map((agent) => [agent.name, agent]));
  const byProduct = new Map(workflow.agents.map((agent) => [agent.produces.name, agent]));
  return {
    runtime,
    workflow,
    program: programOf(workflow),
    findAgent(step) {
      const branch = /^(.+)\[\d+\]$/.exec(step);
      return branch ? byName.get(branch[1] as string)?.branches?.agent : byName.get(step);
    },
    producerOf: (contract) => byProduct.get(contract),
  };
}
