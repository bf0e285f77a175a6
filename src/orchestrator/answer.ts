import { foldJournal } from "../checkpoint/journal-view.js";
import type { RunRecord } from "../checkpoint/ports.js";
import { DecisionInvalid, PastPivot, RunFinished, RunNotWaiting } from "../contracts/failure.js";
import type { RunId } from "../contracts/ids.js";
import type { Decision, Question } from "../contracts/question.js";
import { isTerminal, type Run } from "../contracts/run.js";
import { readAnswer } from "../graph/ask.js";
import type { Kit } from "../graph/kit.js";
import { passedPivot } from "../graph/pivot.js";
import { canceled, carryOnAfter } from "./carry.js";
import { getRun, type Parts, recordOf } from "./parts.js";
import type { Serving } from "./queue.js";
import { carriable } from "./release.js";

export interface ResumeOptions {
  /** With several open questions, names one. */
  readonly question?: string;
}

export async function resume(parts: Parts, runId: string, decision: Decision, { question: named }: ResumeOptions = {}): Promise<Run> {
  const record = await recordOf(parts, runId);
  const { status } = record;
  if (status !== "waiting" && status !== "parked") {
    throw new RunNotWaiting(`Run ${runId} is ${status}; only a waiting or parked run can be resumed.`, { runId, status });
  }
  await carriable(parts, record);
  const { store, runtime } = parts;
  const question = chooseQuestion(await store.runs.openQuestions(record.runId), named);
  const read = readAnswer(question, decision);
  if (typeof read === "string") throw unusable(question, read);
  // The answer is on disk before anything else happens; a crash from here on does not lose it.
  const first = await store.runs.answer(record.runId, question.id, read, runtime.now().toISOString());
  if (!first) throw unusable(question, "it has been answered already");
  return carryOnAfter(parts, record.runId);
}

export async function cancel(parts: Parts, serving: Serving | undefined, runId: string, reason = "no reason given"): Promise<Run> {
  const found = await recordOf(parts, runId);
  const record = found.status === "queued" ? await withdraw(parts, serving, found.runId, reason) : found;
  if (!record) return getRun(parts, runId);
  if (isTerminal(record.status)) {
    throw new RunFinished(`Run ${runId} has already ended as ${record.status}.`, { runId, status: record.status });
  }
  const { entry } = await carriable(parts, record);
  await refusePastPivot(parts, entry.kit, record.runId);
  await parts.store.runs.requestCancel(record.runId, reason);
  parts.runtime.activeScope(record.runId)?.fail(canceled(record.runId, reason));
  return carryOnAfter(parts, record.runId);
}

/** A run that waits for its turn ends at once: there is nothing to undo. Returns how it stands when it has begun meanwhile. */
async function withdraw(parts: Parts, serving: Serving | undefined, runId: RunId, reason: string): Promise<RunRecord | undefined> {
  const { store, runtime } = parts;
  const ended = await store.queue.withdraw(runId, canceled(runId, reason), runtime.now().toISOString());
  if (!ended) return recordOf(parts, runId);
  serving?.ended(ended);
  return undefined;
}

async function refusePastPivot({ store }: Parts, kit: Kit, runId: RunId): Promise<void> {
  const journal = async () => foldJournal(await store.journal.list(runId));
  const pivot = await passedPivot(kit, { journal });
  if (!pivot) return;
  const message = `Run ${runId} cannot be canceled: "${pivot.effect}" of ${pivot.agent} has been performed, and there is no way back past it.`;
  throw new PastPivot(message, { runId, effect: pivot.effect });
}

function chooseQuestion(open: readonly Question[], named: string | undefined): Question {
  const ids = open.map(({ id }) => id);
  const chosen = named === undefined && open.length === 1 ? open[0] : open.find(({ id }) => id === named);
  if (chosen) return chosen;
  const message =
    named === undefined
      ? `there are ${open.length} open questions, name one of: ${ids.join(", ")}`
      : `there is no open question ${named}, only: ${ids.join(", ")}`;
  const details = { question: named ?? "", allowed: ids, issues: [{ path: "", message }] };
  throw new DecisionInvalid(`The answer cannot be given: ${message}.`, details);
}

function unusable(question: Question, problem: string): DecisionInvalid {
  const details = { question: question.id, allowed: question.allowed, issues: [{ path: "", message: problem }] };
  return new DecisionInvalid(`The answer to ${question.id} cannot be used: ${problem}.`, details);
}
