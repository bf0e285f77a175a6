import type { RunScope } from "../agents/scope.js";
import type { Lease, RunRecord, Store } from "../checkpoint/ports.js";
import { Canceled, type Failure, isWalkbackError, Quarantined, Rejected } from "../contracts/failure.js";
import type { RunId } from "../contracts/ids.js";
import { isTerminal, type Run } from "../contracts/run.js";
import { invokeGraph } from "../graph/invoke-graph.js";
import { passedPivot } from "../graph/pivot.js";
import { quarantineQuestion } from "../graph/questions.js";
import { startOver } from "../graph/start-over.js";
import { updateOf } from "../graph/state.js";
import { type Entry, getRun, type Parts, recordOf } from "./parts.js";
import { type Carriable, carriable } from "./release.js";

/** A run that kills its process this often without getting any further is left for a human. */
const MAX_CRASHES = 3;

/** Carries a run whose lease the scope holds as far as it goes. */
export async function carry(parts: Parts, entry: Entry, scope: RunScope, input: object | null): Promise<Run> {
  const { runId } = scope;
  const task = carryThrough(parts, entry, scope, input).catch((thrown) => unlessHeld(thrown, () => getRun(parts, runId)));
  parts.underway.set(runId, task);
  try {
    return await task;
  } finally {
    parts.underway.delete(runId);
    for (const told of parts.onRest) told();
  }
}

/** Carries a run that has just had its turn in the queue. Throws `WORKFLOW_CHANGED`; it is not under way then. */
export async function carryBegun(parts: Parts, record: RunRecord, lease: Lease, onUnderway: () => void): Promise<Run> {
  const run = await carriable(parts, record);
  const scope = await prepare(parts, parts.runtime.open(lease), run.foreign);
  scope.emit({ type: "run.begun", waitedMs: Math.max(0, parts.runtime.now().getTime() - Date.parse(record.acceptedAt)) });
  const task = carry(parts, run.entry, scope, await inputOf(parts, run, scope));
  onUnderway();
  return task;
}

/** Carries a run on from where it stands on disk. Throws `WORKFLOW_CHANGED`, `RUN_HELD` and `RUN_FINISHED`. */
export async function carryOn(parts: Parts, record: RunRecord): Promise<Run> {
  const run = await carriable(parts, record);
  const scope = await claim(parts, record.runId, run.foreign);
  if (scope.lease.crashes >= MAX_CRASHES) return quarantine(parts, run.entry, scope);
  return carry(parts, run.entry, scope, await inputOf(parts, run, scope));
}

/** After an answer or a cancel is on disk: lets whoever carries the run here come to its end, then carries it on. */
export async function carryOnAfter(parts: Parts, runId: RunId): Promise<Run> {
  await parts.underway.get(runId);
  const record = await recordOf(parts, runId);
  if (isTerminal(record.status)) return getRun(parts, runId);
  return carryOn(parts, record).catch((thrown) => unlessHeld(thrown, () => getRun(parts, runId)));
}

export function canceled(runId: RunId, reason: string): Failure {
  return new Canceled(`Run ${runId} was canceled: ${reason}.`, { runId, reason }).toJSON();
}

/** Where LangGraph is to begin: where its checkpoint stands, or with version 0 when there is none or it is another program's. */
async function inputOf({ store, runtime }: Parts, { entry, foreign }: Carriable, scope: RunScope): Promise<object | null> {
  const { runId } = scope;
  if (foreign) {
    const { name, version } = entry.kit.workflow;
    scope.emit({ type: "run.carried-on", workflow: name, version });
    await startOver(runtime.store, scope);
  } else if (await store.checkpointer.getTuple({ configurable: { thread_id: runId } })) return null;
  const first = await store.versions.find(runId, 0);
  return first ? updateOf(first) : null;
}

/** Lets LangGraph carry the run until it ends or asks; and on, when it was answered or canceled while it was asking. */
async function carryThrough(parts: Parts, { graph }: Entry, first: RunScope, input: object | null): Promise<Run> {
  for (let scope = first, next = input; ; next = null) {
    const asked = await invokeGraph(parts.runtime, graph, scope, next);
    if (!asked || !(await wasAnswered(parts, scope.runId))) return getRun(parts, scope.runId);
    scope = await claim(parts, scope.runId, scope.foreign);
  }
}

async function wasAnswered(parts: Parts, runId: RunId): Promise<boolean> {
  const { status } = await recordOf(parts, runId);
  if (parts.runtime.draining) return false;
  return status === "running" || (status === "waiting" && (await parts.store.runs.cancelRequests([runId])).length > 0);
}

/** Takes the run's lease. */
async function claim(parts: Parts, runId: RunId, foreign: boolean): Promise<RunScope> {
  return prepare(parts, await parts.runtime.claim(runId), foreign);
}

/** A run that was ended while nobody carried it fails at once. */
async function prepare({ store }: Parts, scope: RunScope, foreign: boolean): Promise<RunScope> {
  scope.foreign = foreign;
  const ended = await endedBefore(store, scope);
  if (ended) scope.fail(ended);
  return scope;
}

/** Why the run must end, decided while nobody carried it: it was canceled, or a human rejected it in quarantine. */
async function endedBefore(store: Store, { runId, lease }: RunScope): Promise<Failure | undefined> {
  if (lease.cancelReason !== undefined) return canceled(runId, lease.cancelReason);
  const answered = await store.runs.answered(runId);
  const rejected = answered.find(({ question, answer }) => question.kind === "quarantined" && answer.decision === "reject");
  if (!rejected) return undefined;
  const reason = rejected.answer.reason ?? "no reason given";
  return new Rejected(`A human rejected the quarantined run ${runId}: ${reason}.`, { agent: "", reason }).toJSON();
}

async function quarantine(parts: Parts, { kit }: Entry, scope: RunScope): Promise<Run> {
  const { runId, lease } = scope;
  const message = `Run ${runId} has killed its process ${lease.crashes} times in a row at the same place.`;
  const failure = new Quarantined(message, { runId, crashes: lease.crashes }).toJSON();
  const canGoBack = (await passedPivot(kit, scope)) === undefined;
  await parts.store.runs.ask(scope, quarantineQuestion(failure, scope.epoch, canGoBack), failure);
  await parts.runtime.release(scope);
  return getRun(parts, runId);
}

/** Another process took the run, or brought it to its end, before this one could. */
export function wasFaster(thrown: unknown): boolean {
  return isWalkbackError(thrown) && (thrown.code === "RUN_HELD" || thrown.code === "RUN_FINISHED");
}

/** The wish is on disk, and another process carries the run: it hears of it, or whoever recovers the run does. */
function unlessHeld(thrown: unknown, otherwise: () => Promise<Run>): Promise<Run> {
  if (isWalkbackError(thrown) && thrown.code === "RUN_HELD") return otherwise();
  throw thrown;
}
