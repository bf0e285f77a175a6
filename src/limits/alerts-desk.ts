import type { LimitStore } from "../checkpoint/ports.js";
import type { RunId } from "../contracts/ids.js";
import { type Alert, alertEntry, alertOf } from "./alerts.js";
import { tellOnce } from "./alerts-due.js";
import { type Webhook, webhook } from "./alerts-webhook.js";
import { type BudgetCell, cellAt } from "./budget.js";
import { json } from "./budget-ledger.js";
import { budgetKey } from "./budget-scopes.js";
import type { AlertOptions } from "./limit-options.js";

/** How long `close` waits for what the webhook has not taken yet. */
const DRAIN_MS = 10_000;

export interface AlertDesk {
  /** Hands on alerts that are in the log; returns at once. */
  tell(alerts: readonly Alert[]): void;
  /** A run is under way in this process from now on; told of when it takes too long, while it still does. */
  begin(runId: RunId): void;
  /** The run is not under way here any more. */
  end(runId: RunId): void;
  /** Waits for the webhook, within bounds. */
  close(): Promise<void>;
}

export interface AlertDeskOptions {
  readonly store: LimitStore;
  readonly alerts: AlertOptions;
  readonly now: () => Date;
}

/** Who is told of alerts: the listener at once, the webhook in the background. Nothing that fails here reaches a run. */
export function alertDesk({ store, alerts: { onAlert, webhook: address, slowRunMs }, now }: AlertDeskOptions): AlertDesk {
  const hook = address && webhook(address);
  const pending = new Set<Promise<void>>();
  const timers = new Map<RunId, NodeJS.Timeout>();
  const leaving = new AbortController();

  const listen = (alert: Alert) => {
    try {
      onAlert?.(alert);
    } catch {
      // A listener must not be able to stop a run. The alert is in the log.
    }
  };
  const background = (work: Promise<void>) => {
    const done = work.catch(() => {}).then(() => void pending.delete(done)); // the store is closed: nobody is left to tell
    pending.add(done);
  };
  const tell = (alerts: readonly Alert[]) => {
    for (const alert of alerts) {
      listen(alert);
      if (hook) background(deliver(hook, alert));
    }
  };
  const deliver = async (to: Webhook, alert: Alert) => {
    const reason = await Promise.race([to.send(alert, leaving.signal), abandoned(leaving.signal)]);
    if (reason === undefined) return;
    const failed = alertOf({ kind: "undelivered", alert: alert.kind, reason }, { runId: alert.runId, now: now().getTime() });
    listen(failed);
    await store.change([], () => ({ entries: [alertEntry(failed)], result: undefined }));
  };
  const tellSlow = async (runId: RunId, since: number, limitMs: number) => {
    const at = now().getTime();
    const ranMs = Math.max(at - since, limitMs);
    tell(
      await store.change([budgetKey({ name: `run/${runId}` })], ([before]) => {
        const known = cellAt(before as unknown as BudgetCell | undefined, at);
        const once = Number.POSITIVE_INFINITY;
        const occasion = { runId, now: at };
        const { cell, alerts } = tellOnce({ cell: known, alerts: [] }, "run-slow", once, occasion, () => ({
          kind: "run-slow",
          ranMs,
          limitMs,
        }));
        return alerts.length === 0 ? { result: alerts } : { cells: [json(cell)], entries: alerts.map(alertEntry), result: alerts };
      }),
    );
  };
  const end = (runId: RunId) => {
    clearTimeout(timers.get(runId));
    timers.delete(runId);
  };

  return {
    tell,
    begin(runId) {
      end(runId);
      if (slowRunMs === undefined) return;
      const since = now().getTime();
      timers.set(runId, setTimeout(() => background(tellSlow(runId, since, slowRunMs)), slowRunMs).unref());
    },
    end,
    async close() {
      for (const runId of [...timers.keys()]) end(runId);
      const timer = setTimeout(() => leaving.abort(), DRAIN_MS);
      await drained(pending);
      clearTimeout(timer);
    },
  };
}

/** What is under way may bring up more. */
async function drained(pending: ReadonlySet<Promise<void>>): Promise<void> {
  while (pending.size > 0) await Promise.all(pending);
}

function abandoned(signal: AbortSignal): Promise<string> {
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve("this process has come to its end"), { once: true }));
}
