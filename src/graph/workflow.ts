import type { Agent } from "../agents/agent.js";
import type { Contract } from "../contracts/contract.js";
import { isWalkbackError, WorkflowInvalid, type WorkflowIssue } from "../contracts/failure.js";
import type { JsonValue } from "../contracts/json-value.js";
import { type ContractRegistry, contractRegistry } from "../contracts/registry.js";
import { sagaIssues } from "./saga-rules.js";

/** What the graph calls its own nodes and channels; an agent may not bear these names. */
export const NODES = { accept: "accept", settle: "settle", walkBack: "walk-back" } as const;
export const CHANNELS = { versions: "versions", failure: "failure", undone: "undone" } as const;

/** Who made version 0. */
const INPUT_AGENT = "input";

/** The gate in front of an agent. */
export function gateName(agent: string): string {
  return `gate-${agent}`;
}

/** An input contract, an output contract and agents. Who waits for whom follows from what they consume and produce. */
export interface Workflow<Input extends Contract = Contract, Output extends Contract = Contract> {
  readonly name: string;
  readonly version: number;
  readonly description: string | undefined;
  readonly input: Input;
  readonly output: Output;
  readonly agents: readonly Agent[];
  /** When an undo fails for good: go on with the others (`continue`), or park at once (`stop`). */
  readonly onUndoFailure: "continue" | "stop";
  readonly registry: ContractRegistry;
}

export interface WorkflowDefinition<Input extends Contract, Output extends Contract> {
  readonly name: string;
  readonly version?: number;
  readonly description?: string;
  readonly input: Input;
  readonly output: Output;
  readonly agents: readonly Agent[];
  readonly onUndoFailure?: "continue" | "stop";
}

/** A workflow with what the command line needs to run it. */
export interface WorkflowPackage {
  readonly name: string;
  readonly description: string;
  /** Opens the other side (files go into `dataDir`; in memory without one) and builds the workflow on it. */
  open(options: { readonly dataDir: string | undefined }): Promise<{ readonly workflow: Workflow; close(): Promise<void> }>;
  /** How a row of a CSV file becomes an input. `toInput` may throw an Error that names the column. */
  readonly csv?: { readonly columns: readonly string[]; toInput(row: Readonly<Record<string, string>>): unknown };
  readonly samples: readonly Sample[];
  /** Short cells for a table of results. */
  summarize(output: JsonValue): Readonly<Record<string, string>>;
}

export interface Sample {
  readonly title: string;
  readonly input: unknown;
  /** Faults to run it with, like `fail:decide-credit`. */
  readonly inject?: readonly string[];
}

/** Defines a workflow, or throws one `WORKFLOW_INVALID` that lists everything wrong with it. */
export function defineWorkflow<Input extends Contract, Output extends Contract>(
  definition: WorkflowDefinition<Input, Output>,
): Workflow<Input, Output> {
  const { name, version = 1, input, output, agents, onUndoFailure = "continue" } = definition;
  const issues = [
    ...nameIssues(name, version, agents),
    ...producerIssues(input, agents),
    ...consumerIssues(input, output, agents),
    ...fallbackIssues(output, agents),
    ...cycleIssues(agents),
    ...sagaIssues(agents),
  ];
  if (issues.length > 0) throw invalid(name, issues);
  const registry = registryOf(name, [input, output, ...agents.flatMap(contractsOf)]);
  return Object.freeze({
    name,
    version,
    description: definition.description,
    input,
    output,
    agents: Object.freeze([...agents]),
    onUndoFailure,
    registry,
  });
}

/** The agents whose work an agent waits for, each once, in the order of the workflow. */
export function producersOf(workflow: Pick<Workflow, "agents">, agent: Agent): Agent[] {
  const consumed = new Set(Object.values(agent.consumes).map(({ name }) => name));
  return workflow.agents.filter((candidate) => consumed.has(candidate.produces.name));
}

export function consumersOf(workflow: Pick<Workflow, "agents">, agent: Agent): Agent[] {
  return workflow.agents.filter((candidate) => Object.values(candidate.consumes).some(({ name }) => name === agent.produces.name));
}

const WORKFLOW_NAME = /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/;

