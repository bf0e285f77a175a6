import type { Agent } from "../agents/agent.js";
import { AgentInvalid } from "../contracts/failure.js";
import { defineWorkflow, type Workflow } from "../graph/workflow.js";

/** What works in an agent's place: another way to do it, or another agent. */
export type Replacement = Agent["execute"] | Agent;

/**
 * The workflow as a replay works it: with agents replaced, and without what an agent does to the world by itself
 * (`compensate`). Throws `AGENT_INVALID` for a replacement of nobody, and `WORKFLOW_INVALID` when it does not fit.
 */
export function replayed(workflow: Workflow, replacements: Readonly<Record<string, Replacement>>): Workflow {
  const names = workflow.agents.map(({ name }) => name);
  for (const name of Object.keys(replacements)) if (!names.includes(name)) throw unknown(name, workflow, names);
  const agents = workflow.agents.map((agent) => {
    const replacement = Object.hasOwn(replacements, agent.name) ? replacements[agent.name] : undefined;
    return withoutCompensate(replacement ? replaced(agent, replacement) : agent);
  });
  const { description, ...definition } = workflow;
  return defineWorkflow({ ...definition, ...(description === undefined ? {} : { description }), agents });
}

/** A fan-out's work is done by the agent of its branches. */
function replaced(agent: Agent, replacement: Replacement): Agent {
  const { branches } = agent;
  if (branches && !isFanOut(replacement)) return { ...agent, branches: { ...branches, agent: replaced(branches.agent, replacement) } };
  return typeof replacement === "function" ? { ...agent, execute: replacement } : { ...replacement, name: agent.name };
}

function isFanOut(replacement: Replacement): boolean {
  return typeof replacement !== "function" && replacement.branches !== undefined;
}

function withoutCompensate({ compensate: _, ...agent }: Agent): Agent {
  return agent.branches ? { ...agent, branches: { ...agent.branches, agent: withoutCompensate(agent.branches.agent) } } : agent;
}

function unknown(name: string, { name: workflow }: Workflow, names: readonly string[]): AgentInvalid {
  const message = `There is no agent "${name}" in ${workflow} to be replaced. Its agents are ${names.join(", ")}.`;
  return new AgentInvalid(message, { agent: name, reason: "unknown" });
}
