import { DelegateBackoff, handleWhen, retry } from "cockatiel";
import { type EffectRecord, standing } from "../checkpoint/journal-view.js";
import { crashPoint } from "../contracts/crash-point.js";
import { EffectUndeclared, type Failure, isOurs, isWalkbackError, sentenceOf, UndoFailed } from "../contracts/failure.js";
import type { JsonValue } from "../contracts/json-value.js";
import type { Agent, ContractMap, Inputs } from "./agent.js";
import { type Effect, isPivot, WORK_EFFECT } from "./effect.js";
import { bounded, findReceipt, uncertain } from "./perform.js";
import type { RunScope } from "./scope.js";

/** An undo is tried this often before a human is asked. */
const UNDO_TRIES = 3;
const UNDO_PAUSE_MS = 100;

/** Finds the agent a journal entry belongs to. */
export type FindAgent = (step: string) => Agent | undefined;

/**
 * Undoes one effect under its own guard and writes down how it went. Returns the failure instead of throwing: one undo
 * that fails must not hold up the others.
 */
export async function undoEffect(scope: RunScope, findAgent: FindAgent, record: EffectRecord): Promise<Failure | undefined> {
  const { agent, effect, key } = record;
  const startedAt = scope.now().getTime();
  try {
    const undo = undoOf(scope, findAgent, record);
    await scope.write(record, "undo-intended", null);
    crashPoint("journal.undo-intended:after");
    await retry(
      handleWhen((thrown) => !scope.halted && !(isWalkbackError(thrown) && thrown.code === "EFFECT_UNCERTAIN")),
      { maxAttempts: UNDO_TRIES - 1, backoff: new DelegateBackoff(({ attempt }) => UNDO_PAUSE_MS * attempt) },
    ).execute(undo);
    crashPoint("undo.sent:after");
    await scope.write(record, "undone", null);
    crashPoint("journal.undone:after");
    scope.emit({ type: "effect.undone", agent, effect, key, durationMs: scope.now().getTime() - startedAt });
    return undefined;
  } catch (thrown) {
    if (scope.halted) throw scope.halted;
    if (isWalkbackError(thrown) && isOurs(thrown)) throw thrown;
    const failure = undoFailure(record, thrown);
    await scope.write(record, "undo-failed", failure as unknown as JsonValue); // a Failure is plain JSON
    scope.emit({ type: "effect.undo-failed", agent, effect, key, durationMs: scope.now().getTime() - startedAt, failure });
    return failure;
  }
}

/**
 * Undoes what a step did up to and including a round, newest first, before other work takes its place. Past a point of no
 * return it undoes nothing: what takes its place goes on from what stands.
 */
export function undoRounds(scope: RunScope, findAgent: FindAgent, step: string, round: number): Promise<Failure | undefined> {
  return undoAll(scope, findAgent, (record) => isBranch(step, record.agent) || (record.agent === step && record.round <= round));
}

/**
 * The same for what other tiers of the step did, in whichever round. What nobody can tell about is not undone: throws
 * `EFFECT_UNCERTAIN`, so that a human says first whether it happened.
 */
export async function undoOtherTiers(scope: RunScope, agent: Agent, step: string, tier: string): Promise<Failure | undefined> {
  await scope.settled(`${step}/`); // what an attempt that was given up has sent arrives first
  const isOthers = (record: EffectRecord) => record.agent === step && record.tier !== tier;
  const opaque = new Set(agent.effects.filter(({ kind }) => kind === "opaque").map(({ name }) => name));
  const lost = standing((await scope.journal()).values()).find(
    (record) => isOthers(record) && record.status === "tried" && opaque.has(record.effect),
  );
  if (lost) throw uncertain(lost);
  return undoAll(scope, () => agent, isOthers);
}

async function undoAll(scope: RunScope, findAgent: FindAgent, isMeant: (record: EffectRecord) => boolean): Promise<Failure | undefined> {
  const records = standing((await scope.journal()).values()).filter(isMeant);
  const effectOf = ({ agent, effect }: EffectRecord) => findAgent(agent)?.effects.find(({ name }) => name === effect);
  const done = records.filter(({ status }) => status === "performed").map((record) => ({ record, effect: effectOf(record) }));
  if (done.some(({ effect }) => effect && isPivot(effect))) return undefined;
  const kept = new Set(done.filter(({ effect }) => effect && !effect.undo).map(({ record }) => record)); // it comes after a pivot
  for (const record of records.filter((each) => !kept.has(each))) {
    const failure = await undoEffect(scope, findAgent, record);
    if (failure) return failure;
  }
  return undefined;
}

/** A fan-out answers for its branches (`name[3]`), too. */
function isBranch(step: string, agent: string): boolean {
  return agent.startsWith(`${step}[`);
}

function undoOf(scope: RunScope, findAgent: FindAgent, record: EffectRecord): () => Promise<void> {
  const owner = findAgent(record.agent);
  const idempotencyKey = `${record.key}/undo`;
  if (owner?.compensate && record.effect === WORK_EFFECT) {
    // The record's arguments are the inputs the agent was given; its receipt is its output.
    const work = { inputs: record.args as unknown as Inputs<ContractMap>, output: record.receipt };
    const context = { runId: scope.runId, idempotencyKey };
    return () => bounded(owner.limits, scope.letGo, async (signal) => owner.compensate?.(work, { ...context, signal }));
  }
  const effect = owner?.effects.find(({ name }) => name === record.effect);
  if (!effect) throw orphaned(record);
  return () => undoOutside(scope, effect, record, idempotencyKey);
}

/** Stopped only when this process may not go on: the run's own signal is aborted by the very failure that is walked back. */
async function undoOutside(scope: RunScope, effect: Effect, record: EffectRecord, idempotencyKey: string): Promise<void> {
  const { status, args, key: performedUnder } = record;
  // Whether an opaque effect happened only a human can say; asked to try again, they have.
  if (status === "tried" && effect.kind === "opaque" && record.undoFailures === 0) throw uncertain(record);
  const found = status === "tried" && effect.kind === "findable" ? await findReceipt(effect, record, scope.letGo) : record.receipt;
  if (found === undefined && effect.kind === "findable") return; // it never happened
  if (!effect.undo) throw new Error("it has no undo; it is a point of no return");
  const done = { args, receipt: found };
  await bounded(effect, scope.letGo, async (signal) => effect.undo?.(done, { idempotencyKey, performedUnder, signal }));
}

function undoFailure({ agent, effect, identity, key }: EffectRecord, thrown: unknown): Failure {
  if (isWalkbackError(thrown) && thrown.code === "EFFECT_UNCERTAIN") return thrown.toJSON();
  const message = `"${effect}" of ${agent} (${identity}) could not be undone: ${sentenceOf(thrown)}`;
  return new UndoFailed(message, { agent, effect, key }, { cause: thrown }).toJSON();
}

function orphaned({ agent, effect }: EffectRecord): EffectUndeclared {
  return new EffectUndeclared(
    `This program has no agent ${agent} with the effect "${effect}", which must be undone. Run the program that made it, or settle it by hand.`,
    { agent, effect, declared: [] },
  );
}
