import { setTimeout } from "node:timers/promises";
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
  recover(): Promise<readonly Run[]>;
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

  /** Lets LangGraph carry the run until it ends or asks, and returns what its row then says. */
  async function carry({ graph }: Entry, scope: RunScope, input: object | null): Promise<Run> {
    const { runId, epoch } = scope;
    const task = (async () => {
      try {
        await graph.invoke(input, { configurable: { thread_id: runId, [EPOCH_KEY]: epoch }, durability: "sync" });
      } catch (thrown) {
        if (!(isWalkbackError(thrown) && thrown.code === "DRAINING")) throw thrown;
      } finally {
        await scope.quiesce();
        await runtime.release(scope);
      }
    })();
    underway.set(runId, task);
    try {
      await task;
    } finally {
      underway.delete(runId);
    }
    return get(runId);
  }

  /** Takes the run's lease and carries it on from where it stands on disk. */
  async function carryOn(record: RunRecord): Promise<Run> {
    const entry = entryOf(record.workflow);
    const scope = await runtime.claim(record.runId);
    if (scope.lease.crashes >= MAX_CRASHES) return quarantine(scope);
    const ended = await endedBefore(store, scope);
    if (ended) scope.fail(ended);
    const checkpoint = await store.checkpointer.getTuple({ configurable: { thread_id: record.runId } });
    const first = checkpoint ? undefined : await store.versions.find(record.runId, 0);
    return carry(entry, scope, first ? updateOf(first) : null);
  }

  async function quarantine(scope: RunScope): Promise<Run> {
    const { runId, lease } = scope;
    const message = `Run ${runId} has killed its process ${lease.crashes} times in a row at the same place.`;
    const failure = new Quarantined(message, { runId, crashes: lease.crashes }).toJSON();
    await store.runs.ask(scope, quarantineQuestion(failure, scope.epoch), failure);
    await runtime.release(scope);
    return get(runId);
  }

  async function start(named: Workflow | string, input: unknown, startOptions: StartOptions = {}): Promise<Run> {
    const { runId: wanted, idempotencyKey, onAccepted } = startOptions;
    const entry = entryOf(typeof named === "string" ? named : named.name);
    const { workflow } = entry.kit;
    const runId = (wanted ?? newRunId()) as RunId;
    if (runtime.draining) throw new Draining("The orchestrator is stopping and accepts no runs. Start it at another one.", { runId });
    const sealed = sealInput(workflow, input, runtime.maxDocumentBytes);
    const accepted = await acceptOnce(runtime, { workflow, runId, input: sealed }, idempotencyKey);
    onAccepted?.(accepted.kind === "known" ? accepted.runId : runId);
    if (accepted.kind === "known") {
      await underway.get(accepted.runId);
      return get(accepted.runId);
    }
    return carry(entry, scopeOf(runtime, runId), updateOf(accepted.version));
  }

  async function resume(runId: string, decision: Decision, { question: named }: { readonly question?: string } = {}): Promise<Run> {
    const record = await recordOf(runId);
    entryOf(record.workflow);
    const status = underway.has(record.runId) ? "running" : record.status;
    if (status !== "waiting" && status !== "parked") {
      throw new RunNotWaiting(`Run ${runId} is ${status}; only a waiting or parked run can be resumed.`, { runId, status });
    }
    const question = chooseQuestion(await store.runs.openQuestions(record.runId), named);
    const read = readAnswer(question, decision);
    if (typeof read === "string") throw unusable(question, read);
    // The answer is on disk before anything else happens; a crash from here on does not lose it.
    await store.runs.answer(record.runId, question.id, read, runtime.now().toISOString());
    return carryOn(record).catch((thrown) => unlessHeld(thrown, () => get(runId)));
  }

  async function cancel(runId: string, reason = "no reason given"): Promise<Run> {
    const record = await recordOf(runId);
    const { kit } = entryOf(record.workflow);
    if (isTerminal(record.status)) {
      throw new RunFinished(`Run ${runId} has already ended as ${record.status}.`, { runId, status: record.status });
    }
    await refusePastPivot(store, kit, record.runId);
    await store.runs.requestCancel(record.runId, reason);
    const task = underway.get(record.runId);
    if (task !== undefined) {
      runtime.activeScope(record.runId)?.fail(canceled(record.runId, reason));
      await task;
      return get(runId);
    }
    return carryOn(record).catch((thrown) => unlessHeld(thrown, () => get(runId)));
  }

  async function recover(): Promise<readonly Run[]> {
    const carried: Run[] = [];
    const seen = new Set<RunId>();
    for (;;) {
      // What was looked at and left (another program's workflow, say) must not hide those behind it.
      const claimable = await store.runs.claimable(runtime.now().toISOString(), seen.size + RECOVER_AT_ONCE);
      const unseen = claimable.filter(({ runId }) => !seen.has(runId));
      if (unseen.length === 0 || runtime.draining) return carried;
      for (const { runId } of unseen) seen.add(runId);
      const mine = unseen.filter(({ runId, workflow }) => !underway.has(runId) && entries.has(workflow));
      const runs = await Promise.all(mine.map((record) => carryOn(record).catch(unlessTaken)));
      carried.push(...runs.filter((run) => run !== undefined));
    }
  }

  async function stop({ deadlineMs = STOP_DEADLINE_MS }: { readonly deadlineMs?: number } = {}): Promise<void> {
    runtime.drain();
    const settled = Promise.allSettled(underway.values());
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

/** Another process was faster; its run is not ours to report. */
function unlessTaken(thrown: unknown): undefined {
  if (isWalkbackError(thrown) && ["RUN_HELD", "RUN_FINISHED", "FENCED"].includes(thrown.code)) return undefined;
  throw thrown;
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
