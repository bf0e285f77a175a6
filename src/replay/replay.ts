import type { RunRecord, Store } from "../checkpoint/ports.js";
import { sqliteStore } from "../checkpoint/sqlite/store.js";
import type { RunId } from "../contracts/ids.js";
import type { RunStatus } from "../contracts/run.js";
import { compileWorkflow } from "../graph/compile.js";
import { invokeGraph } from "../graph/invoke-graph.js";
import { createKit } from "../graph/kit.js";
import { updateOf } from "../graph/state.js";
import type { Workflow } from "../graph/workflow.js";
import { type Replacement, replayed } from "./agents.js";
import { compareEnds, type Difference, withPatch } from "./difference.js";
import { type RunOnRecord, readRecord } from "./record.js";
import { takeOver } from "./scratch.js";
import { type Stage, stageFor } from "./stage.js";

export interface ReplayOptions {
  /** Versions up to this number are taken as recorded, those after it are worked; 0, the input, when left out. */
  readonly from?: number;
  /** Agents to work with in place of those of the program, by name. */
  readonly agents?: Readonly<Record<string, Replacement>>;
}

/** What became of working a run again from its record. */
export interface Replay {
  readonly runId: RunId;
  /** The last version that was taken as recorded; with a fork at least the last one it shares with its source. */
  readonly from: number;
  /** How many rounds of agents were worked again, or failed again as recorded. */
  readonly worked: number;
  /** The first difference in the order of the record; undefined when there is none. */
  readonly differs: Difference | undefined;
  /** A replay has nothing to undo, so a walk-back that got stuck does not get stuck again. */
  readonly status: { readonly recorded: RunStatus; readonly replayed: RunStatus };
}

export interface ReplayJob {
  readonly store: Store;
  readonly run: RunRecord;
  readonly workflow: Workflow;
  /** The run was made by another program. */
  readonly foreign: boolean;
  readonly maxDocumentBytes: number;
}

/** Works a run again in a store of its own, in memory. Reads from the real store and writes nothing there. */
export async function replayRun(job: ReplayJob, { from: wanted = 0, agents = {} }: ReplayOptions): Promise<Replay> {
  const { run, store, maxDocumentBytes } = job;
  const workflow = replayed(job.workflow, agents);
  const record = await readRecord(store, run);
  const from = Math.max(wanted, run.forkedFrom?.number ?? 0);
  const memory = sqliteStore(":memory:");
  try {
    const { registry } = workflow;
    const stage = stageFor(record, { memory, from, maxDocumentBytes, registry, isReplaced: (agent) => Object.hasOwn(agents, agent) });
    const ended = await play(stage, record, { ...job, workflow }, from);
    const differs = await withPatch(stage.firstDifference() ?? compareEnds(record, ended));
    return { runId: run.runId, from, worked: stage.worked(), differs, status: { recorded: run.status, replayed: ended.status } };
  } finally {
    await memory.close();
  }
}

async function play({ runtime, memory, begin }: Stage, record: RunOnRecord, { workflow, foreign, run }: ReplayJob, from: number) {
  const kit = createKit(runtime, workflow);
  const scope = await takeOver(memory, kit, record, from);
  scope.foreign = foreign;
  begin(scope);
  const first = await memory.versions.find(run.runId, 0);
  await invokeGraph(runtime, compileWorkflow(runtime, workflow), scope, first ? updateOf(first) : null);
  const ended = await memory.runs.find(run.runId);
  if (!ended) throw new Error(`The replay of run ${run.runId} is gone.`);
  const { status, failure } = ended;
  return { status, failure: status === "rolled-back" || status === "canceled" ? failure : undefined };
}
