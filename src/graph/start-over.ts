import { emptyCheckpoint } from "@langchain/langgraph-checkpoint";
import type { RunScope } from "../agents/scope.js";
import { EPOCH_KEY, type Store } from "../checkpoint/ports.js";
import { CHANNELS } from "./workflow.js";

/**
 * Lets LangGraph begin at START again, for a graph that may not be the one the run was under way in. Of its state only the
 * failure is kept, in a checkpoint of its own, so that a run that was on its way back stays on it; everything else is on
 * record and comes back as the nodes run.
 */
export async function startOver({ checkpointer }: Pick<Store, "checkpointer">, { runId, epoch }: RunScope): Promise<void> {
  const thread = { thread_id: runId, checkpoint_ns: "", [EPOCH_KEY]: epoch };
  const last = await checkpointer.getTuple({ configurable: { thread_id: runId } });
  if (!last) return;
  const failure: unknown = last.checkpoint.channel_values[CHANNELS.failure];
  const kept = failure === undefined ? {} : { [CHANNELS.failure]: failure };
  const versions = failure === undefined ? {} : { [CHANNELS.failure]: checkpointer.getNextVersion(undefined) };
  await checkpointer.put(
    { configurable: { ...thread, checkpoint_id: last.checkpoint.id } },
    { ...emptyCheckpoint(), channel_values: kept, channel_versions: versions },
    { source: "fork", step: last.metadata?.step ?? 0, parents: {} },
    versions,
  );
}
