import type { LimitEntry } from "../checkpoint/ports.js";
import type { RunId } from "../contracts/ids.js";
import type { JsonValue } from "../contracts/json-value.js";
import type { Amount, Unit, Window } from "./budget-window.js";
import { dollars, tokenCount } from "./money.js";

export type AlertBody =
  /** So many percent of a budget are spent. */
  | {
      readonly kind: "budget";
      readonly scope: string;
      readonly window: Window;
      readonly unit: Unit;
      readonly percent: number;
      readonly spent: number;
      readonly limit: number;
    }
  /** A call was refused because it could have exceeded a budget. */
  | {
      readonly kind: "budget-exceeded";
      readonly scope: string;
      readonly window: Window;
      readonly unit: Unit;
      readonly limit: number;
      readonly spent: number;
      readonly reserved: number;
      readonly wanted: number;
    }
  /** A call used more than the upper bound it was admitted with. */
  | { readonly kind: "over-bound"; readonly agent: string; readonly bound: Amount; readonly used: Amount }
  | { readonly kind: "run-cost"; readonly microDollars: number; readonly limit: number }
  | { readonly kind: "run-slow"; readonly ranMs: number; readonly limitMs: number }
  /** The webhook did not take an alert of this kind. */
  | { readonly kind: "undelivered"; readonly alert: string; readonly reason: string };

/** Something a human should know of. It is also what a webhook is sent. */
export type Alert = AlertBody & {
  /** The run in whose course it came to light. */
  readonly runId: RunId;
  /** One sentence. */
  readonly message: string;
  /** ISO 8601. */
  readonly at: string;
};

/** When and in which run something came to light. */
export interface Occasion {
  readonly runId: RunId;
  readonly now: number;
}

export function alertOf(body: AlertBody, { runId, now }: Occasion): Alert {
  return { ...body, runId, message: messageOf(body, runId), at: new Date(now).toISOString() };
}

export function alertEntry(alert: Alert): LimitEntry {
  return { kind: "alert", key: alert.kind, runId: alert.runId, body: alert as unknown as JsonValue, at: alert.at }; // plain JSON
}

const SPANS: Readonly<Record<Window, string>> = { run: "whole", hour: "hourly", day: "daily" };

/** What a budget is called: the daily budget of tenant/acme. */
export function budgetName(window: Window, scope: string): string {
  return `the ${SPANS[window]} budget of ${scope}`;
}

export function amountText(amount: number, unit: Unit): string {
  return unit === "microDollars" ? dollars(amount) : tokenCount(amount);
}

function messageOf(body: AlertBody, runId: RunId): string {
  switch (body.kind) {
    case "budget": {
      const { scope, window, unit, percent, spent, limit } = body;
      return `${percent} % of ${budgetName(window, scope)} are spent: ${amountText(spent, unit)} of ${amountText(limit, unit)}.`;
    }
    case "budget-exceeded": {
      const { scope, window, unit, limit, spent, reserved, wanted } = body;
      const text = (amount: number) => amountText(amount, unit);
      return `A call that may take ${text(wanted)} was refused: of ${budgetName(window, scope)}, ${text(limit)}, ${text(spent)} are spent and ${text(reserved)} reserved.`;
    }
    case "over-bound":
      return `${body.agent} used ${usedText(body.used)} in a call that was admitted for at most ${usedText(body.bound)}.`;
    case "run-cost":
      return `Run ${runId} has spent ${dollars(body.microDollars)}, more than ${dollars(body.limit)}.`;
    case "run-slow":
      return `Run ${runId} has been under way for ${body.ranMs} ms, longer than ${body.limitMs} ms.`;
    case "undelivered":
      return `The webhook did not take an alert (${body.alert}): ${body.reason}.`;
  }
}

function usedText({ microDollars, tokens }: Amount): string {
  return `${dollars(microDollars)} and ${tokenCount(tokens)}`;
}
