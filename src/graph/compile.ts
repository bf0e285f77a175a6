import { END, START, StateGraph } from "@langchain/langgraph";
import type { Runtime } from "../agents/runtime.js";
import { createKit } from "./kit.js";
import { makeLean } from "./lean.js";
import { acceptInput, agentNode, gate, settle } from "./nodes.js";
import { bookkeepingOf, stateOf, type WorkflowState } from "./state.js";
import { walkBack } from "./walk-back.js";
import { consumersOf, gateName, NODES, producersOf, type Workflow } from "./workflow.js";

/** Supersteps a run may take: far above any walk-back; LangGraph's default of 25 would cut a long one short. */
const RECURSION_LIMIT = 100_000;

export interface CompileOptions {
  /** Puts an `accept` node first, which checks the input and writes the run's row: for a graph nobody starts for us. */
  readonly door?: boolean;
}

/**
 * A workflow as a LangGraph StateGraph:
 * `START → entry agents → gate(consumer) → consumer → … → settle → END | walk-back → END`.
 */
export function compileWorkflow(runtime: Runtime, workflow: Workflow, { door = false }: CompileOptions = {}) {
  const kit = createKit(runtime, workflow);
  const nodes: [string, ReturnType<typeof gate>][] = workflow.agents.flatMap((agent) => {
    const itself: [string, ReturnType<typeof gate>] = [agent.name, agentNode(kit, agent)];
    return producersOf(workflow, agent).length === 0 ? [itself] : [[gateName(agent.name), gate(kit, agent)], itself];
  });
  // The names come from the definition, so the builder's own tracking of node names cannot know them.
  const state = stateOf(workflow);
  const graph = new StateGraph<ReturnType<typeof stateOf>["spec"], WorkflowState, Partial<WorkflowState>, string>(state);
  const options = door ? {} : { input: bookkeepingOf(state) }; // Studio shows what each node is given
  for (const [name, node] of nodes) graph.addNode(name, node, options);
  graph.addNode(NODES.settle, settle(kit), options).addNode(NODES.walkBack, walkBack(kit));
  if (door) graph.addNode(NODES.accept, acceptInput(kit)).addEdge(START, NODES.accept);

  for (const agent of workflow.agents) {
    const producers = producersOf(workflow, agent).map(({ name }) => name);
    if (producers.length === 0) graph.addEdge(door ? NODES.accept : START, agent.name);
    else {
      graph.addEdge(producers, gateName(agent.name));
      graph.addEdge(gateName(agent.name), agent.name);
    }
  }
  const last = workflow.agents.filter((agent) => consumersOf(workflow, agent).length === 0).map(({ name }) => name);
  graph.addEdge(last, NODES.settle);
  graph.addConditionalEdges(NODES.settle, (state) => (state.failure ? NODES.walkBack : END), [NODES.walkBack, END]);
  graph.addEdge(NODES.walkBack, END);
  const compiled = graph.compile({ checkpointer: runtime.store.checkpointer, name: workflow.name });
  if (!door) makeLean(compiled.nodes, [START, ...nodes.map(([name]) => name), NODES.settle]);
  return compiled.withConfig({ recursionLimit: RECURSION_LIMIT });
}

export type CompiledWorkflow = ReturnType<typeof compileWorkflow>;
