import type { Agent, OnFailure } from "../agents/agent.js";
import type { Workflow } from "../graph/workflow.js";
import { misused } from "./problem.js";

const MODES: readonly OnFailure[] = ["rollback", "skip", "cached", "ask"];

/** The same workflow with other answers to failure, each written AGENT=MODE. */
export function overrideOnFailure(workflow: Workflow, specs: readonly string[]): Workflow {
  const modes = new Map(specs.map((spec) => readMode(spec, workflow.agents)));
  const agents = workflow.agents.map((agent) => ({ ...agent, onFailure: modes.get(agent.name) ?? agent.onFailure }));
  return { ...workflow, agents };
}

function readMode(spec: string, agents: readonly Agent[]): [string, OnFailure] {
  const [name, mode] = spec.split("=");
  const agent = agents.find((candidate) => candidate.name === name);
  const onFailure = MODES.find((candidate) => candidate === mode);
  const refuse = (reason: string) => misused("--on-failure", `--on-failure ${spec} cannot be used: ${reason}.`);
  if (!agent) throw refuse(`write AGENT=MODE with one of the agents ${agents.map((candidate) => candidate.name).join(", ")}`);
  if (!onFailure) throw refuse(`the mode must be one of ${MODES.join(", ")}`);
  if (onFailure === "skip" && !agent.fallback) throw refuse(`${agent.name} has no fallback to go on with`);
  return [agent.name, onFailure];
}
