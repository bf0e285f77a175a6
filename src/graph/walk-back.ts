import type { RunnableConfig } from "@langchain/core/runnables";
import { Command, END, START, StateGraph } from "@langchain/langgraph";
import type { RunScope } from "../agents/scope.js";
import { undoEffect } from "../agents/undo.js";
import { type EffectRecord, remainingOf, standing, undoneOf } from "../checkpoint/journal-view.js";
import { PastPivot } from "../contracts/failure.js";
import type { JsonValue } from "../contracts/json-value.js";
import { askHuman } from "./ask.js";
import { finish } from "./finish.js";
import type { Kit } from "./kit.js";
import { goOn, runIdOf } from "./nodes.js";
import { passedPivot } from "./pivot.js";
import { walkBackQuestion } from "./questions.js";
import { stateOf, type WorkflowState } from "./state.js";

/**
 * The compensation subgraph. `undo` undoes what the journal holds, newest first, one effect a superstep, so that each
 * is a checkpoint; `park` asks a human about what would not be undone; `close` ends the run.
 */
export function walkBack(kit: Kit) {
  const inScope =
    <T>(node: (kit: Kit, scope: RunScope, state: WorkflowState) => Promise<T>) =>
    async (state: object, config: RunnableConfig): Promise<T> => {
      const scope = kit.runtime.activeScope(runIdOf(config)) ?? (await kit.runtime.claim(runIdOf(config)));
      goOn(kit, scope);
      scope.startWalkBack();
      return node(kit, scope, state as WorkflowState); // the subgraph has the workflow's own channels
    };
  return new StateGraph(stateOf(kit.workflow))
    .addNode("undo", inScope(undoNewest), { ends: ["undo", "park", "close"] })
    .addNode("park", inScope(park), { ends: ["undo", "close"] })
    .addNode("close", inScope(close))
    .addEdge(START, "undo")
    .addEdge("close", END)
    .compile({ name: "walk-back" });
}

async function undoNewest(kit: Kit, scope: RunScope): Promise<Command> {
  await scope.quiesce();
  if (await blockedByPivot(kit, scope)) return new Command({ goto: "park" });
  const [newest] = await undoable(scope);
  if (!newest) return new Command({ goto: await next(scope) });
  const failure = await undoEffect(scope, kit.findAgent, newest);
  return new Command({ goto: failure && kit.workflow.onUndoFailure === "stop" ? "park" : await next(scope) });
}

/**
 * A point of no return may have been passed just while the run failed. Then nothing is undone: a human says first what
 * becomes of it, and with `skip` or `done` the rest is walked back all the same.
 */
async function blockedByPivot(kit: Kit, scope: RunScope): Promise<boolean> {
  const pivot = await passedPivot(kit, scope);
  if (!pivot) return false;
  const { key, agent, effect, identity } = pivot;
  const message = `"${effect}" of ${agent} (${identity}) has been performed and there is no way back past it. Answer skip or done to undo the rest all the same.`;
  const failure = new PastPivot(message, { runId: scope.runId, effect }).toJSON();
  if (!pivot.undoFailure) await scope.write(pivot, "undo-failed", failure as unknown as JsonValue); // a Failure is plain JSON
  scope.emit({ type: "effect.undo-failed", agent, effect, key, failure });
  return true;
}

async function next(scope: RunScope): Promise<"undo" | "park" | "close"> {
  const left = standing((await scope.journal()).values());
  if (left.some(({ undoFailure }) => !undoFailure)) return "undo";
  return left.length > 0 ? "park" : "close";
}

async function park(kit: Kit, scope: RunScope, state: WorkflowState): Promise<Command> {
  const records = [...(await scope.journal()).values()];
  const left = standing(records).filter(({ undoFailure }) => undoFailure);
  const remaining = remainingOf(records);
  const times = records.reduce((sum, { undoFailures }) => sum + undoFailures, 0);
  if (remaining.length === 0) return new Command({ goto: await next(scope) });
  const answer = await askHuman(kit, scope, walkBackQuestion(remaining, times), state.failure);
  if (answer.decision === "retry") {
    for (const record of left) await scope.write(record, "undo-intended", null);
    return new Command({ goto: "undo" });
  }
  const decision = answer.decision === "done" ? "done" : "skip";
  const reason = answer.reason === undefined ? {} : { reason: answer.reason };
  for (const record of left) await scope.write(record, "settled", { decision, ...reason });
  return new Command({ goto: await next(scope) });
}

async function close(kit: Kit, scope: RunScope, { failure }: WorkflowState): Promise<object> {
  if (!failure) return {};
  const status = failure.code === "CANCELED" ? "canceled" : "rolled-back";
  // Told to the state once, from the journal: a growing list in the checkpoint of each step would add up to its square.
  const undone = undoneOf(await kit.runtime.store.journal.list(scope.runId));
  await finish(kit, scope, { status, endedAt: kit.runtime.now().toISOString(), failure });
  return { undone: Object.fromEntries(undone.map((each) => [each.key, each])) };
}

/** Still standing and not yet failed to be undone in this pass, newest first. */
async function undoable(scope: RunScope): Promise<EffectRecord[]> {
  return standing((await scope.journal()).values()).filter(({ undoFailure }) => !undoFailure);
}
