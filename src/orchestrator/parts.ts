import type { Runtime } from "../agents/runtime.js";
import type { RunRecord, Store } from "../checkpoint/ports.js";
import { RunUnknown, WorkflowInvalid, WorkflowUnknown } from "../contracts/failure.js";
import type { RunId } from "../contracts/ids.js";
import type { Run } from "../contracts/run.js";
import { type CompiledWorkflow, compileWorkflow } from "../graph/compile.js";
import { createKit, type Kit } from "../graph/kit.js";
import type { Workflow } from "../graph/workflow.js";
import { runOf } from "../observe/run-view.js";

/** A workflow, ready to run. */
export interface Entry {
  readonly kit: Kit;
  readonly graph: CompiledWorkflow;
}

/** What all operations of one orchestrator share. */
export interface Parts {
  readonly store: Store;
  readonly runtime: Runtime;
  readonly entries: ReadonlyMap<string, Entry>;
  /** The runs that are carried here, and when they come to rest. */
  readonly underway: Map<RunId, Promise<unknown>>;
  /** Called when one of them has come to rest, and is not under way any more. */
  readonly onRest: Set<() => void>;
}

export function partsOf(store: Store, runtime: Runtime, workflows: readonly Workflow[]): Parts {
  refuseDuplicates(workflows);
  const entries = workflows.map((workflow) => {
    const entry: Entry = { kit: createKit(runtime, workflow), graph: compileWorkflow(runtime, workflow) };
    return [workflow.name, entry] as const;
  });
  return { store, runtime, entries: new Map(entries), underway: new Map(), onRest: new Set() };
}

/** Throws `WORKFLOW_UNKNOWN` and names those there are. */
export function entryOf({ entries }: Pick<Parts, "entries">, name: string): Entry {
  const found = entries.get(name);
  if (found) return found;
  const known = [...entries.keys()];
  throw new WorkflowUnknown(`There is no workflow "${name}". Known: ${known.join(", ") || "none"}.`, { workflow: name, known });
}

/** Throws `RUN_UNKNOWN`. */
export async function recordOf({ store }: Pick<Parts, "store">, runId: string): Promise<RunRecord> {
  const record = await store.runs.find(runId as RunId);
  if (record) return record;
  throw new RunUnknown(`There is no run ${runId} in ${store.location}.`, { runId });
}

/** The run as it stands on disk. */
export async function getRun(parts: Pick<Parts, "store">, runId: string): Promise<Run> {
  return runOf(parts.store, await recordOf(parts, runId));
}

function refuseDuplicates(workflows: readonly Workflow[]): void {
  const names = workflows.map(({ name }) => name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice === undefined) return;
  const issue = { problem: "duplicate-workflow", message: `two workflows are called "${twice}"` } as const;
  throw new WorkflowInvalid(`The orchestrator cannot start: ${issue.message}.`, { workflow: twice, issues: [issue] });
}
