import { createRuntime, type RuntimeOptions } from "./agents/runtime.js";
import type { RunQuery, RunRecord, Store } from "./checkpoint/ports.js";
import { sqliteStore } from "./checkpoint/sqlite/store.js";
import type { Contract, Infer, InferInput } from "./contracts/contract.js";
import type { Decision } from "./contracts/question.js";
import type { Run } from "./contracts/run.js";
import type { CompiledWorkflow } from "./graph/compile.js";
import type { Workflow } from "./graph/workflow.js";
import { type Bisection, type BisectOptions, bisect } from "./history/bisect.js";
import { diffVersions, type VersionDiff } from "./history/diff.js";
import type { Predicate, StatePredicate } from "./history/predicate.js";
import { type Inspection, inspectRun } from "./observe/inspect.js";
import { cancel, type ResumeOptions, resume } from "./orchestrator/answer.js";
import { type ForkOptions, fork } from "./orchestrator/fork.js";
import { operationsOf, type StopOptions, stop } from "./orchestrator/operations.js";
import { entryOf, getRun, type Parts, partsOf, recordOf } from "./orchestrator/parts.js";
import { type RecoverOptions, recover } from "./orchestrator/recover.js";
import { replay } from "./orchestrator/replay.js";
import { type StartOptions, start } from "./orchestrator/start.js";
import type { Replay, ReplayOptions } from "./replay/replay.js";

export interface OrchestratorOptions extends Omit<RuntimeOptions, "store"> {
  /** A store, or the path of a SQLite file to open (and close again). In memory when left out. */
  readonly store?: Store | string;
  readonly workflows: readonly Workflow[];
}

/** The door. */
export interface Orchestrator {
  /**
   * Accepts a run and carries it as far as it goes without a human. Throws `INPUT_INVALID` (and accepts nothing) when
   * the input does not fit; whatever happens after acceptance is a variant of the run that is returned.
   */
  start<Input extends Contract, Output extends Contract>(
    workflow: Workflow<Input, Output>,
    input: InferInput<Input>,
    options?: StartOptions,
  ): Promise<Run<Infer<Output>>>;
  start(workflow: string, input: unknown, options?: StartOptions): Promise<Run>;
  /** Answers a waiting or parked run and carries it on. Throws `WORKFLOW_CHANGED` when this program cannot. */
  resume(runId: string, decision: Decision, options?: ResumeOptions): Promise<Run>;
  /**
   * Stops the run and walks it back. A run that another process carries is stopped there, at its next sign of life.
   * Throws `RUN_FINISHED` when there is nothing left to stop, `PAST_PIVOT` when there is no way back.
   */
  cancel(runId: string, reason?: string): Promise<Run>;
  /** Carries on every unfinished run that nobody carries: crashed, abandoned, or answered meanwhile. Returns what became of them. */
  recover(options?: RecoverOptions): Promise<readonly Run[]>;
  /**
   * A new run that shares history with another one up to and including a version, and is carried on from there: recorded
   * outcomes are reused, agents after that version work again, with effects under keys of the new run. A walk-back undoes
   * only what the new run did itself. Throws `VERSION_UNKNOWN`, `INPUT_INVALID` when `set` leaves the version's contract,
   * and `WORKFLOW_CHANGED`; nothing was created then.
   */
  fork(runId: string, options: ForkOptions): Promise<Run>;
  /**
   * Works a run again from its record, as far as that goes, and says where the first version differs. Nothing is done
   * outside and nothing is written: effects and recorded calls are answered from the journal, humans from their answers.
   */
  replay(runId: string, options?: ReplayOptions): Promise<Replay>;
  /** The run as it stands on disk. Throws `RUN_UNKNOWN`. */
  get(runId: string): Promise<Run>;
  /** Everything on record about a run. Throws `RUN_UNKNOWN`. */
  inspect(runId: string): Promise<Inspection>;
  /** How the run's state as of version `to` differs from its state as of version `from`. Throws `RUN_UNKNOWN`, `VERSION_UNKNOWN`. */
  diff(runId: string, from: number, to: number): Promise<VersionDiff>;
  /** The first version of a run at which something no longer holds, by binary search. Throws as `diff`, and what the predicate throws. */
  bisect(runId: string, predicate: Predicate | StatePredicate, options?: BisectOptions): Promise<Bisection>;
  /** Newest first. */
  list(query?: RunQuery): Promise<readonly RunRecord[]>;
  /** The compiled StateGraph of a workflow, for drawing and for LangGraph's own tools. */
  graph(workflow: string): CompiledWorkflow;
  readonly workflows: readonly Workflow[];
  /**
   * Lets no new step begin, waits for the steps in flight (10 s when left out), stops what is left, gives the leases
   * back. Nothing is lost: `recover` carries the runs on.
   */
  stop(options?: StopOptions): Promise<void>;
  /** Waits for what is under way, then closes the store if it was opened here. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

export function createOrchestrator(options: OrchestratorOptions): Orchestrator {
  const { store: storeOption = ":memory:", workflows, ...runtimeOptions } = options;
  const store = typeof storeOption === "string" ? sqliteStore(storeOption) : storeOption;
  const runtime = createRuntime({ ...runtimeOptions, store });
  const parts: Parts = partsOf(store, runtime, workflows);
  const operations = operationsOf();
  /** An operation on the parts, one that `close` waits for. */
  const counted = <Args extends unknown[], T>(operation: (parts: Parts, ...args: Args) => Promise<T>) =>
    operations.count((...args: Args) => operation(parts, ...args));

  return {
    start: counted(start) as Orchestrator["start"], // the overload with a workflow only narrows the output, by that workflow's own contract
    resume: counted(resume),
    cancel: counted(cancel),
    recover: counted(recover),
    fork: counted(fork),
    replay: counted(replay),
    stop: (stopOptions) => stop(runtime, operations, stopOptions),
    get: (runId) => getRun(parts, runId),
    inspect: async (runId) => inspectRun(store, await recordOf(parts, runId)),
    diff: counted(async (_, runId, from, to) => diffVersions(store, (await recordOf(parts, runId)).runId, from, to)),
    bisect: counted(async (_, runId, predicate, range) => bisect(store, (await recordOf(parts, runId)).runId, predicate, range)),
    list: (query = {}) => store.runs.list(query),
    graph: (workflow) => entryOf(parts, workflow).graph,
    workflows,
    async close() {
      await operations.settled();
      if (typeof storeOption === "string") await store.close();
    },
    async [Symbol.asyncDispose]() {
      await this.close();
    },
  };
}
