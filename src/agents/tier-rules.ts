import { AgentUnavailable } from "../contracts/failure.js";

/** What the rules look at; how the work is done is not their business. */
interface TierShape {
  readonly name: string;
  readonly execute?: unknown;
  readonly cached?: unknown;
  readonly emergency?: unknown;
  readonly maxAgeMs?: number | undefined;
}

const TIER_NAME = /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/;

/** Why an agent with tiers cannot work. */
export function noTierOf(agent: string): AgentUnavailable {
  const message = `None of the tiers of ${agent} can be asked. Set the key of a tier's model, or add a tier in code.`;
  return new AgentUnavailable(message, { agent });
}

/** What is wrong with an agent's tiers, or undefined. */
export function tiersProblem(tiers: readonly TierShape[]): string | undefined {
  const names = tiers.map(({ name }) => name);
  const firstLive = tiers.findIndex(({ execute }) => execute !== undefined);
  if (firstLive < 0)
    return "none of its tiers has an execute; a cached or an emergency answer stands in for work, so give it one that works";
  if (firstLive > 0) return `its first tier must be one with an execute, and "${names[0]}" is not`;
  const twice = names.find((name, index) => names.indexOf(name) < index);
  if (twice !== undefined) return `two of its tiers are called "${twice}"`;
  const early = tiers.findIndex(({ emergency }) => emergency !== undefined);
  if (early >= 0 && early < tiers.length - 1) return `the emergency tier "${names[early]}" must be the last one`;
  return tiers.map(tierProblem).find((problem) => problem !== undefined);
}

function tierProblem({ name, execute, cached, emergency, maxAgeMs }: TierShape): string | undefined {
  if (typeof name !== "string" || !TIER_NAME.test(name))
    return `the name of a tier must be lower case words joined by dashes, not "${name}"`;
  const kinds = [execute, cached, emergency].filter((kind) => kind !== undefined).length;
  if (kinds !== 1 || (cached !== undefined && cached !== true))
    return `the tier "${name}" must have exactly one of execute, cached: true and emergency`;
  if (maxAgeMs !== undefined && !(maxAgeMs > 0)) return `maxAgeMs of the tier "${name}" must be positive`;
  return undefined;
}
