import { foldJournal, remainingOf, undoneOf } from "../checkpoint/journal-view.js";
import type { RunRecord, Store } from "../checkpoint/ports.js";
import type { Failure } from "../contracts/failure.js";
import type { Run } from "../contracts/run.js";

/** Puts a run together from what the store holds; its status comes from its row alone. */
export async function runOf(store: Store, record: RunRecord): Promise<Run> {
  const { runId, acceptedAt, status } = record;
  const heads = await store.versions.heads(runId);
  const { tenant, priority, deadline, degraded } = record;
  const workflow = { name: record.workflow, version: record.workflowVersion };
  const base = { runId, workflow, acceptedAt, tenant, priority, degraded, versions: heads };
  switch (status) {
    case "queued":
      return { ...base, status, deadline };
    case "running":
      return { ...base, status };
    case "waiting":
      return { ...base, status, questions: await store.runs.openQuestions(runId) };
    case "completed":
      return { ...base, ...ending(record), status, output: (await store.versions.find(runId, record.outputVersion ?? 0))?.data ?? null };
    case "rolled-back":
    case "canceled":
      return { ...base, ...ending(record), status, failure: failureOf(record), undone: undoneOf(await store.journal.list(runId)) };
    case "parked": {
      const journal = await store.journal.list(runId);
      const questions = await store.runs.openQuestions(runId);
      return {
        ...base,
        status,
        failure: failureOf(record),
        undone: undoneOf(journal),
        remaining: remainingOf(foldJournal(journal).values()),
        questions,
      };
    }
  }
}

function ending({ acceptedAt, endedAt }: RunRecord): { readonly endedAt: string; readonly durationMs: number } {
  const end = endedAt ?? acceptedAt; // an ended run's row always says when
  return { endedAt: end, durationMs: Date.parse(end) - Date.parse(acceptedAt) };
}

function failureOf({ runId, failure }: RunRecord): Failure {
  if (failure) return failure;
  throw new Error(`Run ${runId} ended without a failure on record.`);
}
