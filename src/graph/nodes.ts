import type { RunnableConfig } from "@langchain/core/runnables";
import type { LangGraphRunnableConfig } from "@langchain/langgraph";
import type { Agent } from "../agents/agent.js";
import type { Runtime } from "../agents/runtime.js";
import type { RunScope } from "../agents/scope.js";
import type { Accepted, NewRun, Version } from "../checkpoint/ports.js";
import { queuedEvents } from "../checkpoint/queue-events.js";
import { checkShape, describeIssues } from "../contracts/contract.js";
import { Draining, type Failure, InputInvalid, InputMissing, isWalkbackError, RunUnknown } from "../contracts/failure.js";
import type { RunId } from "../contracts/ids.js";
import { type Sealed, seal } from "../contracts/json.js";
import type { JsonValue } from "../contracts/json-value.js";
import { askHuman } from "./ask.js";
import { withBranches } from "./branches.js";
import { finish } from "./finish.js";
import { accept, obtain } from "./handoff.js";
import type { Kit } from "./kit.js";
import { type StateUpdate, updateOf, type WorkflowState } from "./state.js";
import { type Obtained, type Step, stepOf } from "./step.js";
import { contractName } from "./upcast.js";
import { consumersOf, NODES, producersOf, type Workflow } from "./workflow.js";

/** A node of a LangGraph StateGraph. */
export type GraphNode = (state: WorkflowState, config: RunnableConfig) => Promise<StateUpdate>;

/**
 * The gate in front of an agent: checks every document that other agents hand it, and sends a bad one back to its
 * producer for repair. Passes through at once when the run has failed.
 */
export function gate(kit: Kit, agent: Agent): GraphNode {
  return node(kit, async (scope, state) => {
    const passed = await withAnswers(kit, scope, () => passGate(kit, scope, agent));
    if (passed.kind !== "passed") return {};
    const repaired = passed.versions.filter(({ number }) => !(number in state.versions));
    return merge(repaired.map(updateOf));
  });
}

/** Runs an agent through `invoke` and commits its version to the graph's state. Passes through when the run has failed. */
export function agentNode(kit: Kit, agent: Agent): GraphNode {
  return node(kit, async (scope) => {
    const obtained = await withAnswers(kit, scope, () => work(kit, scope, agent));
    return obtained.kind === "version" ? updateOf(obtained.version) : {};
  });
}

/** Waits until nothing of the run is under way, checks what leaves the workflow, and ends the run if it is well. */
export function settle(kit: Kit): GraphNode {
  const leaving = kit.workflow.agents.filter(
    (agent) => consumersOf(kit.workflow, agent).length === 0 || agent.produces.name === kit.workflow.output.name,
  );
  return node(kit, async (scope, state) => {
    await scope.quiesce();
    const updates: StateUpdate[] = [];
    for (const agent of leaving) {
      const accepted = await withAnswers(kit, scope, () => acceptProduct(kit, scope, agent));
      if (accepted.kind === "version" && !(accepted.version.number in state.versions)) updates.push(updateOf(accepted.version));
    }
    const output = scope.board.get(kit.workflow.output.name);
    if (!scope.failure && !output) scope.fail(noOutput(kit));
    if (!scope.failure && output)
      await finish(kit, scope, { status: "completed", endedAt: kit.runtime.now().toISOString(), outputVersion: output.number });
    return merge(updates);
  });
}

function noOutput({ workflow }: Kit): Failure {
  const message = `${workflow.name} came to its end without ${workflow.output.id}.`;
  return new InputMissing(message, { agent: NODES.settle, contract: workflow.output.id }).toJSON();
}

/**
 * The door of a graph that is not started by an orchestrator (LangGraph Studio, a hand-written graph): checks the input
 * and writes the run's row before anything else. Throws `INPUT_INVALID`; no run was accepted then.
 */
export function acceptInput(kit: Kit): GraphNode {
  return async (state, config) => {
    const { runtime, workflow } = kit;
    const runId = runIdOf(config);
    const input = sealInput(workflow, state[workflow.input.name], runtime.maxDocumentBytes);
    const accepted = await acceptRun(kit, { runId, input }).catch((thrown: unknown) => ownRun(kit, runId, input, thrown));
    const scope = runtime.activeScope(runId) ?? (await runtime.claim(runId));
    scope.board.set(workflow.input.name, accepted);
    return updateOf(accepted);
  };
}

/** The node may run again after a crash: the run it finds is then its own. */
async function ownRun({ runtime }: Kit, runId: RunId, input: Sealed, thrown: unknown): Promise<Version> {
  const known = isWalkbackError(thrown) && thrown.code === "RUN_EXISTS" ? await runtime.store.versions.find(runId, 0) : undefined;
  if (known?.dataHash === input.hash) return known;
  throw thrown;
}

