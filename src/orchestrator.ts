import { createRuntime, type RuntimeOptions } from "./agents/runtime.js";
import type { RunQuery, RunRecord, Store } from "./checkpoint/ports.js";
import { sqliteStore } from "./checkpoint/sqlite/store.js";
import type { Contract, Infer, InferInput } from "./contracts/contract.js";
import type { RunId } from "./contracts/ids.js";
import type { Decision } from "./contracts/question.js";
import type { Run } from "./contracts/run.js";
import { TracingOptions } from "./contracts/tracing.js";
import type { CompiledWorkflow } from "./graph/compile.js";
import type { Workflow } from "./graph/workflow.js";
import { type Bisection, type BisectOptions, bisect } from "./history/bisect.js";
import { diffVersions, type VersionDiff } from "./history/diff.js";
import type { Predicate, StatePredicate } from "./history/predicate.js";
import type { Breakers } from "./limits/breaker-book.js";
import type { BudgetReport, BudgetReportOptions } from "./limits/budget-report.js";
import { checkOptions } from "./limits/check-options.js";
import { type Inspection, inspectRun } from "./observe/inspect.js";
import { listenerOf } from "./observe/tracing/listener.js";
import { createTracer } from "./observe/tracing/tracer.js";
import { cancel, type ResumeOptions, resume } from "./orchestrator/answer.js";
import { breakersOf } from "./orchestrator/breakers.js";
import { type ForkOptions, fork } from "./orchestrator/fork.js";
import { operationsOf, type StopOptions, stop } from "./orchestrator/operations.js";
import { entryOf, getRun, type Parts, partsOf, recordOf } from "./orchestrator/parts.js";
import { Serving } from "./orchestrator/queue.js";
import { type Queue, queueDoor } from "./orchestrator/queue-door.js";
import { type QueueOptions, queueSettings } from "./orchestrator/queue-options.js";
import { type RecoverOptions, recover } from "./orchestrator/recover.js";
import { replay } from "./orchestrator/replay.js";
import { type StartOptions, start, submit } from "./orchestrator/start.js";
import { type Stats, type StatsOptions, statsOf } from "./orchestrator/stats.js";
import type { Replay, ReplayOptions } from "./replay/replay.js";

export interface OrchestratorOptions extends Omit<RuntimeOptions, "store"> {
  /** A store, or the path of a SQLite file to open (and close again). In memory when left out. */
  readonly store?: Store | string;
  readonly workflows: readonly Workflow[];
  /** How runs wait for their turn; with `false` runs begin at once whoever waits, and the queue is left to others. */
  readonly queue?: QueueOptions | false;
  /** What LangSmith is told of the runs when its environment variables ask for traces; with `false` nothing. */
  readonly tracing?: TracingOptions | false | undefined;
}

