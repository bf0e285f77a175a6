import { setTimeout } from "node:timers/promises";
import { AsyncLocalStorageProviderSingleton } from "@langchain/core/singletons";
import { isInterrupted } from "@langchain/langgraph";
import { createRuntime, type Runtime, type RuntimeOptions } from "./agents/runtime.js";
import type { RunScope } from "./agents/scope.js";
import { foldJournal } from "./checkpoint/journal-view.js";
import { EPOCH_KEY, type RunQuery, type RunRecord, type Store } from "./checkpoint/ports.js";
import { sqliteStore } from "./checkpoint/sqlite/store.js";
import type { Contract, Infer, InferInput } from "./contracts/contract.js";
import {
  Canceled,
  DecisionInvalid,
  Draining,
  isWalkbackError,
  PastPivot,
  Quarantined,
  Rejected,
  RunFinished,
  RunNotWaiting,
  RunUnknown,
  WorkflowChanged,
  WorkflowInvalid,
  WorkflowUnknown,
} from "./contracts/failure.js";
import { newRunId, type RunId } from "./contracts/ids.js";
import type { Decision, Question } from "./contracts/question.js";
import { isTerminal, type Run } from "./contracts/run.js";
import { readAnswer } from "./graph/ask.js";
import { type CompiledWorkflow, compileWorkflow } from "./graph/compile.js";
import { createKit, type Kit } from "./graph/kit.js";
import { acceptOnce, sealInput } from "./graph/nodes.js";
import { passedPivot } from "./graph/pivot.js";
import { quarantineQuestion } from "./graph/questions.js";
import { updateOf } from "./graph/state.js";
import type { Workflow } from "./graph/workflow.js";
import { type Inspection, inspectRun } from "./observe/inspect.js";
import { runOf } from "./observe/run-view.js";

/** A run that kills its process this often without getting any further is left for a human. */
const MAX_CRASHES = 3;
/** How many runs `recover` carries at a time. */
const RECOVER_AT_ONCE = 16;
const STOP_DEADLINE_MS = 10_000;

export interface OrchestratorOptions extends Omit<RuntimeOptions, "store"> {
  /** A store, or the path of a SQLite file to open (and close again). In memory when left out. */
  readonly store?: Store | string;
  readonly workflows: readonly Workflow[];
}

export interface StartOptions {
  /** A UUID of your own; `RUN_EXISTS` when it is taken. */
  readonly runId?: string;
  /** The same key returns the same run; with another input it is `KEY_REUSED`. */
  readonly idempotencyKey?: string;
  /** Called once the run is on disk: from here on it is not forgotten. */
  readonly onAccepted?: (runId: RunId) => void;
}

export interface RecoverOptions {
  /** Called for a run that could not be carried on; without it the first error is thrown once all others have been carried. */
  readonly onError?: (thrown: unknown, runId: RunId) => void;
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
  /** Answers a waiting or parked run and carries it on. With several open questions, `question` names one. */
  resume(runId: string, decision: Decision, options?: { readonly question?: string }): Promise<Run>;
  /**
   * Stops the run and walks it back. A run that another process carries is stopped there, at its next sign of life.
   * Throws `RUN_FINISHED` when there is nothing left to stop, `PAST_PIVOT` when there is no way back.
   */
  cancel(runId: string, reason?: string): Promise<Run>;
  /** Carries on every unfinished run that nobody carries: crashed, abandoned, or answered meanwhile. Returns what became of them. */
  recover(options?: RecoverOptions): Promise<readonly Run[]>;
  /** The run as it stands on disk. Throws `RUN_UNKNOWN`. */
  get(runId: string): Promise<Run>;
  /** Everything on record about a run. Throws `RUN_UNKNOWN`. */
  inspect(runId: string): Promise<Inspection>;
  /** Newest first. */
  list(query?: RunQuery): Promise<readonly RunRecord[]>;
  /** The compiled StateGraph of a workflow, for drawing and for LangGraph's own tools. */
  graph(workflow: string): CompiledWorkflow;
  readonly workflows: readonly Workflow[];
  /**
   * Lets no new step begin, waits for the steps in flight (10 s when left out), stops what is left, gives the leases
   * back. Nothing is lost: `recover` carries the runs on.
   */
  stop(options?: { readonly deadlineMs?: number }): Promise<void>;
  /** Waits for what is under way, then closes the store if it was opened here. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

interface Entry {
  readonly kit: Kit;
  readonly graph: CompiledWorkflow;
}

export function createOrchestrator(options: OrchestratorOptions): Orchestrator {
  const { store: storeOption = ":memory:", workflows, ...runtimeOptions } = options;
  const store = typeof storeOption === "string" ? sqliteStore(storeOption) : storeOption;
  refuseDuplicates(workflows);
  const runtime = createRuntime({ ...runtimeOptions, store });
  const entries = new Map(workflows.map((workflow) => [workflow.name, entryFor(runtime, workflow)]));
  const underway = new Map<RunId, Promise<unknown>>();
  const operations = new Set<Promise<unknown>>();

  /** What `close` waits for: an operation from its first moment on, not only once its run is under way. */
  const waitedFor =
    <Args extends unknown[], T>(operation: (...args: Args) => Promise<T>) =>
    (...args: Args): Promise<T> => {
      const promise = operation(...args);
      operations.add(promise);
      const done = () => operations.delete(promise);
      promise.then(done, done);
      return promise;
    };

