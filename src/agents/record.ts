import { MAX_DOCUMENT_BYTES, type Sealed, seal } from "../contracts/json.js";
import type { JsonValue } from "../contracts/json-value.js";
import type { RecordCall } from "./agent.js";
import { effectKey } from "./effect.js";
import type { EffectSite } from "./effect-site.js";
import { handled } from "./handled.js";

/** What a recorded call may come back with, in bytes: with room in its record for what stands around it. */
export const MAX_RECORDED_BYTES = MAX_DOCUMENT_BYTES - 4 * 1024;

/** One recorded call: what an agent asked, for the how manieth time in an attempt at a round. */
export interface RecordedCall {
  readonly key: string;
  readonly name: string;
  readonly identity: string;
  readonly args: Sealed;
}

/** Finds the answer to a call, or has the work done. */
export type AnswerCall = (call: RecordedCall, work: () => Promise<unknown>) => Promise<JsonValue>;

/**
 * Calls without a side effect (a model, a search) go through the same journal: what was answered once in a round is
 * answered from there when the round is worked again, after a crash or because a human has let it go on, so a run pays for
 * nothing twice. The same call made twice in one attempt is two calls, and so is the same call of another tier, which asks
 * somebody else. A call that throws is not recorded.
 */
export function recorder(site: EffectSite, answer: AnswerCall = fromJournal(site)): RecordCall {
  const calls = new Map<string, number>();
  return (name, args, work) => handled(record(name, args, work));

  async function record<Result>(name: string, args: unknown, work: () => Promise<Result>): Promise<Result> {
    const asked = seal<JsonValue>(args, site.scope.maxDocumentBytes);
    const question = `${name} ${asked.hash}`;
    const time = calls.get(question) ?? 0;
    calls.set(question, time + 1);
    const round = site.tier === undefined ? `round ${site.callsRound}` : `round ${site.callsRound} ${site.tier}`;
    const identity = `${round} ${question} ${time}`;
    const key = effectKey(site.scope.runId, site.step, "record", identity, 0);
    return (await answer({ key, name, identity, args: asked }, work)) as Result; // sealed from what the work itself returned
  }
}

function fromJournal({ scope, step }: EffectSite): AnswerCall {
  return ({ key, name, identity, args }, work) =>
    // An attempt that was given up may still be asking; its answer then counts for the next one, too.
    scope.inTurn(key, async () => {
      const known = (await scope.recorded()).get(key);
      if (known !== undefined) return known;
      const result = seal<JsonValue>(await work(), scope.maxDocumentBytes);
      await scope.writeCall({ key, agent: step, effect: name, identity }, { args: args.data, result: result.data });
      return result.data;
    });
}
