import { type Agent, isLive } from "../agents/agent.js";
import type { Runtime } from "../agents/runtime.js";
import type { Workflow } from "../graph/workflow.js";
import { type Breakers, breakerBook } from "../limits/breaker-book.js";
import { breakerName } from "../limits/breaker-gate.js";

/** The breakers of the store, those of the workflows' agents among them even before they are called. */
export function breakersOf({ store, now }: Pick<Runtime, "store" | "now">, workflows: readonly Workflow[]): Breakers {
  return breakerBook({ cells: store.limits, now, names: workflows.flatMap(({ agents }) => agents.flatMap(namesOf)) });
}

/** A fan-out makes no calls itself; its branches do, under the name of the agent that does the work. */
function namesOf({ name, tiers, branches }: Agent): readonly string[] {
  if (branches) return namesOf(branches.agent);
  const live = tiers?.filter((tier) => isLive(tier)).map((tier) => breakerName(name, tier.name));
  return live ?? [name];
}
