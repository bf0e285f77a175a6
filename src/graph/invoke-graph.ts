import { AsyncLocalStorageProviderSingleton } from "@langchain/core/singletons";
import { isInterrupted } from "@langchain/langgraph";
import type { Runtime } from "../agents/runtime.js";
import type { RunScope } from "../agents/scope.js";
import { untraced } from "../agents/untraced.js";
import { EPOCH_KEY } from "../checkpoint/ports.js";
import { isWalkbackError } from "../contracts/failure.js";
import type { CompiledWorkflow } from "./compile.js";
import { CHANNELS } from "./workflow.js";

/** One turn of LangGraph at a run, under the lease that the scope holds. Returns whether it stopped to ask. */
export async function invokeGraph(runtime: Runtime, graph: CompiledWorkflow, scope: RunScope, input: object | null): Promise<boolean> {
  const configurable = { thread_id: scope.runId, [EPOCH_KEY]: scope.epoch };
  // What comes out is read from the store; LangGraph would put the whole state together at each step.
  const config = { configurable, durability: "sync", outputKeys: CHANNELS.failure } as const;
  try {
    // Called inside a node of another graph, LangGraph would take its config, checkpointer included, for ours.
    const result: unknown = await untraced(() =>
      AsyncLocalStorageProviderSingleton.runWithConfig(undefined, () => graph.invoke(input, config), true),
    );
    return isInterrupted(result);
  } catch (thrown) {
    // Stopping, or overtaken by another process: the run's row says how it stands.
    if (isWalkbackError(thrown) && (thrown.code === "DRAINING" || thrown.code === "FENCED")) return false;
    throw thrown;
  } finally {
    await scope.quiesce();
    if (!scope.ended) await runtime.release(scope);
  }
}