  const entryOf = (name: string): Entry => {
    const found = entries.get(name);
    if (found) return found;
    const known = [...entries.keys()];
    throw new WorkflowUnknown(`There is no workflow "${name}". Known: ${known.join(", ") || "none"}.`, { workflow: name, known });
  };
  const recordOf = async (runId: string): Promise<RunRecord> => {
    const record = await store.runs.find(runId as RunId);
    if (record) return record;
    throw new RunUnknown(`There is no run ${runId} in ${store.location}.`, { runId });
  };
  const get = async (runId: string) => runOf(store, await recordOf(runId));

  /** Lets LangGraph carry the run until it ends or asks; and on, when it was answered or canceled while it was asking. */
  async function carryThrough({ graph }: Entry, first: RunScope, input: object | null): Promise<Run> {
    for (let scope = first, next = input; ; next = null) {
      const asked = await invokeGraph(runtime, graph, scope, next);
      if (!asked || !(await wasAnswered(scope.runId))) return get(scope.runId);
      scope = await claim(scope.runId);
    }
  }

  async function carry(entry: Entry, scope: RunScope, input: object | null): Promise<Run> {
    const { runId } = scope;
    const task = carryThrough(entry, scope, input).catch((thrown) => unlessHeld(thrown, () => get(runId)));
    underway.set(runId, task);
    try {
      return await task;
    } finally {
      underway.delete(runId);
    }
  }

  async function wasAnswered(runId: RunId): Promise<boolean> {
    const { status } = await recordOf(runId);
    if (runtime.draining) return false;
    return status === "running" || (status === "waiting" && (await store.runs.cancelRequests([runId])).length > 0);
  }

  /** Takes the run's lease; a run that was ended while nobody carried it fails at once. */
  async function claim(runId: RunId): Promise<RunScope> {
    const scope = await runtime.claim(runId);
    const ended = await endedBefore(store, scope);
    if (ended) scope.fail(ended);
    return scope;
  }

  /** Carries a run on from where it stands on disk. */
  async function carryOn(record: RunRecord): Promise<Run> {
    const entry = entryOf(record.workflow);
    refuseChanged(record, entry.kit.workflow);
    const scope = await claim(record.runId);
    if (scope.lease.crashes >= MAX_CRASHES) return quarantine(entry, scope);
    const checkpoint = await store.checkpointer.getTuple({ configurable: { thread_id: record.runId } });
    const first = checkpoint ? undefined : await store.versions.find(record.runId, 0);
    return carry(entry, scope, first ? updateOf(first) : null);
  }

  /** After an answer or a cancel is on disk: lets whoever carries the run here come to its end, then carries it on. */
  async function carryOnAfter(runId: RunId): Promise<Run> {
    await underway.get(runId);
    const record = await recordOf(runId);
    return isTerminal(record.status) ? get(runId) : carryOn(record).catch((thrown) => unlessHeld(thrown, () => get(runId)));
  }

  async function quarantine({ kit }: Entry, scope: RunScope): Promise<Run> {
    const { runId, lease } = scope;
    const message = `Run ${runId} has killed its process ${lease.crashes} times in a row at the same place.`;
    const failure = new Quarantined(message, { runId, crashes: lease.crashes }).toJSON();
    const canGoBack = (await passedPivot(kit, scope)) === undefined;
    await store.runs.ask(scope, quarantineQuestion(failure, scope.epoch, canGoBack), failure);
    await runtime.release(scope);
    return get(runId);
  }

