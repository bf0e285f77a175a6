import { standing } from "../checkpoint/journal-view.js";
import type { Version } from "../checkpoint/ports.js";
import { checkShape } from "../contracts/contract.js";
import { crashPoint } from "../contracts/crash-point.js";
import {
  AgentFailed,
  AgentGaveUp,
  type Failure,
  Incomplete,
  type Issue,
  isOurs,
  isWalkbackError,
  messageOf,
  type WalkbackError,
} from "../contracts/failure.js";
import { type Sealed, seal, sha256 } from "../contracts/json.js";
import { isBubbleUp } from "../limits/classify.js";
import type { Attempt } from "../limits/guard.js";
import type { Agent, ContractMap, Inputs } from "./agent.js";
import { isCompletion } from "./completion.js";
import { effectKey, WORK_EFFECT } from "./effect.js";
import { uncertain } from "./perform.js";
import type { Runtime } from "./runtime.js";
import type { RunScope } from "./scope.js";
import { undoEffect } from "./undo.js";

/** One round of one agent's work. */
export interface Call {
  readonly agent: Agent;
  /** The agent's name, with a fan-out its branch's (`name[3]`). */
  readonly step: string;
  readonly inputs: Inputs<ContractMap>;
  /** Numbers and content hashes of the versions the inputs came from. */
  readonly from: readonly Pick<Version, "number" | "dataHash">[];
  readonly round: number;
  /** The round whose recorded calls count: an earlier one when a human has let its work go on. */
  readonly callsRound: number;
  readonly feedback: readonly Issue[];
}

/** `stopped`: the run failed elsewhere or was canceled; this says nothing about the agent. */
export type Result =
  | { readonly kind: "version"; readonly version: Version }
  | { readonly kind: "failure"; readonly failure: Failure }
  | { readonly kind: "stopped" };

/**
 * The only way an agent is run: guarded, its effects in the journal, its answer checked and on disk before anyone sees
 * it. A round that is on record already is returned from there and not worked again. Never throws, but for LangGraph's
 * own bubble-ups and a store that fails.
 */
export async function invoke(runtime: Runtime, scope: RunScope, call: Call): Promise<Result> {
  const { agent, step, round } = call;
  const recorded = await runtime.store.versions.outcome(scope.runId, step, round);
  if (recorded?.kind === "version") await recordWork(scope, call, recorded.version);
  if (recorded) return recorded;
  if (scope.signal.aborted) return { kind: "stopped" };

  scope.emit({ type: "agent.started", agent: step, round });
  const startedAt = runtime.now().getTime();
  try {
    await intendWork(scope, call);
    const site = { step, signal: scope.signal, round, emit: scope.emit };
    const answer = await runtime.guardOf(agent).call(site, (attempt) => execute(runtime, scope, call, attempt));
    await leaveNothingUnknown(scope, call);
    crashPoint("step.recorded:before");
    const version = await append(runtime, scope, call, sealAnswer(runtime, call, answer));
    crashPoint("step.recorded:after");
    await recordWork(scope, call, version);
    scope.emit({
      type: "agent.completed",
      agent: step,
      round,
      version: version.number,
      durationMs: runtime.now().getTime() - startedAt,
      source: "agent",
    });
    return { kind: "version", version };
  } catch (thrown) {
    if (isBubbleUp(thrown)) throw thrown;
    const failure = failureOf(step, thrown);
    if (isOurs(failure)) throw failure;
    if (failure.code === "ABORTED") return { kind: "stopped" };
    return { kind: "failure", failure: await recordFailure(runtime, scope, call, failure.toJSON()) };
  }
}

/** Any throw as a Walkback error, with the agent named. */
export function failureOf(step: string, thrown: unknown): WalkbackError {
  return isWalkbackError(thrown) ? thrown : new AgentFailed(`${step} threw: ${messageOf(thrown)}.`, { agent: step }, { cause: thrown });
}

async function execute(runtime: Runtime, scope: RunScope, call: Call, attempt: Attempt): Promise<unknown> {
  const { agent, step, round, callsRound, feedback } = call;
  const outside = runtime.outsideOf({ scope, agent, step, round, callsRound, signal: attempt.signal });
  const context = { runId: scope.runId, ...outside, signal: attempt.signal, attempt: attempt.number, feedback };
  try {
    return await agent.execute(call.inputs, context);
  } catch (thrown) {
    throw notOurs(scope, step, thrown);
  }
}