export interface Acceptance {
  readonly runId: RunId;
  readonly input: Sealed;
}

/** Writes the run's row and version 0 and opens its scope; from here on the run is not forgotten. Throws `RUN_EXISTS`. */
async function acceptRun(kit: Kit, { runId, input }: Acceptance): Promise<Version> {
  const accepted = await acceptOnce(kit, { runId, input }, undefined);
  if (accepted.kind === "accepted") return accepted.version;
  throw new Error(`Run ${runId} was accepted under a key that was not given.`);
}

/** With an idempotency key, a start that was accepted before is found again. */
export async function acceptOnce(
  { runtime, workflow, program }: Kit,
  { runId, input }: Acceptance,
  idempotencyKey: string | undefined,
  more: Pick<NewRun, "tenant" | "priority" | "deadline" | "admission"> = {},
): Promise<Accepted> {
  const run: NewRun = {
    ...more,
    runId,
    workflow: workflow.name,
    workflowVersion: workflow.version,
    acceptedAt: runtime.now().toISOString(),
    contract: workflow.input.id,
    input,
    holder: runtime.holder,
    until: runtime.leaseUntil(),
    idempotencyKey,
    program,
  };
  const accepted = await runtime.store.runs.accept(run);
  if (accepted.kind === "queued") for (const event of queuedEvents(run)) runtime.tell(event);
  if (accepted.kind !== "accepted") return accepted;
  const scope = runtime.open(accepted.lease);
  scope.board.set(workflow.input.name, accepted.version);
  scope.emit({ type: "run.accepted", workflow: workflow.name, version: workflow.version });
  return accepted;
}

/** The workflow's input as version 0 will hold it. Throws `INPUT_INVALID`, `NOT_PLAIN_JSON` or `DOCUMENT_TOO_LARGE`. */
export function sealInput(workflow: Workflow, raw: unknown, maxBytes: number): Sealed {
  const plain = seal(raw ?? null, maxBytes);
  const shaped = checkShape(workflow.input, plain.data);
  const issues = shaped.ok ? workflow.input.judge(shaped.document) : shaped.issues;
  if (shaped.ok && issues.length === 0) return seal<JsonValue>(shaped.document, maxBytes);
  throw new InputInvalid(`The input does not fit ${workflow.input.id}: ${describeIssues(issues)}.`, {
    contract: workflow.input.id,
    issues,
  });
}

/** Wraps a node: it never throws (LangGraph's bubble-ups and a failing store aside), and does nothing once the run has failed. */
function node(kit: Kit, work: (scope: RunScope, state: WorkflowState) => Promise<StateUpdate>): GraphNode {
  return async (state, config) => {
    const scope = await enter(kit.runtime, config);
    goOn(kit, scope);
    if (state.failure) scope.adopt(state.failure);
    if (scope.failure) return { failure: scope.failure };
    await seedBoard(kit, scope, state);
    const update = await work(scope, state);
    if (scope.halted) throw scope.halted;
    return scope.failure ? { ...update, failure: scope.failure } : update;
  };
}

/**
 * The run's scope in this invocation of the graph. One that an earlier invocation left behind (it stopped to ask, and
 * nobody released it) is let go once it is quiet: LangGraph is about to replay the answers that scope has heard.
 */
async function enter(runtime: Runtime, config: LangGraphRunnableConfig): Promise<RunScope> {
  const runId = runIdOf(config);
  const scope = runtime.activeScope(runId) ?? (await runtime.claim(runId));
  const { control } = config; // LangGraph makes one for each invocation
  if ((await scope.once("invocation", async () => control)) === control) return scope;
  await scope.quiesce();
  const fresh = runtime.open(scope.lease);
  await fresh.once("invocation", async () => control);
  return fresh;
}

/** Throws when this process may not go on with the run, though the run itself has not failed. */
export function goOn({ runtime }: Kit, scope: RunScope): void {
  const { runId } = scope;
  if (runtime.draining)
    scope.halt(new Draining(`Run ${runId} is on disk; this process is stopping. Recover it with another one.`, { runId }));
  if (scope.halted) throw scope.halted;
}

/** Gate and agent in one: started by whoever comes first, the agent's node or the lookahead. */
function work(kit: Kit, scope: RunScope, agent: Agent): Promise<Obtained> {
  return unlessAsking(scope, `work ${agent.name}`, async () => {
    const passed = await passGate(kit, scope, agent);
    if (passed.kind !== "passed") return passed;
    const obtained = await obtain(kit, scope, withBranches(kit, scope, passed.step));
    if (obtained.kind === "failure") scope.fail(obtained.failure);
    if (obtained.kind === "version") {
      scope.board.set(agent.produces.name, obtained.version);
      lookAhead(kit, scope, agent);
    }
    return obtained;
  });
}

