import type { LimitStore } from "../checkpoint/ports.js";
import { type BudgetCell, HOLD_MS, renew } from "./budget.js";
import { type Account, json, keysOf, type Promised, releaseCall } from "./budget-ledger.js";
import { budgetKey } from "./budget-scopes.js";

export interface Hold {
  readonly promised: Promised;
  readonly account: Account;
  /** Until its provider's turn comes. */
  readonly waitMs: number;
  /** Once it is aborted nobody waits for the call any more: its reservation lapses unless it is settled. */
  readonly signal: AbortSignal;
}

/** The reservations of this process, and their sign of life. */
export interface Holds {
  add(hold: Hold): void;
  remove(hold: Hold): void;
  /** Takes back what is still held: this process has come to its end. */
  close(): Promise<void>;
}

export function holdsOf(store: LimitStore, now: () => number): Holds {
  const held = new Set<Hold>();
  let timer: NodeJS.Timeout | undefined;
  const stop = () => {
    clearInterval(timer);
    timer = undefined;
  };
  const beat = async () => {
    const alive = [...held].filter(({ signal }) => !signal.aborted);
    if (alive.length === 0) return;
    const ids = new Set(alive.map(({ promised }) => promised.id));
    const keys = [...new Set(alive.flatMap(({ account }) => account.scopes.map(budgetKey)))];
    const at = now();
    await store.change(keys, (cells) => ({
      cells: cells.map((cell) => cell && json(renew(cell as unknown as BudgetCell, ids, at))),
      result: undefined,
    }));
  };
  return {
    add(hold) {
      held.add(hold);
      // A beat that fails (the store is busy) is made up for by the next one, before anything lapses.
      timer ??= setInterval(() => void beat().catch(() => {}), HOLD_MS / 3).unref();
    },
    remove(hold) {
      held.delete(hold);
      if (held.size === 0) stop();
    },
    async close() {
      stop();
      for (const { account, promised } of held)
        await store.change(keysOf(account), (cells) => releaseCall(account, cells, { ...promised, now: now() }, true));
      held.clear();
    },
  };
}
