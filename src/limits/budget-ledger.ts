import type { LimitChange, LimitEntry } from "../checkpoint/ports.js";
import type { JsonValue } from "../contracts/json-value.js";
import { type Alert, alertEntry, type Occasion } from "./alerts.js";
import { refusalAlert, type Told, tellOnce, thresholdAlerts } from "./alerts-due.js";
import { type BudgetCell, balanceOf, type Refusal, release, reserve, settle, windowsOf } from "./budget.js";
import { budgetKey, type Scope } from "./budget-scopes.js";
import type { Amount } from "./budget-window.js";
import type { RateLimit } from "./limit-options.js";
import { giveBack, type RateCell, takeTurn } from "./rate-limit.js";

type Cells = readonly (JsonValue | undefined)[];

/** Everything one call is charged to: its budgets, the run's own first, and its provider's rate limit. */
export interface Account {
  readonly scopes: readonly Scope[];
  readonly rate: { readonly provider: string; readonly limits: RateLimit } | undefined;
}

export interface Promised extends Occasion {
  /** Names the call among all that hold a reservation. */
  readonly id: string;
  /** The most it can take. */
  readonly bound: Amount;
}

export type Admission =
  | { readonly kind: "admitted"; readonly waitMs: number }
  | { readonly kind: "refused"; readonly scope: string; readonly refusal: Refusal; readonly alerts: readonly Alert[] }
  /** Its provider's turn comes only after this. */
  | { readonly kind: "too-late"; readonly waitMs: number };

/** The keys of the account's cells, in the order in which the functions below take them. */
export function keysOf({ scopes, rate }: Account): readonly string[] {
  return [...scopes.map(budgetKey), ...(rate ? [`rate/${rate.provider}`] : [])];
}

/** Reserves the call's bound in every budget and its place at the provider, or nothing at all. */
export function admit(account: Account, cells: Cells, { id, bound, runId, now }: Promised, patienceMs: number): LimitChange<Admission> {
  const { budgets, rate } = read(account, cells);
  const reserved = account.scopes.map(({ name, limits }, index) => ({
    scope: name,
    ...reserve(budgets[index], { id, amount: bound, limits, now }),
  }));
  const index = reserved.findIndex(({ refusal }) => refusal);
  const refused = reserved[index];
  if (refused?.refusal) {
    const { scope, refusal } = refused;
    const { cell, alerts } = refusalAlert(refused.cell, scope, refusal, { runId, now });
    const result = { kind: "refused", scope, refusal, alerts } as const;
    return alerts.length === 0 ? { result } : { cells: cells.with(index, json(cell)), entries: alerts.map(alertEntry), result };
  }
  const turn = account.rate && takeTurn(rate, bound.tokens, account.rate.limits, now);
  const waitMs = turn?.waitMs ?? 0;
  if (waitMs > patienceMs) return { result: { kind: "too-late", waitMs } };
  return { cells: [...reserved.map(({ cell }) => json(cell)), ...(turn ? [json(turn.cell)] : [])], result: { kind: "admitted", waitMs } };
}

export interface Settlement extends Promised {
  readonly agent: string;
  readonly used: Amount;
  readonly entry: LimitEntry;
  readonly thresholds: readonly number[];
  /** Above this the run's own cost is told of. */
  readonly runMicroDollars: number | undefined;
}

/** Puts what was used in the place of what was reserved, and says what that gives cause to tell. */
export function settleCall(account: Account, cells: Cells, settlement: Settlement): LimitChange<readonly Alert[]> {
  const { id, bound, used, now, thresholds, entry } = settlement;
  const { budgets, rate } = read(account, cells);
  const settled = account.scopes.map((scope, index) => {
    const cell = settle(budgets[index], { id, amount: used, windows: windowsOf(scope.limits), now });
    return thresholdAlerts(cell, scope, thresholds, settlement);
  });
  const [run, ...others] = settled;
  const told = run ? [runAlerts(run, settlement), ...others] : [];
  const alerts = told.flatMap((each) => each.alerts);
  const unused = { requests: 0, tokens: bound.tokens - used.tokens };
  const rates = account.rate ? [json(giveBack(rate, unused, account.rate.limits, now))] : [];
  return { cells: [...told.map(({ cell }) => json(cell)), ...rates], entries: [entry, ...alerts.map(alertEntry)], result: alerts };
}

/** Takes back what was reserved for a call that used nothing; one that was never sent gives its provider's turn back as well. */
export function releaseCall(account: Account, cells: Cells, { id, bound, now }: Promised, sent: boolean): LimitChange<void> {
  const { budgets, rate } = read(account, cells);
  const unused = { requests: sent ? 0 : 1, tokens: bound.tokens };
  const rates = account.rate ? [json(giveBack(rate, unused, account.rate.limits, now))] : [];
  return { cells: [...budgets.map((cell) => json(release(cell, id, now))), ...rates], result: undefined };
}

/** What concerns the run and its agent rather than a budget; each told once in a run. */
function runAlerts(told: Told, { agent, bound, used, runMicroDollars: limit, ...occasion }: Settlement): Told {
  const over = used.microDollars > bound.microDollars || used.tokens > bound.tokens;
  const once = Number.POSITIVE_INFINITY;
  const first = over ? tellOnce(told, `over-bound/${agent}`, once, occasion, () => ({ kind: "over-bound", agent, bound, used })) : told;
  const { microDollars } = balanceOf(first.cell, "run").spent;
  if (limit === undefined || microDollars <= limit) return first;
  return tellOnce(first, "run-cost", once, occasion, () => ({ kind: "run-cost", microDollars, limit }));
}

/** Cells are kept as plain JSON; only the functions of this folder write them. */
function read({ scopes, rate }: Account, cells: Cells) {
  const budgets = cells.slice(0, scopes.length) as unknown as readonly (BudgetCell | undefined)[];
  return { budgets, rate: rate ? (cells[scopes.length] as unknown as RateCell | undefined) : undefined };
}

export function json(cell: BudgetCell | RateCell): JsonValue {
  return cell as unknown as JsonValue;
}
