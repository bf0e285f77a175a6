import { DEFAULT_TENANT } from "../limits/budget-scopes.js";
import type { Limits } from "../limits/limits.js";
import type { Meter, SpendSite } from "../limits/meter.js";
import { type Agent, isLive, type Spend, tierLimits, tiersOf } from "./agent.js";
import type { EffectSite } from "./effect-site.js";
import { handled } from "./handled.js";
import type { RunScope } from "./scope.js";

/** An attempt's way to spend. */
export function spender(meter: Meter, { scope, agent, step, tier, signal }: EffectSite): Spend {
  const until = scope.now().getTime() + limitsOf(agent, tier).timeoutMs;
  const { runId } = scope;
  const own: SpendSite["own"] = (asked) => scope.own(asked);
  return (call, work) => {
    const spend = async () => {
      const tenant = await tenantOf(scope);
      return meter.spend({ runId, tenant, agent: agent.name, step, tier, signal, until, own }, call, work);
    };
    return handled(spend());
  };
}

function limitsOf(agent: Agent, tier: string | undefined): Limits {
  const live = tiersOf(agent).filter((each) => isLive(each));
  const working = live.find(({ name }) => name === tier);
  return working ? tierLimits(working, agent) : agent.limits;
}

/** In a replay nothing is paid for: recorded calls are answered from the record. */
export const freeOfCharge: Spend = (_, work) => handled(work().then(({ result }) => result));

const tenants = new WeakMap<RunScope, Promise<string>>();

async function tenantOf(scope: RunScope): Promise<string> {
  const known = tenants.get(scope);
  if (known !== undefined) return known;
  const asked = scope.own(scope.store.runs.find(scope.runId)).then((run) => run?.tenant ?? DEFAULT_TENANT);
  tenants.set(scope, asked);
  asked.catch(() => tenants.delete(scope));
  return asked;
}
