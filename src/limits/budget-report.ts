import type { LimitStore } from "../checkpoint/ports.js";
import { optionInvalid } from "../contracts/failure.js";
import { type Balance, type BudgetCell, balanceOf, cellAt, type ScopeLimits, windowsOf } from "./budget.js";
import { budgetKey, DEFAULT_TENANT, globalScope, tenantScope } from "./budget-scopes.js";
import { type Amount, NOTHING, sumOf, type Window } from "./budget-window.js";
import type { BudgetLimit, Budgets } from "./limit-options.js";
import { DAY_MS } from "./time.js";

export interface BudgetReportOptions {
  /** From when on spending is added up, ISO 8601; the last 24 hours when left out. */
  readonly since?: string | undefined;
}

/** What was spent, what is left, and who spent it. */
export interface BudgetReport {
  /** ISO 8601. */
  readonly at: string;
  readonly since: string;
  /** One for each window of each account: all of it, each tenant, and each run that holds a reservation. */
  readonly scopes: readonly ScopeBalance[];
  /** Dearest first. */
  readonly spend: {
    readonly total: SpendSum;
    readonly byAgent: readonly NamedSum[];
    readonly byModel: readonly NamedSum[];
    readonly byTenant: readonly NamedSum[];
  };
}

export interface ScopeBalance extends Balance {
  /** `global`, `tenant/<name>` or `run/<id>`. */
  readonly scope: string;
  readonly window: Window;
  readonly limit: BudgetLimit;
  /** What may still be promised; undefined where there is no limit. */
  readonly remaining: BudgetLimit;
}

export interface SpendSum extends Amount {
  readonly calls: number;
}

export interface NamedSum extends SpendSum {
  readonly name: string;
}

/** ISO 8601. Throws `OPTION_INVALID`. */
export function timeOf(option: string, given: Date | string | number): string {
  const time = new Date(given);
  if (!Number.isNaN(time.getTime())) return time.toISOString();
  throw optionInvalid(option, `must be a date or a time in ISO 8601, not "${given}"`);
}

const MOST_ENTRIES = 1_000_000;

export function budgetReport(store: LimitStore, budgets: Budgets, now: number, { since }: BudgetReportOptions): BudgetReport {
  const from = timeOf("since", since ?? now - DAY_MS);
  return { at: new Date(now).toISOString(), since: from, scopes: scopeBalances(store, budgets, now), spend: spendSince(store, from) };
}

function scopeBalances(store: LimitStore, budgets: Budgets, now: number): ScopeBalance[] {
  const prefix = budgetKey({ name: "" });
  const cells = new Map(
    store.readAll(prefix).map(({ key, cell }) => [key.slice(prefix.length), cellAt(cell as unknown as BudgetCell, now)] as const),
  );
  const limits = configured(budgets, [...cells.keys()]);
  const runs = [...cells].filter(([name, { reserved }]) => name.startsWith("run/") && reserved.length > 0);
  const names = new Set([...limits.keys(), ...[...cells.keys()].filter((name) => !name.startsWith("run/")), ...runs.map(([name]) => name)]);
  return [...names].flatMap((scope) => {
    const cell = cells.get(scope) ?? cellAt(undefined, now);
    const own = limits.get(scope) ?? cell.limits;
    return windowsOf(own).map((window) => balance(scope, window, own[window] ?? {}, balanceOf(cell, window)));
  });
}

/** The limits this program knows of; others are those that a cell was last reserved under. */
function configured(budgets: Budgets, names: readonly string[]): Map<string, ScopeLimits> {
  if (Object.keys(budgets).length === 0) return new Map();
  const tenants = new Set([
    ...Object.keys(budgets.tenants ?? {}).filter((tenant) => tenant !== DEFAULT_TENANT),
    ...names.filter((name) => name.startsWith("tenant/")).map((name) => name.slice("tenant/".length)),
  ]);
  const scopes = [globalScope(budgets), ...[...tenants].sort().map((tenant) => tenantScope(budgets, tenant))];
  return new Map(scopes.map(({ name, limits }) => [name, limits]));
}

function balance(scope: string, window: Window, limit: BudgetLimit, { spent, reserved }: Balance): ScopeBalance {
  const { microDollars, tokens } = limit;
  const left = (of: number | undefined, unit: keyof Amount) =>
    of === undefined ? undefined : Math.max(0, of - spent[unit] - reserved[unit]);
  const remaining = { microDollars: left(microDollars, "microDollars"), tokens: left(tokens, "tokens") };
  return { scope, window, limit, spent, reserved, remaining };
}

/** The body of an entry `spend` of the log. */
interface SpendBody {
  readonly agent: string;
  readonly tenant: string;
  readonly provider: string | null;
  readonly model: string | null;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly microDollars: number;
}

function spendSince(store: LimitStore, since: string): BudgetReport["spend"] {
  const bodies = store.list({ kind: "spend", since, limit: MOST_ENTRIES }).map(({ body }) => body as unknown as SpendBody);
  return {
    total: bodies.map(sumOfBody).reduce(plus, { ...NOTHING, calls: 0 }),
    byAgent: grouped(bodies, ({ agent }) => agent),
    byModel: grouped(bodies, ({ provider, model }) => [provider, model].filter((part) => part !== null).join(":") || "(none)"),
    byTenant: grouped(bodies, ({ tenant }) => tenant),
  };
}

function grouped(bodies: readonly SpendBody[], nameOf: (body: SpendBody) => string): NamedSum[] {
  const sums = new Map<string, SpendSum>();
  for (const body of bodies) {
    const name = nameOf(body);
    sums.set(name, plus(sums.get(name) ?? { ...NOTHING, calls: 0 }, sumOfBody(body)));
  }
  return [...sums]
    .map(([name, sum]) => ({ name, ...sum }))
    .sort((a, b) => b.microDollars - a.microDollars || b.tokens - a.tokens || a.name.localeCompare(b.name));
}

function sumOfBody({ microDollars, inputTokens, outputTokens }: SpendBody): SpendSum {
  return { microDollars, tokens: inputTokens + outputTokens, calls: 1 };
}

function plus(a: SpendSum, b: SpendSum): SpendSum {
  return { ...sumOf(a, b), calls: a.calls + b.calls };
}
