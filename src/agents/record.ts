import { seal } from "../contracts/json.js";
import type { RecordCall } from "./agent.js";
import { effectKey } from "./effect.js";
import type { EffectSite } from "./effect-site.js";

/**
 * Calls without a side effect (a model, a search) go through the same journal: what was answered once in a round is
 * answered from there when the round is worked again, after a crash or because a human has let it go on, so a run pays for
 * nothing twice. The same call made twice in one attempt is two calls. A call that throws is not recorded.
 */
export function recorder(site: EffectSite): RecordCall {
  const calls = new Map<string, number>();
  return async (name, args, work) => {
    const asked = seal(args);
    const question = `${name} ${asked.hash}`;
    const time = calls.get(question) ?? 0;
    calls.set(question, time + 1);
    const identity = `round ${site.callsRound} ${question} ${time}`;
    const key = effectKey(site.scope.runId, site.step, "record", identity, 0);
    const known = (await site.scope.recorded()).get(key);
    if (known !== undefined) return known as never; // what this very call answered before
    const result = seal(await work());
    await site.scope.writeCall({ key, agent: site.step, effect: name, identity }, { args: asked.data, result: result.data });
    return result.data as never; // sealed from what the work itself returned
  };
}
