import { Annotation, type AnnotationRoot } from "@langchain/langgraph";
import type { Version } from "../checkpoint/ports.js";
import type { Contract, Infer } from "../contracts/contract.js";
import type { Failure } from "../contracts/failure.js";
import { deepFreeze } from "../contracts/json.js";
import type { Undone, VersionHead } from "../contracts/run.js";
import { contractName } from "./upcast.js";
import { CHANNELS, type Workflow } from "./workflow.js";

/** One channel for each contract, by its name, and three small ones. Every reducer may see the same write twice. */
export type WorkflowState = Readonly<Record<string, unknown>> & {
  /** Heads of the versions by number; their data stands in the contract's channel. */
  readonly versions: Readonly<Record<string, VersionHead>>;
  /** Set once; from then on nothing moves forward. */
  readonly failure: Failure | undefined;
  /** What was undone, by idempotency key. */
  readonly undone: Readonly<Record<string, Undone>>;
};

export type StateUpdate = Partial<Record<string, unknown>>;

type Contracts = Pick<Workflow, "input" | "output" | "agents">;
type ContractsOf<W extends Contracts> = W["input"] | W["output"] | W["agents"][number]["produces"];
/** A channel for each contract whose name the types know. */
type DocumentChannels<C extends Contract> = {
  [Each in C as string extends Each["name"] ? never : Each["name"]]: ReturnType<typeof latest<Infer<Each>>>;
};

/** The channels of a workflow, to spread into the annotation of a hand-written graph. */
export function channelsOf<W extends Contracts>(workflow: W) {
  const contracts = [workflow.input, workflow.output, ...workflow.agents.map(({ produces }) => produces)];
  const documents = Object.fromEntries(contracts.map(({ name }) => [name, latest()]));
  return {
    ...(documents as DocumentChannels<ContractsOf<W>>), // by name, what each contract's own schema says
    [CHANNELS.versions]: keyed<VersionHead>(),
    [CHANNELS.failure]: first<Failure>(),
    [CHANNELS.undone]: keyed<Undone>(),
  };
}

export function stateOf(workflow: Contracts): AnnotationRoot<ReturnType<typeof channelsOf<Workflow>>> {
  return Annotation.Root(channelsOf(workflow));
}

/** What a node needs of the state; the documents stand on the run's board. LangGraph reads each channel anew for each node. */
export function bookkeepingOf({ spec }: ReturnType<typeof stateOf>) {
  const { [CHANNELS.versions]: versions, [CHANNELS.failure]: failure } = spec;
  return Annotation.Root({ [CHANNELS.versions]: versions, [CHANNELS.failure]: failure });
}

/** What the graph learns of a version. */
export function updateOf(version: Version): StateUpdate {
  return { [contractName(version)]: version.data, versions: { [version.number]: headOf(version) } };
}

function headOf({ number, agent, contract, parents, hash }: Version | VersionHead): VersionHead {
  return { number, agent, contract, parents, hash };
}

function latest<T>() {
  return Annotation<T | undefined>({ reducer: (_old, update) => deepFreeze(update), default: () => undefined });
}

function first<T>() {
  return Annotation<T | undefined>({ reducer: (old, update) => old ?? deepFreeze(update), default: () => undefined });
}

function keyed<T>() {
  return Annotation<Readonly<Record<string, T>>>({ reducer: (old, update) => deepFreeze({ ...old, ...update }), default: () => ({}) });
}