function nameIssues(name: string, version: number, agents: readonly Agent[]): WorkflowIssue[] {
  const issues: WorkflowIssue[] = [];
  if (!WORKFLOW_NAME.test(name))
    issues.push({ problem: "bad-name", message: `the workflow's name "${name}" must be lower case words joined by dashes` });
  if (!Number.isSafeInteger(version) || version < 1)
    issues.push({ problem: "bad-name", message: `the workflow's version ${version} must be a positive integer` });
  if (agents.length === 0) issues.push({ problem: "missing-producer", message: "it has no agents" });
  const reserved = new Set<string>([...Object.values(NODES), ...Object.values(CHANNELS), INPUT_AGENT]);
  const seen = new Set<string>();
  for (const { name: agent } of agents) {
    if (!WORKFLOW_NAME.test(agent))
      issues.push({ problem: "bad-name", agent, message: `"${agent}" is no name for a graph node: use lower case words joined by dashes` });
    else if (reserved.has(agent) || agent.startsWith("gate-"))
      issues.push({ problem: "bad-name", agent, message: `"${agent}" is a name the graph uses itself` });
    if (seen.has(agent)) issues.push({ problem: "duplicate-agent", agent, message: `two agents are called "${agent}"` });
    seen.add(agent);
  }
  return issues;
}

function producerIssues(input: Contract, agents: readonly Agent[]): WorkflowIssue[] {
  const producers = new Map<string, string>([[input.name, "the workflow's input"]]);
  return agents.flatMap((agent): WorkflowIssue[] => {
    const { name: contract } = agent.produces;
    const other = producers.get(contract);
    producers.set(contract, agent.name);
    if (other === undefined) return [];
    return [
      { problem: "duplicate-producer", agent: agent.name, contract, message: `${contract} is produced by both ${other} and ${agent.name}` },
    ];
  });
}

function consumerIssues(input: Contract, output: Contract, agents: readonly Agent[]): WorkflowIssue[] {
  const offered = new Map([input, ...agents.map(({ produces }) => produces)].map((contract) => [contract.name, contract]));
  const wanted = agents.flatMap((agent) =>
    Object.values(agent.consumes).map((contract) => ({ contract, agent: agent.name, who: agent.name })),
  );
  const issues = [...wanted, { contract: output, agent: undefined, who: "the workflow's output" }].flatMap(
    ({ contract, agent, who }): WorkflowIssue[] => {
      const offer = offered.get(contract.name);
      const about = { ...(agent === undefined ? {} : { agent }), contract: contract.id };
      if (!offer)
        return [
          {
            problem: agent === undefined ? "missing-output" : "missing-producer",
            ...about,
            message: `nobody produces ${contract.id}, which ${who} needs`,
          },
        ];
      if (offer.id === contract.id || upcasts(contract, offer.version)) return [];
      return [
        {
          problem: "missing-version",
          ...about,
          message: `${who} needs ${contract.id}, but ${offer.id} is produced and no upcast leads from it`,
        },
      ];
    },
  );
  return issues;
}

/** Whether upcasts lead from an older version to this contract. */
function upcasts(contract: Contract, from: number): boolean {
  if (contract.version <= from || !contract.upcast) return false;
  if (contract.version === from + 1) return true;
  return contract.previous !== undefined && upcasts(contract.previous, from);
}

function fallbackIssues(output: Contract, agents: readonly Agent[]): WorkflowIssue[] {
  return agents
    .filter((agent) => agent.when && !agent.fallback)
    .filter((agent) => agent.produces.name === output.name || consumersOf({ agents }, agent).length > 0)
    .map((agent) => ({
      problem: "missing-fallback",
      agent: agent.name,
      contract: agent.produces.id,
      message: `${agent.name} does not always run (when) and others need its ${agent.produces.id}: give it a fallback`,
    }));
}

function cycleIssues(agents: readonly Agent[]): WorkflowIssue[] {
  const left = new Set(agents);
  for (let progressed = true; progressed; ) {
    progressed = false;
    for (const agent of left) {
      if (producersOf({ agents: [...left] }, agent).length > 0) continue;
      left.delete(agent);
      progressed = true;
    }
  }
  // What only waits for the cycle is not in it.
  for (const agent of [...left].reverse()) if (consumersOf({ agents: [...left] }, agent).length === 0) left.delete(agent);
  if (left.size === 0) return [];
  const names = [...left].map(({ name }) => name).join(", ");
  return [{ problem: "cycle", message: `${names} wait for each other in a circle` }];
}

function contractsOf(agent: Agent): Contract[] {
  const own = [...Object.values(agent.consumes), agent.produces];
  return agent.branches ? [...own, ...contractsOf(agent.branches.agent)] : own;
}

function registryOf(workflow: string, contracts: readonly Contract[]): ContractRegistry {
  try {
    return contractRegistry(contracts);
  } catch (thrown) {
    if (!isWalkbackError(thrown)) throw thrown;
    throw invalid(workflow, [{ problem: "missing-version", message: thrown.message }], thrown);
  }
}

function invalid(workflow: string, issues: readonly WorkflowIssue[], cause?: unknown): WorkflowInvalid {
  const list = issues.map(({ message }) => `  - ${message}`).join("\n");
  return new WorkflowInvalid(`Workflow "${workflow}" cannot run:\n${list}`, { workflow, issues }, { cause });
}