/** Supersteps are a barrier; agents are slow. Whoever has all inputs starts now, and its node will find the promise. */
function lookAhead(kit: Kit, scope: RunScope, after: Agent): void {
  if (!kit.runtime.lookahead || kit.runtime.draining) return;
  for (const agent of consumersOf(kit.workflow, after)) {
    const ready = Object.values(agent.consumes).every(({ name }) => scope.board.has(name));
    // A rejection (the store failed) reaches the node that awaits the same promise.
    if (ready && !scope.refusal && !scope.started(`work ${agent.name}`)) work(kit, scope, agent).catch(() => {});
  }
}

type Passed = { readonly kind: "passed"; readonly step: Step; readonly versions: readonly Version[] };

function passGate(kit: Kit, scope: RunScope, agent: Agent): Promise<Passed | Exclude<Obtained, { kind: "version" }>> {
  return unlessAsking(scope, `gate ${agent.name}`, async () => {
    const accepted = await Promise.all(producersOf(kit.workflow, agent).map((producer) => acceptProduct(kit, scope, producer)));
    const held = accepted.filter((result) => result.kind !== "version").filter((result) => result.kind !== "empty");
    const stop = held.find(({ kind }) => kind === "ask") ?? held[0];
    if (stop) return stop;
    const step = stepOf(kit, scope, agent);
    if (isWalkbackError(step)) return { kind: "failure", failure: scope.fail(step.toJSON()) };
    return { kind: "passed", step, versions: accepted.flatMap((result) => (result.kind === "version" ? [result.version] : [])) };
  });
}

/** Checks an agent's product once, for all who consume it. */
function acceptProduct(kit: Kit, scope: RunScope, producer: Agent): Promise<Obtained> {
  return unlessAsking(scope, `accept ${producer.name}`, async () => {
    const offered = scope.board.get(producer.produces.name);
    if (!offered) return { kind: "empty" };
    const step = stepOf(kit, scope, producer);
    if (isWalkbackError(step)) return { kind: "failure", failure: scope.fail(step.toJSON()) };
    const accepted = await accept(kit, scope, withBranches(kit, scope, step), offered);
    if (accepted.kind === "version") scope.board.set(producer.produces.name, accepted.version);
    if (accepted.kind === "failure") scope.fail(accepted.failure);
    return accepted;
  });
}

/** Remembers the outcome for the run, unless it is a question: with the answer the work is looked at anew. */
async function unlessAsking<T extends { readonly kind: string }>(scope: RunScope, name: string, work: () => Promise<T>): Promise<T> {
  const result = await scope.once(name, work);
  if (result.kind === "ask") scope.forget(name);
  return result;
}

async function withAnswers<T extends { readonly kind: string }>(
  kit: Kit,
  scope: RunScope,
  work: () => Promise<T | Obtained>,
): Promise<T | Obtained> {
  for (;;) {
    const result = await work();
    if (!("question" in result)) return result;
    await scope.quiesce(); // what is under way beside it may fail, and then there is nothing to ask
    if (scope.failure || scope.halted) return { kind: "stopped" };
    await askHuman(kit, scope, result.question, result.question.details["failure"] as unknown as Failure); // as `aboutStep` wrote it
  }
}

/** A process that carries a run on finds the versions in the store; one that started it has them on the board. */
async function seedBoard(kit: Kit, scope: RunScope, state: WorkflowState): Promise<void> {
  for (const head of Object.values(state.versions)) {
    const contract = contractName(head);
    const known = scope.board.get(contract);
    const shown = kit.producerOf(contract)?.name === head.agent || head.number === 0; // not a fan-out's branch
    if (!shown || (known && known.number >= head.number)) continue;
    const version = await kit.runtime.store.versions.find(scope.runId, head.number);
    if (version) scope.board.set(contract, version);
  }
}

function merge(updates: readonly StateUpdate[]): StateUpdate {
  const versions = Object.assign({}, ...updates.map((update) => update["versions"])) as object;
  return { ...Object.assign({}, ...updates), ...(updates.length > 0 ? { versions } : {}) };
}

export function runIdOf(config: RunnableConfig): RunId {
  const threadId: unknown = config.configurable?.["thread_id"];
  if (typeof threadId === "string") return threadId as RunId;
  throw new RunUnknown("The graph was invoked without a thread id. Give one as configurable.thread_id.", { runId: "" });
}