/** The door. */
export interface Orchestrator {
  /**
   * Accepts a run and carries it as far as it goes without a human, after its time in the queue when others wait or there is
   * no place for it. Throws `INPUT_INVALID` when the input does not fit and `QUEUE_FULL`, and accepts nothing then;
   * whatever happens after acceptance is a variant of the run that is returned.
   */
  start<Input extends Contract, Output extends Contract>(
    workflow: Workflow<Input, Output>,
    input: InferInput<Input>,
    options?: StartOptions,
  ): Promise<Run<Infer<Output>>>;
  start(workflow: string, input: unknown, options?: StartOptions): Promise<Run>;
  /**
   * Accepts a run as `start` does, and returns its id without waiting for it: this process carries it if it may begin at
   * once, otherwise whoever serves the queue when it has its turn.
   */
  submit<Input extends Contract>(workflow: Workflow<Input>, input: InferInput<Input>, options?: StartOptions): Promise<RunId>;
  submit(workflow: string, input: unknown, options?: StartOptions): Promise<RunId>;
  /** The runs that wait for their turn. */
  readonly queue: Queue;
  /** Answers a waiting or parked run and carries it on. Throws `WORKFLOW_CHANGED` when this program cannot. */
  resume(runId: string, decision: Decision, options?: ResumeOptions): Promise<Run>;
  /**
   * Stops the run and walks it back. A run that another process carries is stopped there, at its next sign of life; one
   * that waits in the queue ends at once.
   * Throws `RUN_FINISHED` when there is nothing left to stop, `PAST_PIVOT` when there is no way back.
   */
  cancel(runId: string, reason?: string): Promise<Run>;
  /**
   * Carries on every unfinished run that nobody carries: crashed, abandoned, or answered meanwhile; then works the queue off.
   * Returns what became of them.
   */
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
  /** What is left of every budget, what is reserved, and who spent what. */
  budget(options?: BudgetReportOptions): BudgetReport;
  /** Health by numbers: runs, agents, waiting times, spending, queue and breakers, all of it from the store. */
  stats(options?: StatsOptions): Promise<Stats>;
  /** The circuit breakers of the store: shared with all other processes on it. */
  readonly breakers: Breakers;
  /** The compiled StateGraph of a workflow, for drawing and for LangGraph's own tools. */
  graph(workflow: string): CompiledWorkflow;
  readonly workflows: readonly Workflow[];
  /**
   * Lets no new step begin, waits for the steps in flight (10 s when left out), stops what is left, gives the leases
   * back. Nothing is lost: `recover` carries the runs on, and who waits in the queue stays there.
   */
  stop(options?: StopOptions): Promise<void>;
  /** Waits for what is under way, then closes the store if it was opened here. Who waits in the queue stays there. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

export function createOrchestrator(options: OrchestratorOptions): Orchestrator {
  const { store: storeOption = ":memory:", workflows, queue = {}, tracing = {}, ...runtimeOptions } = options;
  const settings = queue === false || workflows.length === 0 ? undefined : queueSettings(queue);
  const traced = tracing === false ? undefined : checkOptions(TracingOptions, "tracing", tracing);
  const store = typeof storeOption === "string" ? sqliteStore(storeOption) : storeOption;
  const tracer = traced && createTracer(store, traced);
  const runtime = createRuntime({ ...runtimeOptions, onEvent: listenerOf(tracer, runtimeOptions.onEvent), store });
  const parts: Parts = partsOf(store, runtime, workflows);
  const operations = operationsOf();
  const serving = settings && new Serving(parts, operations, settings);
  /** An operation on the parts, one that `close` waits for. */
  const counted = <Args extends unknown[], T>(operation: (parts: Parts, ...args: Args) => Promise<T>) =>
    operations.count((...args: Args) => operation(parts, ...args));
  /** One that the queue has a part in. */
  const served = <Args extends unknown[], T>(operation: (parts: Parts, serving: Serving | undefined, ...args: Args) => Promise<T>) =>
    operations.count((...args: Args) => operation(parts, serving, ...args));
  const queueOfAll = queueDoor(parts, serving, operations);
  const breakers = breakersOf(runtime, workflows);

  return {
    start: served(start) as Orchestrator["start"], // the overload with a workflow only narrows the output, by that workflow's own contract
    submit: served(submit),
    queue: queueOfAll,
    resume: counted(resume),
    cancel: served(cancel),
    recover: served(recover),
    fork: counted(fork),
    replay: counted(replay),
    async stop(stopOptions) {
      await stop(runtime, operations, serving, stopOptions);
      await tracer?.close();
    },
    get: (runId) => getRun(parts, runId),
    inspect: async (runId) => inspectRun(store, await recordOf(parts, runId)),
    diff: counted(async (_, runId, from, to) => diffVersions(store, (await recordOf(parts, runId)).runId, from, to)),
    bisect: counted(async (_, runId, predicate, range) => bisect(store, (await recordOf(parts, runId)).runId, predicate, range)),
    list: (query = {}) => store.runs.list(query),
    budget: (reportOptions = {}) => runtime.meter.report(reportOptions),
    stats: counted((_, statsOptions: StatsOptions = {}) => statsOf(parts, { queue: queueOfAll, breakers }, statsOptions)),
    breakers,
    graph: (workflow) => entryOf(parts, workflow).graph,
    workflows,
    async close() {
      await serving?.stop();
      await operations.settled();
      await tracer?.close();
      await runtime.meter.close();
      if (typeof storeOption === "string") await store.close();
    },
    async [Symbol.asyncDispose]() {
      await this.close();
    },
  };
}
