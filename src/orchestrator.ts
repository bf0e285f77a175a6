import { Command } from "@langchain/langgraph";
import { createRuntime, type RuntimeOptions } from "./agents/runtime.js";
import type { RunQuery, RunRecord, Store } from "./checkpoint/ports.js";
import { sqliteStore } from "./checkpoint/sqlite/store.js";
import type { Contract, Infer, InferInput } from "./contracts/contract.js";
import { Canceled, DecisionInvalid, RunFinished, RunNotWaiting, RunUnknown, WorkflowUnknown } from "./contracts/failure.js";
import { newRunId, type RunId } from "./contracts/ids.js";
import type { Decision, Question } from "./contracts/question.js";
import { isTerminal, type Run } from "./contracts/run.js";
import { type CompiledWorkflow, compileWorkflow } from "./graph/compile.js";
import { acceptRun, sealInput } from "./graph/nodes.js";
import { readAnswer } from "./graph/questions.js";
import { updateOf } from "./graph/state.js";
import type { Workflow } from "./graph/workflow.js";
import { type Inspection, inspectRun } from "./observe/inspect.js";
import { runOf } from "./observe/run-view.js";

/** Supersteps a run may take: a bound on LangGraph's side only, far above any walk-back. */
const RECURSION_LIMIT = 100_000;

export interface OrchestratorOptions extends Omit<RuntimeOptions, "store"> {
  /** A store, or the path of a SQLite file to open (and close again). In memory when left out. */
  readonly store?: Store | string;
  readonly workflows: readonly Workflow[];
}

export interface StartOptions {
  /** A UUID of your own; `RUN_EXISTS` when it is taken. */
  readonly runId?: string;
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
  /** Stops the run and walks it back. Throws `RUN_FINISHED` when there is nothing left to stop. */
  cancel(runId: string, reason?: string): Promise<Run>;
  /** The run as it stands on disk. Throws `RUN_UNKNOWN`. */
  get(runId: string): Promise<Run>;
  /** Everything on record about a run. Throws `RUN_UNKNOWN`. */
  inspect(runId: string): Promise<Inspection>;
  /** Newest first. */
  list(query?: RunQuery): Promise<readonly RunRecord[]>;
  /** The compiled StateGraph of a workflow, for drawing and for LangGraph's own tools. */
  graph(workflow: string): CompiledWorkflow;
  readonly workflows: readonly Workflow[];
  /** Waits for what is under way, then closes the store if it was opened here. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

export function createOrchestrator(options: OrchestratorOptions): Orchestrator {
  const { store: storeOption = ":memory:", workflows, ...runtimeOptions } = options;
  const store = typeof storeOption === "string" ? sqliteStore(storeOption) : storeOption;
  const runtime = createRuntime({ ...runtimeOptions, store });
  const graphs = new Map(workflows.map((workflow) => [workflow.name, { workflow, graph: compileWorkflow(runtime, workflow) }]));
  const underway = new Map<RunId, Promise<unknown>>();

  const entryOf = (name: string) => {
    const found = graphs.get(name);
    if (found) return found;
    const known = [...graphs.keys()];
    throw new WorkflowUnknown(`There is no workflow "${name}". Known: ${known.join(", ") || "none"}.`, { workflow: name, known });
  };
  const recordOf = async (runId: string): Promise<RunRecord> => {
    const record = await store.runs.find(runId as RunId);
    if (record) return record;
    throw new RunUnknown(`There is no run ${runId} in ${store.location}.`, { runId });
  };

  /** Lets LangGraph carry the run until it ends or asks, and returns what its row then says. */
  async function carry(graph: CompiledWorkflow, runId: RunId, input: object): Promise<Run> {
    const task = (async () => {
      try {
        await graph.invoke(input, { configurable: { thread_id: runId }, durability: "sync", recursionLimit: RECURSION_LIMIT });
      } finally {
        await runtime.activeScope(runId)?.quiesce();
        runtime.release(runId);
      }
    })();
    underway.set(runId, task);
    try {
      await task;
    } finally {
      underway.delete(runId);
    }
    return runOf(store, await recordOf(runId));
  }

