import type { Version, VersionSource } from "../checkpoint/ports.js";
import { type Checked, check, describeIssues } from "../contracts/contract.js";
import { AgentUnavailable, CacheMiss, ContractViolated, DegradedRefused, type Failure } from "../contracts/failure.js";
import type { Sealed } from "../contracts/json.js";
import { type CachedTier, type EmergencyTier, tiersOf } from "./agent.js";
import { findCached } from "./cached.js";
import { type Call, sealProduct } from "./call.js";
import type { Runtime } from "./runtime.js";
import type { Turn } from "./tiers.js";

/** What stands in for work: an answer that nobody repairs, so it must keep the contract as it is. Throws why there is none. */
export async function standInAnswer(
  runtime: Runtime,
  call: Call,
  { tier, above }: Turn & { readonly tier: CachedTier | EmergencyTier },
): Promise<{ readonly source: VersionSource; readonly data: Sealed }> {
  if ("cached" in tier) return { source: "cache", data: sealProduct(runtime, call.agent, await cachedAnswer(runtime, call, tier)) };
  const data = sealProduct(runtime, call.agent, tier.emergency(call.inputs, above ?? notAvailable(call)));
  const checked = check(call.agent.produces, data.data);
  if (checked.ok) return { source: "emergency", data };
  throw violated(call, tier, checked);
}

/** Throws `DEGRADED_REFUSED` when the agent will not have a degraded answer. One that breaks its contract is up to the gate. */
export function judgeDegraded({ agent, step, inputs }: Call, { tier, above }: Turn, data: Sealed): void {
  const checked = agent.onDegrade && check(agent.produces, data.data);
  if (!checked?.ok) return;
  const failure = above ?? notAvailable({ step });
  const verdict: unknown = agent.onDegrade?.({ tier: tier.name, inputs, output: checked.document, failure });
  if (verdict === undefined) return;
  const reason = typeof verdict === "string" ? verdict : "onDegrade came back with neither undefined nor a sentence";
  throw new DegradedRefused(`${step} will not have the answer of its tier ${tier.name}: ${reason}.`, {
    agent: step,
    tier: tier.name,
    reason,
  });
}

/** An answer of a tier below the cache would be worth less than it seems. */
async function cachedAnswer({ store, now }: Runtime, call: Call, { name, maxAgeMs }: CachedTier): Promise<unknown> {
  const above = tiersOf(call.agent).map((tier) => tier.name);
  above.splice(above.indexOf(name));
  const isWanted = ({ tier, at }: Version) =>
    (tier === undefined || above.includes(tier)) && (maxAgeMs === undefined || now().getTime() - Date.parse(at) <= maxAgeMs);
  const earlier = await findCached({ store }, call, isWanted);
  if (earlier) return earlier.data;
  const young = maxAgeMs === undefined ? "" : ` in the last ${maxAgeMs} ms`;
  throw new CacheMiss(`${call.step} has not answered the same inputs before in a completed run${young}.`, { agent: call.step });
}

function violated({ agent, step, round }: Call, tier: EmergencyTier, { issues }: Extract<Checked<unknown>, { readonly ok: false }>) {
  const contract = agent.produces.id;
  const message = `The emergency answer of ${step} (tier ${tier.name}) does not keep ${contract}: ${describeIssues(issues)}.`;
  return new ContractViolated(message, { agent: step, contract, round, issues });
}

function notAvailable({ step }: Pick<Call, "step">): Failure {
  return new AgentUnavailable(`No tier of ${step} that works is available.`, { agent: step }).toJSON();
}
