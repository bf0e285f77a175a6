import { TimeoutStrategy, timeout } from "cockatiel";
import type { EffectRecord } from "../checkpoint/journal-view.js";
import {
  ConflictingIntent,
  EffectFailed,
  EffectRefused,
  EffectUncertain,
  EffectUndeclared,
  isWalkbackError,
  messageOf,
} from "../contracts/failure.js";
import { seal } from "../contracts/json.js";
import type { JsonValue } from "../contracts/json-value.js";
import type { Agent, Performer } from "./agent.js";
import type { Effect } from "./effect.js";
import type { RunScope } from "./scope.js";

/** Whose effects: one attempt at one round of a step. */
export interface EffectSite {
  readonly scope: RunScope;
  readonly agent: Agent;
  /** The agent's name, with a fan-out its branch's. */
  readonly step: string;
  readonly round: number;
  readonly signal: AbortSignal;
}

/** An agent's way out. Every intent is on disk before it is sent, every receipt before it is returned. */
export function performer(site: EffectSite): Performer<readonly Effect[]> {
  return {
    async perform(name, args) {
      const effect = site.agent.effects.find((declared) => declared.name === name);
      if (!effect) throw undeclared(site, name);
      const sealed = seal(args);
      const identity = effect.identity(sealed.data);
      return site.scope.inTurn(`${site.step}/${name}/${identity}`, () =>
        performOnce(site, effect, identity, sealed.data),
      ) as Promise<never>; // typed for the agent by its own list of effects
    },
  };
}

async function performOnce(site: EffectSite, effect: Effect, identity: string, args: JsonValue): Promise<unknown> {
  const before = await lastGeneration(site, effect, identity);
  const stands = before !== undefined && before.status !== "undone" && before.status !== "settled";
  if (stands) refuseConflict(site, before, args);
  if (stands && before.status === "performed") return before.receipt;
  refuseIfOver(site, effect);
  const record = stands ? before : await intend(site, effect, identity, (before?.generation ?? -1) + 1, args);
  refuseIfOver(site, effect);
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
  return site.scope.write({ key, agent: site.step, effect: effect.name, identity, generation }, "intended", { args, round: site.round });
}

/** Names one intent for ever: the run, who, what, its business identity, and how often it was undone before. */
export function effectKey(runId: string, step: string, effect: string, identity: string, generation: number): string {
  return [runId, step, effect, encodeURIComponent(identity), generation].join("/");
}

async function send(site: EffectSite, effect: Effect, record: EffectRecord, again: boolean): Promise<unknown> {
  const context = { idempotencyKey: record.key, signal: site.signal };
  try {
    const found = again ? await lookUp(site, effect, record) : undefined;
    const receipt = found ?? (await bounded(effect, site.signal, (signal) => effect.perform(record.args, { ...context, signal })));
    const sealed = seal(receipt ?? null);
    await site.scope.write(record, "performed", sealed.data);
    site.scope.emit({ type: "effect.performed", agent: site.step, effect: effect.name, key: record.key });
    return sealed.data;
  } catch (thrown) {
    const failure = isWalkbackError(thrown) ? thrown : failed(site, effect, record, thrown);
    await site.scope.write(record, "failed", failure.toJSON() as unknown as JsonValue); // a Failure is plain JSON
    throw failure;
  }
}

/** What happened to an effect that was sent before without a known answer. */
async function lookUp(site: EffectSite, effect: Effect, record: EffectRecord): Promise<unknown> {
  switch (effect.kind) {
    case "keyed":
      return undefined;
    case "findable":
      return bounded(
        effect,
        site.signal,
        (signal) => effect.find?.(record.args, { idempotencyKey: record.key, signal }) ?? Promise.resolve(undefined),
      );
    case "opaque":
      throw new EffectUncertain(
        `${site.step} sent "${effect.name}" (${record.identity}) before and its answer was lost. Find out whether it happened; it is never repeated.`,
        { agent: site.step, effect: effect.name, key: record.key },
      );
  }
}

/** One try within the effect's own time; what does not look at its signal is left behind. */
export function bounded<T>(
  limits: { readonly timeoutMs: number },
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  return timeout(limits.timeoutMs, TimeoutStrategy.Aggressive).execute((context) => work(context.signal), signal);
}

function refuseIfOver(site: EffectSite, effect: Effect): void {
  const reason = site.scope.refusal ?? (site.signal.aborted ? "this attempt was given up" : undefined);
  if (reason === undefined) return;
  throw new EffectRefused(`${site.step} may not perform "${effect.name}": ${reason}.`, { agent: site.step, effect: effect.name, reason });
}

function refuseConflict(site: EffectSite, record: EffectRecord, offered: JsonValue): void {
  if (seal(record.args).hash === seal(offered).hash) return;
  throw new ConflictingIntent(
    `${site.step} asked for "${record.effect}" (${record.identity}) again with other arguments. If it is another intent, give it another identity.`,
    { agent: site.step, effect: record.effect, identity: record.identity, recorded: record.args, offered },
  );
}

function undeclared(site: EffectSite, effect: string): EffectUndeclared {
  const declared = site.agent.effects.map(({ name }) => name);
  return new EffectUndeclared(`${site.step} has not declared the effect "${effect}". Declared: ${declared.join(", ") || "none"}.`, {
    agent: site.step,
    effect,
    declared,
  });
}

function failed(site: EffectSite, effect: Effect, record: EffectRecord, thrown: unknown): EffectFailed {
  return new EffectFailed(
    `${site.step} could not perform "${effect.name}" (${record.identity}): ${messageOf(thrown)}.`,
    { agent: site.step, effect: effect.name, key: record.key },
    { cause: thrown },
  );
}
