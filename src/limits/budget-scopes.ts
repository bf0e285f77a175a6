import type { RunId } from "../contracts/ids.js";
import type { ScopeLimits } from "./budget.js";
import type { Budgets } from "./limit-options.js";

/** The tenant of a run that names none. */
export const DEFAULT_TENANT = "default";

/** One account that a call is charged to. */
export interface Scope {
  /** `run/<id>`, `tenant/<name>` or `global`. */
  readonly name: string;
  readonly limits: ScopeLimits;
}

/** Every account that a call of a run is charged to. Also without a limit, so that one set later holds at once. */
export function scopesOf(budgets: Budgets, runId: RunId, tenant: string): readonly Scope[] {
  const perRun = tenantBudgets(budgets, tenant).perRun ?? budgets.perRun ?? {};
  return [{ name: `run/${runId}`, limits: { run: perRun } }, tenantScope(budgets, tenant), globalScope(budgets)];
}

export function tenantScope(budgets: Budgets, tenant: string): Scope {
  const { hourly = {}, daily = {} } = tenantBudgets(budgets, tenant);
  return { name: `tenant/${tenant}`, limits: { hour: hourly, day: daily } };
}

export function globalScope({ hourly = {}, daily = {} }: Budgets): Scope {
  return { name: "global", limits: { hour: hourly, day: daily } };
}

export function budgetKey(scope: Pick<Scope, "name">): string {
  return `budget/${scope.name}`;
}

function tenantBudgets({ tenants = {} }: Budgets, tenant: string) {
  return (Object.hasOwn(tenants, tenant) ? tenants[tenant] : tenants[DEFAULT_TENANT]) ?? {};
}
