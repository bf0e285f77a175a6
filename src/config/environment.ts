import type { Issue } from "../contracts/failure.js";
import type { Budgets } from "../limits/limit-options.js";
import type { WalkbackConfig } from "./schema.js";

/** The variables that take the place of what the file says. */
const VARIABLES = ["MAX_CONCURRENT_AGENTS", "COST_LIMIT_HOURLY", "COST_LIMIT_DAILY", "COST_LIMIT_PER_RUN"] as const;

export type Environment = Readonly<Record<string, string | undefined>>;

/** A configuration with what the environment sets, and what is wrong with that. An empty variable counts as none. */
export function withEnvironment(config: WalkbackConfig, environment: Environment): { config: WalkbackConfig; issues: readonly Issue[] } {
  const issues: Issue[] = [];
  const read = <T>(name: (typeof VARIABLES)[number], parse: (text: string) => T | undefined, expected: string): T | undefined => {
    const text = environment[name]?.trim();
    if (text === undefined || text === "") return undefined;
    const value = parse(text);
    if (value === undefined) issues.push({ path: name, message: `must be ${expected}, not "${text}"` });
    return value;
  };
  const money = (name: (typeof VARIABLES)[number]) => read(name, microDollars, "an amount in dollars like 12.50");
  const maxConcurrentAgents = read("MAX_CONCURRENT_AGENTS", positiveInteger, "a whole number from 1");
  const budgets: Budgets = {
    ...config.limits?.budgets,
    ...limited(config, "perRun", money("COST_LIMIT_PER_RUN")),
    ...limited(config, "hourly", money("COST_LIMIT_HOURLY")),
    ...limited(config, "daily", money("COST_LIMIT_DAILY")),
  };
  const limits = {
    ...config.limits,
    ...(Object.keys(budgets).length > 0 ? { budgets } : {}),
    ...(maxConcurrentAgents === undefined ? {} : { maxConcurrentAgents }),
  };
  return { config: Object.keys(limits).length > 0 ? { ...config, limits } : config, issues };
}

/** A limit of money; one of tokens beside it stays. */
function limited({ limits }: WalkbackConfig, window: "perRun" | "hourly" | "daily", microDollars: number | undefined): Budgets {
  return microDollars === undefined ? {} : { [window]: { ...limits?.budgets?.[window], microDollars } };
}

function positiveInteger(text: string): number | undefined {
  const value = /^\d{1,9}$/.test(text) ? Number(text) : 0;
  return value > 0 ? value : undefined;
}

/** Dollars with at most six decimals, exactly. */
function microDollars(text: string): number | undefined {
  const [, whole, fraction = ""] = /^\$?(\d{1,9})(?:\.(\d{1,6}))?$/.exec(text) ?? [];
  return whole === undefined ? undefined : Number(whole) * 1_000_000 + Number(fraction.padEnd(6, "0"));
}
