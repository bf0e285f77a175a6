import { TimeoutStrategy, timeout } from "cockatiel";
import type { EffectRecord, FailedBody } from "../checkpoint/journal-view.js";
import { crashPoint } from "../contracts/crash-point.js";
import type { EffectSent } from "../contracts/event.js";
import {
  ConflictingIntent,
  EffectFailed,
  EffectRefused,
  EffectUncertain,
  EffectUndeclared,
  isOurs,
  isWalkbackError,
  sentenceOf,
} from "../contracts/failure.js";
import { seal } from "../contracts/json.js";
import type { JsonValue } from "../contracts/json-value.js";
import type { Performer } from "./agent.js";
import { requireApproval } from "./approval.js";
import { type Effect, effectKey } from "./effect.js";
import type { EffectSite } from "./effect-site.js";
import { handled } from "./handled.js";
import { recorder } from "./record.js";

/** An agent's way out. Every intent is on disk before it is sent, every receipt before it is returned. */
export function performer(site: EffectSite): Performer<readonly Effect[]> {
  return {
    perform: (name, args) => handled(performByName(site, name, args)) as Promise<never>, // typed for the agent by its own list of effects
    record: recorder(site),
  };
}

async function performByName(site: EffectSite, name: string, args: unknown): Promise<unknown> {
  const effect = site.agent.effects.find((declared) => declared.name === name);
  if (!effect) throw undeclared(site, name);
  const sealed = seal<JsonValue>(args, site.scope.maxDocumentBytes);
  const identity = effect.identity(sealed.data);
  return site.scope.inTurn(`${site.step}/${name}/${identity}`, () => performOnce(site, effect, identity, sealed.data));
}

async function performOnce(site: EffectSite, effect: Effect, identity: string, args: JsonValue): Promise<unknown> {
  const before = await lastGeneration(site, effect, identity);
  const stands = before?.status === "tried" || before?.status === "performed";
  if (stands) refuseConflict(site, before, args);
  if (stands && before.status === "performed") return before.receipt;
  await refuseIfOver(site, effect);
  if (effect.irreversible) await requireApproval(site, effect, identity, args);
  const record = stands ? before : await intend(site, effect, identity, (before?.generation ?? -1) + 1, args);
  await refuseIfOver(site, effect);
  return send(site, effect, record, stands);
}

/** The newest record of this intent: the one with the highest generation. */
async function lastGeneration(site: EffectSite, effect: Effect, identity: string): Promise<EffectRecord | undefined> {
  let last: EffectRecord | undefined;
  for (const record of (await site.scope.journal()).values()) {
    const same = record.agent === site.step && record.effect === effect.name && record.identity === identity;
    if (same && (!last || record.generation > last.generation)) last = record;
  }
  return last;
}

function intend(site: EffectSite, effect: Effect, identity: string, generation: number, args: JsonValue): Promise<EffectRecord> {
  const key = effectKey(site.scope.runId, site.step, effect.name, identity, generation);
  const intent = { key, agent: site.step, effect: effect.name, identity, generation };
  const body = { args, round: site.round, ...(site.tier === undefined ? {} : { tier: site.tier }) };
  return site.scope.write(intent, "intended", body);
}

async function send(site: EffectSite, effect: Effect, record: EffectRecord, again: boolean): Promise<unknown> {
  const startedAt = site.scope.now();
  const named = { agent: site.step, effect: effect.name, key: record.key };
  try {
    const found = again ? await lookUp(site, effect, record) : undefined;
    const receipt = found === undefined ? await sendOutside(site, effect, record) : found;
    crashPoint("effect.sent:after");
    const sealed = seal<JsonValue>(receipt ?? null, site.scope.maxDocumentBytes);
    await site.scope.write(record, "performed", sealed.data);
    site.scope.emit({ type: "effect.performed", ...named, ...sentBy(site, startedAt) });
    return sealed.data;
  } catch (thrown) {
    const failure = isWalkbackError(thrown) ? thrown : failed(site, effect, record, thrown);
    if (isOurs(failure)) throw failure;
    // A refusal says nothing of what was sent under this key before.
    const refused = failure.code === "EFFECT_REFUSED" && !again ? ({ refused: true } as const) : {};
    const body: FailedBody = { ...failure.toJSON(), ...refused };
    await site.scope.write(record, "failed", body as unknown as JsonValue); // a Failure is plain JSON
    site.scope.emit({ type: "effect.failed", ...named, ...sentBy(site, startedAt), failure: failure.toJSON() });
    throw failure;
  }
}

