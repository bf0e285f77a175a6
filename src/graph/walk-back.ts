import type { RunnableConfig } from "@langchain/core/runnables";
import { Command, END, START, StateGraph } from "@langchain/langgraph";
import type { RunScope } from "../agents/scope.js";
import { undoEffect } from "../agents/undo.js";
import { type EffectRecord, remainingOf, standing } from "../checkpoint/journal-view.js";
import type { Undone } from "../contracts/run.js";
import { finish } from "./finish.js";
import type { Kit } from "./kit.js";
import { runIdOf } from "./nodes.js";
import { askHuman, walkBackQuestion } from "./questions.js";
import { stateOf, type WorkflowState } from "./state.js";

/**
 * The compensation subgraph. `undo` undoes what the journal holds, newest first, one effect a superstep, so that each
 * is a checkpoint; `park` asks a human about what would not be undone; `close` ends the run.
 */
export function walkBack(kit: Kit) {
  return new StateGraph(stateOf(kit.workflow))
    .addNode("undo", (_state, config) => undoNewest(kit, scopeFor(kit, config)), { ends: ["undo", "park", "close"] })
    .addNode("park", (state, config) => park(kit, scopeFor(kit, config), state as WorkflowState), { ends: ["undo", "close"] })
    .addNode("close", (state, config) => close(kit, scopeFor(kit, config), state as WorkflowState))
    .addEdge(START, "undo")
    .addEdge("close", END)
    .compile({ name: "walk-back" });
}

function scopeFor(kit: Kit, config: RunnableConfig): RunScope {
  const scope = kit.runtime.scopeOf(runIdOf(config));
  scope.startWalkBack();
  return scope;
}

async function undoNewest(kit: Kit, scope: RunScope): Promise<Command> {
  await scope.quiesce();
  const [newest] = await undoable(scope);
  if (!newest) return new Command({ goto: await next(scope) });
  const failure = await undoEffect(scope, kit.findAgent, newest);
  if (failure) return new Command({ goto: kit.workflow.onUndoFailure === "stop" ? "park" : await next(scope) });
  return new Command({ update: { undone: undoneUpdate(newest, { outcome: "undone" }) }, goto: await next(scope) });
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
  const undone = Object.assign(
    {},
    ...left.map((record) => undoneUpdate(record, { outcome: decision === "done" ? "done-by-human" : "skipped", ...reason })),
  ) as object;
  for (const record of left) await scope.write(record, "settled", { decision, ...reason });
  return new Command({ update: { undone }, goto: await next(scope) });
}

async function close(kit: Kit, scope: RunScope, { failure }: WorkflowState): Promise<object> {
  if (!failure) return {};
  const status = failure.code === "CANCELED" ? "canceled" : "rolled-back";
  await finish(kit, scope, { status, endedAt: kit.runtime.now().toISOString(), failure });
  return {};
}

/** Still standing and not yet failed to be undone in this pass, newest first. */
async function undoable(scope: RunScope): Promise<EffectRecord[]> {
  return standing((await scope.journal()).values()).filter(({ undoFailure }) => !undoFailure);
}

function undoneUpdate({ key, agent, effect, identity }: EffectRecord, how: Pick<Undone, "outcome" | "reason">): Record<string, Undone> {
  return { [key]: { key, agent, effect, identity, ...how } };
}