  async function start(named: Workflow | string, input: unknown, { runId: wanted, onAccepted }: StartOptions = {}): Promise<Run> {
    const { workflow, graph } = entryOf(typeof named === "string" ? named : named.name);
    const runId = (wanted ?? newRunId()) as RunId;
    const sealed = sealInput(workflow, input, runtime.maxDocumentBytes);
    const accepted = await acceptRun(runtime, workflow, runId, sealed);
    onAccepted?.(runId);
    return carry(graph, runId, updateOf(accepted));
  }

  async function resume(runId: string, decision: Decision, { question: named }: { readonly question?: string } = {}): Promise<Run> {
    const record = await recordOf(runId);
    const { graph } = entryOf(record.workflow);
    const status = underway.has(record.runId) ? "running" : record.status;
    if (status !== "waiting" && status !== "parked") {
      throw new RunNotWaiting(`Run ${runId} is ${status}; only a waiting or parked run can be resumed.`, { runId, status });
    }
    const question = chooseQuestion(await store.runs.openQuestions(record.runId), named);
    const problem = readAnswer(question, decision);
    if (typeof problem === "string")
      throw new DecisionInvalid(`The answer to ${question.id} cannot be used: ${problem}.`, {
        question: question.id,
        allowed: question.allowed,
        issues: [{ path: "", message: problem }],
      });
    return carry(graph, record.runId, new Command({ resume: { [await interruptOf(graph, record.runId, question)]: decision } }));
  }

  async function cancel(runId: string, reason = "no reason given"): Promise<Run> {
    const record = await recordOf(runId);
    const { graph } = entryOf(record.workflow);
    if (isTerminal(record.status))
      throw new RunFinished(`Run ${runId} has already ended as ${record.status}.`, { runId, status: record.status });
    const task = underway.get(record.runId);
    const failure = new Canceled(`Run ${runId} was canceled: ${reason}.`, { runId, reason }).toJSON();
    if (task !== undefined) {
      runtime.activeScope(record.runId)?.fail(failure);
      await task;
    } else if (record.status === "waiting") {
      runtime.scopeOf(record.runId).fail(failure);
      await store.runs.withdrawQuestions(record.runId);
      return carry(graph, record.runId, new Command({ resume: { decision: "reject", reason } }));
    }
    return runOf(store, await recordOf(runId));
  }

  return {
    start: start as Orchestrator["start"], // the overload with a workflow only narrows the output, by that workflow's own contract
    resume,
    cancel,
    get: async (runId) => runOf(store, await recordOf(runId)),
    inspect: async (runId) => inspectRun(store, await recordOf(runId)),
    list: (query = {}) => store.runs.list(query),
    graph: (workflow) => entryOf(workflow).graph,
    workflows,
    async close() {
      await Promise.allSettled(underway.values());
      if (typeof storeOption === "string") await store.close();
    },
    async [Symbol.asyncDispose]() {
      await this.close();
    },
  };
}

function chooseQuestion(open: readonly Question[], named: string | undefined): Question {
  const ids = open.map(({ id }) => id);
  const chosen = named === undefined && open.length === 1 ? open[0] : open.find(({ id }) => id === named);
  if (chosen) return chosen;
  const message =
    named === undefined
      ? `there are ${open.length} open questions, name one of: ${ids.join(", ")}`
      : `there is no open question ${named}, only: ${ids.join(", ")}`;
  throw new DecisionInvalid(`The answer cannot be given: ${message}.`, {
    question: named ?? "",
    allowed: ids,
    issues: [{ path: "", message }],
  });
}

/** LangGraph's id of the interrupt that carries our question. */
async function interruptOf(graph: CompiledWorkflow, runId: RunId, question: Question): Promise<string> {
  const state = await graph.getState({ configurable: { thread_id: runId } });
  for (const interrupt of state.tasks.flatMap(({ interrupts }) => interrupts)) {
    const asked = interrupt.value as Question | undefined; // only `askHuman` interrupts our graphs
    if (asked?.id === question.id && interrupt.id !== undefined) return interrupt.id;
  }
  throw new RunNotWaiting(`Run ${runId} has no interrupt for the question ${question.id} in its checkpoint.`, { runId, status: "waiting" });
}