  async function start(named: Workflow | string, input: unknown, startOptions: StartOptions = {}): Promise<Run> {
    const { runId: wanted, idempotencyKey, onAccepted } = startOptions;
    const entry = entryOf(typeof named === "string" ? named : named.name);
    const { workflow } = entry.kit;
    if (typeof named !== "string" && named !== workflow) throw anotherDefinition(named);
    const runId = (wanted ?? newRunId()) as RunId;
    if (runtime.draining) throw new Draining("The orchestrator is stopping and accepts no runs. Start it at another one.", { runId });
    const sealed = sealInput(workflow, input, runtime.maxDocumentBytes);
    const accepted = await acceptOnce(runtime, { workflow, runId, input: sealed }, idempotencyKey);
    if (accepted.kind === "known") {
      onAccepted?.(accepted.runId);
      await underway.get(accepted.runId);
      return get(accepted.runId);
    }
    const scope = scopeOf(runtime, runId);
    try {
      onAccepted?.(runId);
    } catch (thrown) {
      await runtime.release(scope); // the run is on disk, and `recover` carries it on
      throw thrown;
    }
    return carry(entry, scope, updateOf(accepted.version));
  }

  async function resume(runId: string, decision: Decision, { question: named }: { readonly question?: string } = {}): Promise<Run> {
    const record = await recordOf(runId);
    refuseChanged(record, entryOf(record.workflow).kit.workflow);
    const { status } = record;
    if (status !== "waiting" && status !== "parked") {
      throw new RunNotWaiting(`Run ${runId} is ${status}; only a waiting or parked run can be resumed.`, { runId, status });
    }
    const question = chooseQuestion(await store.runs.openQuestions(record.runId), named);
    const read = readAnswer(question, decision);
    if (typeof read === "string") throw unusable(question, read);
    // The answer is on disk before anything else happens; a crash from here on does not lose it.
    const first = await store.runs.answer(record.runId, question.id, read, runtime.now().toISOString());
    if (!first) throw unusable(question, "it has been answered already");
    return carryOnAfter(record.runId);
  }

  async function cancel(runId: string, reason = "no reason given"): Promise<Run> {
    const record = await recordOf(runId);
    const { kit } = entryOf(record.workflow);
    if (isTerminal(record.status)) {
      throw new RunFinished(`Run ${runId} has already ended as ${record.status}.`, { runId, status: record.status });
    }
    await refusePastPivot(store, kit, record.runId);
    await store.runs.requestCancel(record.runId, reason);
    runtime.activeScope(record.runId)?.fail(canceled(record.runId, reason));
    return carryOnAfter(record.runId);
  }

  async function recover({ onError }: RecoverOptions = {}): Promise<readonly Run[]> {
    const errors: unknown[] = [];
    const failed = (thrown: unknown, runId: RunId): undefined => {
      if (isWalkbackError(thrown) && ["RUN_HELD", "RUN_FINISHED"].includes(thrown.code)) return; // another process was faster
      if (onError) onError(thrown, runId);
      else errors.push(thrown);
    };
    const carried: Run[] = [];
    const seen = new Set<RunId>();
    for (;;) {
      // What was looked at and left (another program's workflow, say) must not hide those behind it.
      const claimable = await store.runs.claimable(runtime.now().toISOString(), seen.size + RECOVER_AT_ONCE);
      const unseen = claimable.filter(({ runId }) => !seen.has(runId));
      if (unseen.length === 0 || runtime.draining) break;
      for (const { runId } of unseen) seen.add(runId);
      const mine = unseen.filter(({ runId, workflow }) => !underway.has(runId) && entries.has(workflow));
      const runs = await Promise.all(mine.map((record) => carryOn(record).catch((thrown) => failed(thrown, record.runId))));
      carried.push(...runs.filter((run) => run !== undefined));
    }
    if (errors.length > 0) throw errors[0]; // the others have been carried all the same
    return carried;
  }

  async function stop({ deadlineMs = STOP_DEADLINE_MS }: { readonly deadlineMs?: number } = {}): Promise<void> {
    runtime.drain();
    const settled = Promise.allSettled(operations);
    const timer = new AbortController();
    await Promise.race([settled, setTimeout(deadlineMs, undefined, { signal: timer.signal }).catch(() => {})]);
    timer.abort();
    for (const scope of runtime.activeScopes()) {
      const { runId } = scope;
      scope.halt(new Draining(`Run ${runId} was stopped at the deadline; it is on disk.`, { runId }));
    }
    await settled;
  }

