import { standing } from "../checkpoint/journal-view.js";
import type { Version, VersionSource } from "../checkpoint/ports.js";
import { crashPoint } from "../contracts/crash-point.js";
import { AgentFailed, AgentGaveUp, type Failure, Incomplete, isOurs, isWalkbackError } from "../contracts/failure.js";
import type { Sealed } from "../contracts/json.js";
import { isBubbleUp } from "../limits/classify.js";
import type { Attempt } from "../limits/guard.js";
import { isLive, type LiveTier, tierLimits, tiersOf } from "./agent.js";
import { type Call, failureOf, inputHash, type Result, sealProduct } from "./call.js";
import { isCompletion } from "./completion.js";
import { WORK_EFFECT } from "./effect.js";
import { intendWork, recordWork } from "./own-work.js";
import { uncertain } from "./perform.js";
import type { Runtime } from "./runtime.js";
import type { RunScope } from "./scope.js";
import { judgeDegraded, standInAnswer } from "./tier-answers.js";
import { askTiers, type Turn } from "./tiers.js";
import { undoEffect } from "./undo.js";

/**
 * The only way an agent is run: guarded, its effects in the journal, its answer checked and on disk before anyone sees
 * it. A round that is on record already is returned from there and not worked again. Never throws, but for LangGraph's
 * own bubble-ups and a store that fails.
 */
export async function invoke(runtime: Runtime, scope: RunScope, call: Call): Promise<Result> {
  const { agent, step, round } = call;
  const recorded = await runtime.store.versions.outcome(scope.runId, step, round);
  if (recorded?.kind === "version") await recordWork(scope, { ...call, tier: recorded.version.tier }, recorded.version);
  if (recorded) return recorded;
  if (scope.signal.aborted) return { kind: "stopped" };

  scope.emit({ type: "agent.started", agent: step, round });
  const startedAt = runtime.now();
  try {
    const result =
      tiersOf(agent).length > 0 ? await workByTiers(runtime, scope, call, startedAt) : await workAlone(runtime, scope, call, startedAt);
    return result.kind === "failure" ? { kind: "failure", failure: await recordFailure(runtime, scope, call, result) } : result;
  } catch (thrown) {
    if (isBubbleUp(thrown)) throw thrown;
    const failure = failureOf(step, thrown);
    if (isOurs(failure)) throw failure;
    if (failure.code === "ABORTED") return { kind: "stopped" };
    return { kind: "failure", failure: await recordFailure(runtime, scope, call, { failure: failure.toJSON() }) };
  }
}

async function workAlone(runtime: Runtime, scope: RunScope, call: Call, startedAt: Date) {
  return { kind: "version", version: await work(runtime, scope, { ...call, tier: undefined }, startedAt) } as const;
}

function workByTiers(runtime: Runtime, scope: RunScope, call: Call, startedAt: Date) {
  return askTiers(runtime, scope, call, async (turn) => {
    const { tier } = turn;
    if (isLive(tier)) return work(runtime, scope, { ...call, tier: tier.name, feedback: turn.feedback }, startedAt, turn);
    const stoodIn = { ...call, tier: tier.name, feedback: [] };
    const { source, data } = await standInAnswer(runtime, stoodIn, { ...turn, tier });
    judgeDegraded(stoodIn, turn, data);
    return record(runtime, scope, stoodIn, { source, data, degraded: turn.degraded, startedAt });
  });
}

/** An attempt, and when it began. */
type Begun = Attempt & { readonly startedAt: Date };

/** The agent itself works, or one of its tiers. */
async function work(runtime: Runtime, scope: RunScope, call: Call, startedAt: Date, turn?: Turn): Promise<Version> {
  const { agent, step, round } = call;
  const tier = turn && isLive(turn.tier) ? turn.tier : undefined;
  await intendWork(scope, call);
  const site = { step, runId: scope.runId, signal: scope.signal, round, emit: scope.emit };
  const guard = runtime.guardOf(agent, tier && { name: tier.name, limits: tierLimits(tier, agent) });
  let last: Begun | undefined;
  const answer = await guard.call(site, (attempt) => {
    last = { ...attempt, startedAt: runtime.now() };
    return execute(runtime, scope, call, last, tier ?? agent);
  });
  await leaveNothingUnknown(scope, call);
  const data = sealAnswer(runtime, call, answer);
  if (turn?.degraded) judgeDegraded(call, turn, data);
  const version = await record(runtime, scope, call, { source: "agent", data, degraded: turn?.degraded, startedAt, attempt: last });
  await recordWork(scope, call, version);
  return version;
}

async function execute(runtime: Runtime, scope: RunScope, call: Call, attempt: Begun, worker: Pick<LiveTier, "execute">): Promise<unknown> {
  const { agent, step, round, callsRound, feedback, tier } = call;
  const { number, signal, startedAt } = attempt;
  const site = { scope, agent, step, round, callsRound, tier, signal, attempt: number, attemptStartedAt: startedAt };
  const context = { runId: scope.runId, agent: step, ...runtime.outsideOf(site), tier, signal, attempt: number, feedback };
  try {
    return await worker.execute(call.inputs, context);
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

interface Answer {
  readonly source: VersionSource;
  readonly data: Sealed;
  readonly degraded: boolean | undefined;
  /** When work on the round began. */
  readonly startedAt: Date;
  /** The one that answered. */
  readonly attempt?: Begun | undefined;
}

async function record(runtime: Runtime, scope: RunScope, call: Call, answer: Answer): Promise<Version> {
  const { source, data, degraded, startedAt, attempt } = answer;
  const { agent, step, round, from, tier } = call;
  crashPoint("step.recorded:before");
  const now = runtime.now();
  const version = await runtime.store.versions.append({
    runId: scope.runId,
    epoch: scope.epoch,
    agent: step,
    agentVersion: agent.version,
    contract: agent.produces.id,
    parents: from.map(({ number }) => number),
    round,
    source,
    tier,
    degraded,
    inputHash: inputHash(call),
    data,
    at: now.toISOString(),
  });
  crashPoint("step.recorded:after");
  const recordedAt = runtime.now().getTime();
  const durationMs = recordedAt - startedAt.getTime();
  const attempted = attempt && { attempt: attempt.number, attemptMs: recordedAt - attempt.startedAt.getTime() };
  scope.emit({ type: "agent.completed", agent: step, round, version: version.number, durationMs, source, tier, ...attempted });
  return version;
}

async function recordFailure(
  runtime: Runtime,
  scope: RunScope,
  { step, round }: Call,
  { failure, tier }: { readonly failure: Failure; readonly tier?: string | undefined },
): Promise<Failure> {
  scope.emit({ type: "agent.failed", agent: step, round, failure, tier });
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
