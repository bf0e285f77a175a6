import { seal } from "../contracts/json.js";
import type { JsonValue } from "../contracts/json-value.js";
import type { RecordCall } from "./agent.js";
import { effectKey } from "./effect.js";
import type { EffectSite } from "./effect-site.js";
import { handled } from "./handled.js";

/**
 * Calls without a side effect (a model, a search) go through the same journal: what was answered once in a round is
 * answered from there when the round is worked again, after a crash or because a human has let it go on, so a run pays for
 * nothing twice. The same call made twice in one attempt is two calls. A call that throws is not recorded.
 */
export function recorder(site: EffectSite): RecordCall {
  const calls = new Map<string, number>();
  return (name, args, work) => handled(record(name, args, work));

  async function record<Result>(name: string, args: unknown, work: () => Promise<Result>): Promise<Result> {
    const { scope } = site;
    const asked = seal<JsonValue>(args, scope.maxDocumentBytes);
    const question = `${name} ${asked.hash}`;
    const time = calls.get(question) ?? 0;
    calls.set(question, time + 1);
    const identity = `round ${site.callsRound} ${question} ${time}`;
    const key = effectKey(site.scope.runId, site.step, "record", identity, 0);
    // An attempt that was given up may still be asking; its answer then counts for the next one, too.
    return scope.inTurn(key, async () => {
      const known = (await scope.recorded()).get(key);
      if (known !== undefined) return known as Result; // what this very call answered before
      const result = seal<JsonValue>(await work(), scope.maxDocumentBytes);
      await scope.writeCall({ key, agent: site.step, effect: name, identity }, { args: asked.data, result: result.data });
      return result.data as Result; // sealed from what the work itself returned
    });
  }
}