function sentBy({ scope, round, tier, attempt, attemptStartedAt }: EffectSite, startedAt: Date): EffectSent {
  const now = scope.now().getTime();
  return { round, tier, attempt, attemptMs: now - attemptStartedAt.getTime(), durationMs: now - startedAt.getTime() };
}

/**
 * An attempt that is over is told so, and what it sent is still waited for: undone before it has arrived, it would stay.
 */
function sendOutside(site: EffectSite, effect: Effect, { key, args }: EffectRecord): Promise<unknown> {
  return bounded(effect, site.scope.letGo, (signal) =>
    effect.perform(args, { idempotencyKey: key, signal: AbortSignal.any([signal, site.signal]) }),
  );
}

/** What happened to an effect that was sent before without a known answer. */
async function lookUp(site: EffectSite, effect: Effect, record: EffectRecord): Promise<unknown> {
  switch (effect.kind) {
    case "keyed":
      return undefined;
    case "findable":
      return findReceipt(effect, record, site.signal);
    case "opaque":
      throw uncertain(record);
  }
}

/** Asks the other side whether a findable effect happened. */
export function findReceipt(effect: Effect, record: EffectRecord, outer: AbortSignal): Promise<unknown> {
  return bounded(effect, outer, async (signal) => effect.find?.(record.args, { idempotencyKey: record.key, signal }));
}

/** Nobody but a human can say whether it happened. */
export function uncertain({ agent, effect, identity, key }: EffectRecord): EffectUncertain {
  const message = `${agent} sent "${effect}" (${identity}) and its answer was lost. Find out whether it happened; it is never repeated.`;
  return new EffectUncertain(message, { agent, effect, key });
}

/** One try within a time of its own; what does not look at its signal is left behind. */
export function bounded<T>(
  limits: { readonly timeoutMs: number },
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  return timeout(limits.timeoutMs, TimeoutStrategy.Aggressive).execute((context) => work(context.signal), signal);
}

/** The last look before something is sent: at the run, at the attempt, and at the lease. */
async function refuseIfOver(site: EffectSite, effect: Effect): Promise<void> {
  const reason = site.scope.refusal ?? (site.signal.aborted ? "this attempt was given up" : undefined);
  if (reason !== undefined) {
    const message = `${site.step} may not perform "${effect.name}": ${reason}.`;
    throw new EffectRefused(message, { agent: site.step, effect: effect.name, reason });
  }
  await site.scope.holdLease();
}

function refuseConflict(site: EffectSite, record: EffectRecord, offered: JsonValue): void {
  if (seal(record.args).hash === seal(offered).hash) return;
  const { effect, identity, args: recorded } = record;
  const message = `${site.step} asked for "${effect}" (${identity}) again with other arguments. If it is another intent, give it another identity.`;
  throw new ConflictingIntent(message, { agent: site.step, effect, identity, recorded, offered });
}

export function undeclared(site: EffectSite, effect: string): EffectUndeclared {
  const declared = site.agent.effects.map(({ name }) => name);
  const message = `${site.step} has not declared the effect "${effect}". Declared: ${declared.join(", ") || "none"}.`;
  return new EffectUndeclared(message, { agent: site.step, effect, declared });
}

function failed(site: EffectSite, effect: Effect, record: EffectRecord, thrown: unknown): EffectFailed {
  const message = `${site.step} could not perform "${effect.name}" (${record.identity}): ${sentenceOf(thrown)}`;
  return new EffectFailed(message, { agent: site.step, effect: effect.name, key: record.key }, { cause: thrown });
}
