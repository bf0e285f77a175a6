import { foldJournal } from "../checkpoint/journal-view.js";
import type { RunRecord } from "../checkpoint/ports.js";
import { type ProgramIssue, WorkflowChanged } from "../contracts/failure.js";
import type { Kit } from "../graph/kit.js";
import { type Inheritance, madeBy, missingFor } from "../graph/release.js";
import { type Entry, entryOf, type Parts } from "./parts.js";

/** A run, and the workflow of this program that may carry it on. */
export interface Carriable {
  readonly entry: Entry;
  /** The run was made, or has been carried on, by another program. */
  readonly foreign: boolean;
}

/** Throws `WORKFLOW_CHANGED` with everything that the run needs and this program lacks. Touches nothing. */
export async function carriable(parts: Parts, record: RunRecord): Promise<Carriable> {
  const { runs, versions, journal } = parts.store;
  const { runId } = record;
  return judged(parts, record, async () => ({
    versions: await versions.list(runId),
    effects: foldJournal(await journal.list(runId)).values(),
    questions: await runs.openQuestions(runId),
  }));
}

/** Like `carriable`, for the run's history up to a version, without what the run itself did outside. */
export async function continuable(parts: Parts, record: RunRecord, upTo: number): Promise<Carriable> {
  return judged(parts, record, async () => {
    const versions = await parts.store.versions.list(record.runId);
    return { versions: versions.filter(({ number }) => number <= upTo), effects: [], questions: [] };
  });
}

async function judged(parts: Parts, record: RunRecord, read: () => Promise<Omit<Inheritance, "program">>): Promise<Carriable> {
  const entry = entryOf(parts, record.workflow);
  const program = await parts.store.runs.programOf(record.runId);
  const foreign = await isForeign(parts, entry.kit, record, program);
  if (!foreign) return { entry, foreign };
  const missing = missingFor(entry.kit, { program, ...(await read()) });
  if (missing.length > 0) throw changed(entry.kit, record, missing);
  return { entry, foreign };
}

async function isForeign({ store }: Parts, kit: Kit, record: RunRecord, program: Inheritance["program"]): Promise<boolean> {
  const { runId, workflowVersion } = record;
  if (workflowVersion !== kit.workflow.version) return true;
  if (!madeBy(kit, program ?? (await store.versions.list(runId)))) return true;
  // Another program has been at it, and LangGraph's state is that one's; this one may have made the run all the same.
  return (await store.events.list(runId)).some(({ type }) => type === "run.carried-on");
}

function changed(
  { workflow }: Kit,
  { runId, workflow: name, workflowVersion }: RunRecord,
  missing: readonly ProgramIssue[],
): WorkflowChanged {
  const list = missing.map(({ message }) => `  - ${message}`).join("\n");
  const message = `Run ${runId} was made with ${name}@${workflowVersion} and cannot be carried on by this program's ${name}@${workflow.version}:\n${list}\nCarry it on with the program that made it, or give this one what is missing.`;
  const details = { runId, workflow: name, runVersion: workflowVersion, programVersion: workflow.version, missing };
  return new WorkflowChanged(message, details);
}