/** What an agent lets through from elsewhere (another store, LangGraph's interrupt) is its own failure, not this run's business. */
function notOurs(scope: RunScope, step: string, thrown: unknown): unknown {
  if (isBubbleUp(thrown)) {
    return new AgentFailed(
      `${step} called LangGraph's interrupt. Agents ask nobody; declare onFailure: "ask", or an irreversible effect.`,
      { agent: step },
    );
  }
  const pretends =
    isWalkbackError(thrown) && (isOurs(thrown) || thrown.code === "ABORTED") && !scope.isOwn(thrown) && !scope.signal.aborted;
  return pretends ? new AgentFailed(`${step} threw: ${thrown.message}`, { agent: step }, { cause: thrown }) : thrown;
}

/** An agent may go on without an effect that failed it. What may have happened all the same is undone, or a human is asked. */
async function leaveNothingUnknown(scope: RunScope, { agent, step }: Call): Promise<void> {
  if (agent.effects.length === 0) return;
  await scope.settled(`${step}/`);
  for (const record of standing((await scope.journal()).values())) {
    if (record.agent !== step || record.status !== "tried" || record.effect === WORK_EFFECT) continue;
    const effect = agent.effects.find(({ name }) => name === record.effect);
    const undone = effect?.undo && effect.kind !== "opaque" && !(await undoEffect(scope, () => agent, record));
    if (!undone) throw uncertain(record);
  }
}

function sealAnswer(runtime: Runtime, { agent, step }: Call, answer: unknown): Sealed {
  if (!isCompletion(answer)) {
    const found = answer === null ? "null" : typeof answer;
    throw new Incomplete(
      `${step} came back with ${found} instead of a completion signal. Return completed(output) or failed(reasonCode, summary).`,
      { agent: step, found },
    );
  }
  if (answer.status === "failed")
    throw new AgentGaveUp(`${step} gave up (${answer.reasonCode}): ${answer.summary}`, { agent: step, reasonCode: answer.reasonCode });
  return sealProduct(runtime, agent, answer.output);
}

/** A product as its version will hold it: in the form its contract gives it, or as it came when it does not fit. */
export function sealProduct(runtime: Runtime, agent: Agent, output: unknown): Sealed {
  const plain = seal(output, runtime.maxDocumentBytes);
  const shaped = checkShape(agent.produces, plain.data);
  return shaped.ok ? seal(shaped.document, runtime.maxDocumentBytes) : plain;
}

function append(runtime: Runtime, scope: RunScope, call: Call, data: Sealed): Promise<Version> {
  const { agent, step, round, from } = call;
  return runtime.store.versions.append({
    runId: scope.runId,
    epoch: scope.epoch,
    agent: step,
    agentVersion: agent.version,
    contract: agent.produces.id,
    parents: from.map(({ number }) => number),
    round,
    source: "agent",
    inputHash: inputHash(call),
    data,
    at: runtime.now().toISOString(),
  });
}

/** Names a question to an agent by its content: the same inputs, whichever run they are in. */
export function inputHash({ from, feedback }: Pick<Call, "from" | "feedback">): string {
  return sha256(JSON.stringify([from.map(({ dataHash }) => dataHash), feedback]));
}

async function recordFailure(runtime: Runtime, scope: RunScope, { step, round }: Call, failure: Failure): Promise<Failure> {
  scope.emit({ type: "agent.failed", agent: step, round, failure });
  await runtime.store.versions.appendFailure({
    runId: scope.runId,
    epoch: scope.epoch,
    agent: step,
    round,
    failure,
    at: runtime.now().toISOString(),
  });
  return failure;
}

/** An agent with a `compensate` stands in the journal as one more effect: intended before it works, performed after. */
async function intendWork(scope: RunScope, call: Call): Promise<void> {
  if (!call.agent.compensate) return;
  const body = { args: call.inputs as never, round: call.round }; // inputs are documents of the state, plain JSON
  await scope.write(workRecord(scope, call), "intended", body);
}

/** Also for a version that is on record already: the process may have died between the two. */
async function recordWork(scope: RunScope, call: Call, version: Version): Promise<void> {
  if (!call.agent.compensate) return;
  const work = workRecord(scope, call);
  if ((await scope.journal()).get(work.key)?.status === "tried") await scope.write(work, "performed", version.data);
}

function workRecord(scope: RunScope, { step, round }: Call) {
  const identity = `round ${round}`;
  return { key: effectKey(scope.runId, step, WORK_EFFECT, identity, 0), agent: step, effect: WORK_EFFECT, identity, generation: 0 };
}