  return {
    start: waitedFor(start) as Orchestrator["start"], // the overload with a workflow only narrows the output, by that workflow's own contract
    resume: waitedFor(resume),
    cancel: waitedFor(cancel),
    recover: waitedFor(recover),
    stop,
    get,
    inspect: async (runId) => inspectRun(store, await recordOf(runId)),
    list: (query = {}) => store.runs.list(query),
    graph: (workflow) => entryOf(workflow).graph,
    workflows,
    async close() {
      await Promise.allSettled(operations);
      if (typeof storeOption === "string") await store.close();
    },
    async [Symbol.asyncDispose]() {
      await this.close();
    },
  };
}

function entryFor(runtime: Runtime, workflow: Workflow): Entry {
  return { kit: createKit(runtime, workflow), graph: compileWorkflow(runtime, workflow) };
}

function scopeOf(runtime: Runtime, runId: RunId): RunScope {
  const scope = runtime.activeScope(runId);
  if (scope) return scope;
  throw new RunUnknown(`Run ${runId} was accepted but is not open in this process.`, { runId });
}

/** Why the run must end, decided while nobody carried it: it was canceled, or a human rejected it in quarantine. */
async function endedBefore(store: Store, { runId, lease }: RunScope) {
  if (lease.cancelReason !== undefined) return canceled(runId, lease.cancelReason);
  const answered = await store.runs.answered(runId);
  const rejected = answered.find(({ question, answer }) => question.kind === "quarantined" && answer.decision === "reject");
  if (!rejected) return undefined;
  const reason = rejected.answer.reason ?? "no reason given";
  return new Rejected(`A human rejected the quarantined run ${runId}: ${reason}.`, { agent: "", reason }).toJSON();
}

function canceled(runId: RunId, reason: string) {
  return new Canceled(`Run ${runId} was canceled: ${reason}.`, { runId, reason }).toJSON();
}

async function refusePastPivot(store: Store, kit: Kit, runId: RunId): Promise<void> {
  const journal = async () => foldJournal(await store.journal.list(runId));
  const pivot = await passedPivot(kit, { journal });
  if (!pivot) return;
  const message = `Run ${runId} cannot be canceled: "${pivot.effect}" of ${pivot.agent} has been performed, and there is no way back past it.`;
  throw new PastPivot(message, { runId, effect: pivot.effect });
}

/** The wish is on disk, and another process carries the run: it hears of it, or whoever recovers the run does. */
function unlessHeld(thrown: unknown, otherwise: () => Promise<Run>): Promise<Run> {
  if (isWalkbackError(thrown) && thrown.code === "RUN_HELD") return otherwise();
  throw thrown;
}

/** One turn of LangGraph at a run, under the lease that the scope holds. Returns whether it stopped to ask. */
async function invokeGraph(runtime: Runtime, graph: CompiledWorkflow, scope: RunScope, input: object | null): Promise<boolean> {
  const config = { configurable: { thread_id: scope.runId, [EPOCH_KEY]: scope.epoch }, durability: "sync" } as const;
  try {
    // Called inside a node of another graph, LangGraph would take its config, checkpointer included, for ours.
    const result: unknown = await AsyncLocalStorageProviderSingleton.runWithConfig(undefined, () => graph.invoke(input, config), true);
    return isInterrupted(result);
  } catch (thrown) {
    // Stopping, or overtaken by another process: the run's row says how it stands.
    if (isWalkbackError(thrown) && (thrown.code === "DRAINING" || thrown.code === "FENCED")) return false;
    throw thrown;
  } finally {
    await scope.quiesce();
    await runtime.release(scope);
  }
}

function refuseChanged({ runId, workflow: name, workflowVersion: runVersion }: RunRecord, workflow: Workflow): void {
  if (runVersion === workflow.version) return;
  const message = `Run ${runId} was made with ${name} version ${runVersion}; this program has version ${workflow.version}. Carry it on with the program that made it.`;
  throw new WorkflowChanged(message, { runId, workflow: name, runVersion, programVersion: workflow.version });
}

function anotherDefinition({ name }: Workflow): WorkflowUnknown {
  const message = `This orchestrator has another workflow called "${name}". Give it the same definition it was made with, or another name.`;
  return new WorkflowUnknown(message, { workflow: name, known: [name] });
}

function refuseDuplicates(workflows: readonly Workflow[]): void {
  const names = workflows.map(({ name }) => name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice === undefined) return;
  const issue = { problem: "duplicate-workflow", message: `two workflows are called "${twice}"` } as const;
  throw new WorkflowInvalid(`The orchestrator cannot start: ${issue.message}.`, { workflow: twice, issues: [issue] });
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
