import type { Performer } from "../agents/agent.js";
import { requireApproval } from "../agents/approval.js";
import type { Effect } from "../agents/effect.js";
import type { EffectSite } from "../agents/effect-site.js";
import { handled } from "../agents/handled.js";
import { undeclared } from "../agents/perform.js";
import { recorder } from "../agents/record.js";
import type { EffectRecord } from "../checkpoint/journal-view.js";
import { type Failure, type FailureCode, NotRecorded, WalkbackError } from "../contracts/failure.js";
import { type Sealed, seal } from "../contracts/json.js";
import type { JsonObject, JsonValue } from "../contracts/json-value.js";
import type { RunOnRecord } from "./record.js";

/** A failure on record, thrown again. */
export class RecordedFailure extends WalkbackError<JsonObject> {
  readonly code: FailureCode;
  readonly failure: Failure;

  constructor(failure: Failure) {
    super(failure.message, failure.details);
    this.code = failure.code;
    this.failure = failure;
  }

  override toJSON(): Failure {
    return this.failure;
  }
}

/** An agent's way out in a replay: answered from the record, never taken. What is not on record is `NOT_RECORDED`. */
export function answersFrom(record: RunOnRecord, site: EffectSite): Performer<readonly Effect[]> {
  return {
    perform: (name, args) => handled(performed(record, site, name, args)) as Promise<never>, // typed for the agent by its own list of effects
    record: recorder(site, async ({ key, name, identity }) => {
      const known = record.calls.get(key);
      if (known !== undefined) return known;
      throw notRecorded(site, name, identity);
    }),
  };
}

async function performed(record: RunOnRecord, site: EffectSite, name: string, args: unknown): Promise<JsonValue> {
  const effect = site.agent.effects.find((declared) => declared.name === name);
  if (!effect) throw undeclared(site, name);
  const sealed = seal(args, site.scope.maxDocumentBytes);
  const identity = effect.identity(sealed.data);
  const tries = triesOf(record.effects, site, name, identity);
  const last = tries.findLast(({ status }) => status !== "refused");
  // What was refused may have been asked for again with other arguments.
  const known = tries.findLast((tried) => sameArgs(tried, sealed) && (tried === last || tried.status === "refused"));
  if (!known && !last && effect.irreversible) await requireApproval(site, effect, identity, sealed.data);
  if (!known) throw notRecorded(site, name, identity);
  if (known.receipt !== undefined) return known.receipt;
  const failure = record.failedEffects.get(known.key);
  throw failure ? new RecordedFailure(failure) : notRecorded(site, name, identity);
}

/** What this intent came to in this round and in those before it, which it may still stand from; the newest last. */
function triesOf(effects: readonly EffectRecord[], { step, round }: EffectSite, name: string, identity: string): readonly EffectRecord[] {
  return effects
    .filter((record) => record.agent === step && record.effect === name && record.identity === identity && record.round <= round)
    .sort((one, other) => one.generation - other.generation);
}

function sameArgs({ args }: EffectRecord, offered: Sealed): boolean {
  return seal(args, Number.MAX_SAFE_INTEGER).hash === offered.hash;
}

function notRecorded({ step, round }: EffectSite, effect: string, identity: string): NotRecorded {
  const message = `${step} asked for "${effect}" (${identity}) in round ${round}, and the run has no record of that with these arguments.`;
  return new NotRecorded(message, { agent: step, effect, identity });
}
