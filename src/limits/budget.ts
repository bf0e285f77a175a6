import { type Amount, add, current, freeAt, type Slot, total, UNITS, type Unit, type Window } from "./budget-window.js";
import type { BudgetLimit } from "./limit-options.js";

/** A reservation that has not been renewed for this long is that of a process that died: it no longer counts. */
export const HOLD_MS = 30_000;

/** The limits of one scope; a scope counts in the windows that stand here, limited or not. */
export type ScopeLimits = { readonly [W in Window]?: BudgetLimit };

/** The account of one scope: what was spent, and what is promised to calls under way. */
export interface BudgetCell {
  readonly spent: { readonly [W in Window]?: readonly Slot[] };
  readonly reserved: readonly Reservation[];
  /** The limits it was last reserved under, for whoever only looks. */
  readonly limits: ScopeLimits;
  /** When a threshold was last told of, by its name. */
  readonly told: Readonly<Record<string, number>>;
}

/** Of the call with this id; `at` is when it was made or last renewed, in milliseconds since 1970. */
export type Reservation = readonly [id: string, microDollars: number, tokens: number, at: number];

/** Why a reservation was refused. */
export interface Refusal {
  readonly window: Window;
  readonly unit: Unit;
  readonly limit: number;
  readonly spent: number;
  readonly reserved: number;
  readonly wanted: number;
  /** When it would fit if nothing else were spent; undefined when it never will. */
  readonly freeAt: number | undefined;
}

export interface Balance {
  readonly spent: Amount;
  readonly reserved: Amount;
}

const EMPTY: BudgetCell = { spent: {}, reserved: [], limits: {}, told: {} };

/** The cell without what has slid out of its windows and without the reservations of the dead. */
export function cellAt(cell: BudgetCell | undefined, now: number): BudgetCell {
  const { spent, reserved, limits, told } = cell ?? EMPTY;
  const slid = windowsOf(spent).map((window) => [window, current(spent[window] ?? [], window, now)] as const);
  return { spent: Object.fromEntries(slid), reserved: liveAt(reserved, now), limits, told };
}

/** Nearly always all of them: then the very same. */
function liveAt(reserved: BudgetCell["reserved"], now: number): BudgetCell["reserved"] {
  const isAlive = ([, , , at]: Reservation) => now - at < HOLD_MS;
  if (reserved.every((held) => held[3] <= now && isAlive(held))) return reserved;
  return reserved.filter(isAlive).map((held) => renewed(held, Math.min(held[3], now)));
}

/** What stands in a window of a cell that is up to date. */
export function balanceOf(cell: BudgetCell, window: Window): Balance {
  return { spent: total(cell.spent[window] ?? []), reserved: total(cell.reserved) };
}

/** Promises an amount to a call, or says which limit stands in its way. */
export function reserve(
  before: BudgetCell | undefined,
  { id, amount, limits, now }: { readonly id: string; readonly amount: Amount; readonly limits: ScopeLimits; readonly now: number },
): { readonly cell: BudgetCell; readonly refusal: Refusal | undefined } {
  const cell = { ...cellAt(before, now), limits };
  const refusal = windowsOf(limits).flatMap((window) => refusalsOf(cell, window, limits[window] ?? {}, amount, now))[0];
  if (refusal) return { cell, refusal };
  const { microDollars, tokens } = amount;
  return { cell: { ...cell, reserved: [...cell.reserved, [id, microDollars, tokens, now]] }, refusal };
}

/** Ends a reservation, with what was spent of it in its place. */
export function settle(
  before: BudgetCell | undefined,
  { id, amount, windows, now }: { readonly id: string; readonly amount: Amount; readonly windows: readonly Window[]; readonly now: number },
): BudgetCell {
  const cell = release(before, id, now);
  const spent = windows.map((window) => [window, add(cell.spent[window] ?? [], window, amount, now)] as const);
  return { ...cell, spent: { ...cell.spent, ...Object.fromEntries(spent) } };
}

/** Ends a reservation of which nothing was spent. */
export function release(before: BudgetCell | undefined, id: string, now: number): BudgetCell {
  const cell = cellAt(before, now);
  return { ...cell, reserved: cell.reserved.filter(([held]) => held !== id) };
}

/** A sign of life from the process that holds these reservations. */
export function renew(before: BudgetCell, ids: ReadonlySet<string>, now: number): BudgetCell {
  return { ...before, reserved: before.reserved.map((held) => (ids.has(held[0]) ? renewed(held, now) : held)) };
}

function renewed([id, microDollars, tokens]: Reservation, at: number): Reservation {
  return [id, microDollars, tokens, at];
}

export function windowsOf(windows: { readonly [W in Window]?: unknown }): readonly Window[] {
  return (["run", "hour", "day"] as const).filter((window) => windows[window] !== undefined);
}

function refusalsOf(cell: BudgetCell, window: Window, limits: BudgetLimit, amount: Amount, now: number): Refusal[] {
  const { spent, reserved } = balanceOf(cell, window);
  return UNITS.flatMap((unit) => {
    const limit = limits[unit];
    const wanted = amount[unit];
    if (limit === undefined || spent[unit] + reserved[unit] + wanted <= limit) return [];
    const slots = add(cell.spent[window] ?? [], window, reserved, now);
    return [
      { window, unit, limit, spent: spent[unit], reserved: reserved[unit], wanted, freeAt: freeAt(slots, window, unit, limit - wanted) },
    ];
  });
}
