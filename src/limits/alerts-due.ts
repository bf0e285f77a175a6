import { type Alert, type AlertBody, alertOf, type Occasion } from "./alerts.js";
import { type BudgetCell, balanceOf, type Refusal, windowsOf } from "./budget.js";
import type { Scope } from "./budget-scopes.js";
import { lengthOf, UNITS } from "./budget-window.js";

export const DEFAULT_THRESHOLDS = [50, 80, 100] as const;

/** A cell that remembers what was told of it, and what is to be told now. */
export interface Told {
  readonly cell: BudgetCell;
  readonly alerts: readonly Alert[];
}

/** Tells of something once: again only when this long has passed. */
export function tellOnce(told: Told, name: string, againAfterMs: number, occasion: Occasion, body: () => AlertBody): Told {
  const { cell, alerts } = told;
  const last = Object.hasOwn(cell.told, name) ? cell.told[name] : undefined;
  if (last !== undefined && Math.abs(occasion.now - last) < againAfterMs) return told;
  return { cell: { ...cell, told: { ...cell.told, [name]: occasion.now } }, alerts: [...alerts, alertOf(body(), occasion)] };
}

/** The thresholds that a scope's spending has reached, each once in a window. */
export function thresholdAlerts(
  before: BudgetCell,
  { name: scope, limits }: Scope,
  thresholds: readonly number[],
  occasion: Occasion,
): Told {
  let told: Told = { cell: before, alerts: [] };
  for (const window of windowsOf(limits)) {
    const { spent } = balanceOf(before, window);
    for (const unit of UNITS) {
      const limit = limits[window]?.[unit];
      for (const percent of thresholds) {
        if (limit === undefined || spent[unit] === 0 || spent[unit] < (limit * percent) / 100) continue;
        const body = () => ({ kind: "budget", scope, window, unit, percent, spent: spent[unit], limit }) as const;
        told = tellOnce(told, `${window}/${unit}/${percent}`, lengthOf(window), occasion, body);
      }
    }
  }
  return told;
}

export function refusalAlert(before: BudgetCell, scope: string, { freeAt: _, ...refusal }: Refusal, occasion: Occasion): Told {
  const { window, unit } = refusal;
  const name = `${window}/${unit}/exceeded`;
  return tellOnce({ cell: before, alerts: [] }, name, lengthOf(window), occasion, () => ({ kind: "budget-exceeded", scope, ...refusal }));
}
