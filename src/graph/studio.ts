import type { Runtime } from "../agents/runtime.js";
import { untraced, untracedPieces } from "../agents/untraced.js";
import type { JsonSchema } from "../contracts/compatibility.js";
import { type CompiledWorkflow, compileWorkflow } from "./compile.js";
import { CHANNELS, type Workflow } from "./workflow.js";

/**
 * A workflow as LangGraph Studio, or another LangGraph server, loads it: the graph checks its own input and writes the
 * run's row (`accept`), and says what it takes. The thread is the run: one application a thread. The server puts its own
 * checkpointer in place of the store's; runs, versions, journal and events stay in the store.
 */
export function studioGraph(runtime: Runtime, workflow: Workflow): CompiledWorkflow {
  const graph = compileWorkflow(runtime, workflow, { door: true });
  // A LangGraph server asks these three of a graph's builder; without them it guesses from TypeScript, in vain.
  Object.assign(graph.builder, {
    _inputRuntimeDefinition: described({ [workflow.input.name]: documentSchema(workflow, workflow.input.id) }, [workflow.input.name]),
    _schemaRuntimeDefinition: described(stateSchemas(workflow)),
    _outputRuntimeDefinition: described(stateSchemas(workflow)),
  });
  return unseen(graph.withConfig({ durability: "sync" }));
}

/** The graph with LangSmith's own tracing kept from it, whoever calls it; both ways in are those that all others lead to. */
function unseen(graph: CompiledWorkflow): CompiledWorkflow {
  const iterate = graph._streamIterator.bind(graph);
  const update = graph.bulkUpdateState.bind(graph);
  const withConfig = graph.withConfig.bind(graph);
  return Object.assign(graph, {
    _streamIterator: (...asked: Parameters<typeof iterate>) => untracedPieces(iterate(...asked)),
    bulkUpdateState: (...asked: Parameters<typeof update>) => untraced(() => update(...asked)),
    withConfig: (...asked: Parameters<typeof withConfig>) => unseen(withConfig(...asked)),
  });
}

/** What LangGraph's server recognizes as a state schema: anything that answers these two. */
function described(properties: Readonly<Record<string, JsonSchema>>, required: readonly string[] = []) {
  const schema: JsonSchema = { type: "object", properties, required };
  return { getJsonSchema: () => schema, getInputJsonSchema: () => schema };
}

function stateSchemas(workflow: Workflow): Readonly<Record<string, JsonSchema>> {
  const contracts = [workflow.input, ...workflow.agents.map(({ produces }) => produces)];
  return {
    ...Object.fromEntries(contracts.map(({ name, id }) => [name, documentSchema(workflow, id)])),
    [CHANNELS.versions]: { type: "object", description: "The versions of the run by number, without their data." },
    [CHANNELS.failure]: { type: "object", description: "Why the run failed; from then on nothing moves forward." },
    [CHANNELS.undone]: { type: "object", description: "What the walk-back undid, by idempotency key." },
  };
}

function documentSchema({ registry }: Workflow, id: string): JsonSchema {
  const { description } = registry.get(id);
  const { $schema: _, ...schema } = registry.jsonSchema(id);
  return { title: id, ...(description === undefined ? {} : { description }), ...schema };
}
