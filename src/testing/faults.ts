import { setTimeout as delay } from "node:timers/promises";
import { type Agent, type AgentContext, type ContractMap, type Inputs, isLive, tiersOf } from "../agents/agent.js";
import type { Contract } from "../contracts/contract.js";
import { AgentUnavailable, WalkbackError } from "../contracts/failure.js";
import type { Workflow } from "../graph/workflow.js";

/** A fault that cannot be injected: it is misspelled, or the workflow has no such agent. */
export class FaultInvalid extends WalkbackError<{ spec: string; reason: string; agents: readonly string[] }> {
  readonly code = "INPUT_INVALID";
}

/**
 * The same workflow with faults in its agents, for demonstrations and tests:
 *
 * - `fail:AGENT` throws before the agent works; `fail:AGENT:after` once all its work, effects included, is done
 * - `slow:AGENT:MS` waits before the agent works, and stops waiting when the attempt is over
 * - `flaky:AGENT:N` makes the agent unavailable for its first N calls in each run, retries counted; then it works
 *
 * With tiers it is every tier that works, or the one that is named: `fail:AGENT/TIER`.
 *
 * Several faults of one agent apply in the order given. The agent's breaker counts these failures like any other, over
 * all runs: five in a row open it. Nothing else is needed to break an agent: it is data, so
 * `{ ...agent, execute }` is another one. Throws `FaultInvalid` and lists the agents.
 */
export function injectFaults<Input extends Contract, Output extends Contract>(
  workflow: Workflow<Input, Output>,
  specs: readonly string[],
): Workflow<Input, Output> {
  const faults = specs.map((spec) => readFault(spec, workflow));
  return Object.freeze({ ...workflow, agents: Object.freeze(workflow.agents.map((agent) => withFaults(agent, faults))) });
}

type Execute = Agent["execute"];

interface Fault {
  readonly agent: string;
  readonly tier: string | undefined;
  /** The agent's `execute` with the fault in front of it or behind it. */
  readonly wrap: (execute: Execute) => Execute;
}

/** With a fan-out it is the agent of the branches that breaks, by its own name or the fan-out's. */
function withFaults(agent: Agent, faults: readonly Fault[], alias?: string): Agent {
  const { branches } = agent;
  if (branches) return { ...agent, branches: { ...branches, agent: withFaults(branches.agent, faults, agent.name) } };
  const mine = faults.filter((fault) => fault.agent === agent.name || fault.agent === alias);
  if (mine.length === 0) return agent;
  const tiers = tiersOf(agent);
  if (tiers.length > 0)
    return Object.freeze({ ...agent, tiers: tiers.map((tier) => (isLive(tier) ? broken(tier, mine, tier.name) : tier)) });
  return Object.freeze(broken(agent, mine));
}

function broken<Worker extends { readonly execute: Execute }>(worker: Worker, faults: readonly Fault[], tier?: string): Worker {
  const execute: Execute = (inputs, context) => worker.execute(inputs, context);
  const mine = faults.filter((fault) => fault.tier === undefined || fault.tier === tier);
  return { ...worker, execute: mine.reduceRight((inner, fault) => fault.wrap(inner), execute) };
}

function readFault(spec: string, workflow: Workflow): Fault {
  const agents = namesOf(workflow);
  const [kind = "", whose = "", argument, ...rest] = spec.split(":");
  const [agent = "", tier] = whose.split("/");
  const refuse = (reason: string) => new FaultInvalid(`"${spec}" cannot be injected: ${reason}.`, { spec, reason, agents });
  const wrap = rest.length === 0 ? wrapperOf(kind, agent, argument) : undefined;
  if (!wrap) throw refuse("write fail:AGENT, fail:AGENT:after, slow:AGENT:MS or flaky:AGENT:N");
  if (!agents.includes(agent)) throw refuse(`there is no agent "${agent}"; the agents are ${agents.join(", ")}`);
  const tiers = tiersOfAgent(workflow, agent);
  if (tier !== undefined && !tiers.includes(tier))
    throw refuse(`${agent} has no tier "${tier}" that works; it has ${tiers.join(", ") || "no tiers"}`);
  return { agent, tier, wrap };
}

function wrapperOf(kind: string, agent: string, argument: string | undefined): Fault["wrap"] | undefined {
  if (agent === "") return undefined;
  if (kind === "fail" && argument === undefined) return failBefore;
  if (kind === "fail" && argument === "after") return failAfter;
  if (argument === undefined || !/^\d{1,9}$/.test(argument)) return undefined;
  if (kind === "slow") return slow(Number(argument));
  return kind === "flaky" ? flaky(agent, Number(argument)) : undefined;
}

const failBefore: Fault["wrap"] = () => () => Promise.reject(new Error("injected fault"));

const failAfter: Fault["wrap"] = (execute) => async (inputs, context) => {
  await execute(inputs, context);
  throw new Error("injected fault, after the work was done");
};

const slow =
  (waitMs: number): Fault["wrap"] =>
  (execute) =>
  async (inputs: Inputs<ContractMap>, context: AgentContext) => {
    await delay(waitMs, undefined, { signal: context.signal });
    return execute(inputs, context);
  };

function flaky(agent: string, failures: number): Fault["wrap"] {
  const calls = new Map<string, number>();
  return (execute) => async (inputs, context) => {
    const call = (calls.get(context.runId) ?? 0) + 1;
    calls.set(context.runId, call);
    if (call > failures) return execute(inputs, context);
    throw new AgentUnavailable(`${agent} is not available: injected fault, call ${call} of the ${failures} that fail.`, { agent });
  };
}

/** Those that work, by name. */
function tiersOfAgent({ agents }: Workflow, wanted: string): string[] {
  const all = agents.flatMap((agent) =>
    agent.branches ? [agent, { ...agent.branches.agent, name: agent.name }, agent.branches.agent] : [agent],
  );
  return all.filter(({ name }) => name === wanted).flatMap((agent) => tiersOf(agent).flatMap((tier) => (isLive(tier) ? [tier.name] : [])));
}

function namesOf({ agents }: Workflow): string[] {
  return agents.flatMap(({ name, branches }) => (branches && branches.agent.name !== name ? [name, branches.agent.name] : [name]));
}
