import { randomUUID } from "node:crypto";
import type { LimitChange, LimitEntry, LimitStore } from "../checkpoint/ports.js";
import { BudgetExceeded, RateLimited } from "../contracts/failure.js";
import type { RunId } from "../contracts/ids.js";
import type { JsonValue } from "../contracts/json-value.js";
import { amountText, budgetName } from "./alerts.js";
import { type AlertDesk, alertDesk } from "./alerts-desk.js";
import { DEFAULT_THRESHOLDS } from "./alerts-due.js";
import { type Account, type Admission, admit, keysOf, releaseCall, settleCall } from "./budget-ledger.js";
import { type BudgetReport, type BudgetReportOptions, budgetReport } from "./budget-report.js";
import { scopesOf } from "./budget-scopes.js";
import type { Amount } from "./budget-window.js";
import { aborted } from "./classify.js";
import { checkLimitOptions, type LimitOptions } from "./limit-options.js";
import { boundOf, isUsage, isUsageUnknown, type SpendCall, type Spent, type Usage, usageOf, usedOf } from "./meter-call.js";
import { type Hold, holdsOf } from "./meter-holds.js";
import { priceList } from "./prices.js";

/** Whose money: one attempt of an agent in a run. */
export interface SpendSite {
  readonly runId: RunId;
  readonly tenant: string;
  readonly agent: string;
  /** The agent's name, with a fan-out its branch's. */
  readonly step: string;
  readonly tier?: string | undefined;
  /** Aborted when the attempt is over. */
  readonly signal: AbortSignal;
  /** When the attempt's time is up, in milliseconds since 1970. */
  readonly until: number;
  /** Marks what the store throws as the run's own failure. */
  own<T>(asked: Promise<T>): Promise<T>;
}

/** What all runs of this process spend by. The accounts are in the store, so other processes on it count as well. */
export interface Meter {
  /**
   * Does paid work: waits for its provider's turn, reserves the most it can take in every budget, does it, and counts what
   * it took. Throws `BUDGET_EXCEEDED`, `RATE_LIMITED` and `PRICE_UNKNOWN` before anything is spent, and what the work throws.
   */
  spend<Result>(site: SpendSite, call: SpendCall, work: () => Promise<Spent<Result>>): Promise<Result>;
  report(options: BudgetReportOptions): BudgetReport;
  /** Who is told of runs under way that take too long. */
  readonly watch: Pick<AlertDesk, "begin" | "end">;
  /** Takes back what is still reserved and delivers what is still to be told, within bounds. */
  close(): Promise<void>;
}

export interface MeterOptions {
  readonly store: LimitStore;
  readonly options: LimitOptions | undefined;
  readonly now: () => Date;
}

/** Throws `CONFIG_INVALID`. */
export function createMeter({ store, options: given, now }: MeterOptions): Meter {
  const options = checkLimitOptions(given);
  const { budgets = {}, rateLimits = {}, alerts = {} } = options;
  const { thresholds = DEFAULT_THRESHOLDS, runMicroDollars } = alerts;
  const priceOf = priceList(options);
  const desk = alertDesk({ store, alerts, now });
  const time = () => now().getTime();
  const holds = holdsOf(store, time);

  const accountOf = ({ runId, tenant }: SpendSite, { provider }: SpendCall): Account => {
    const limits = provider !== undefined && Object.hasOwn(rateLimits, provider) ? rateLimits[provider] : undefined;
    return { scopes: scopesOf(budgets, runId, tenant), rate: limits && provider !== undefined ? { provider, limits } : undefined };
  };
  const change = <T>(site: SpendSite, account: Account, evolve: (cells: readonly (JsonValue | undefined)[]) => LimitChange<T>) =>
    site.own(store.change(keysOf(account), evolve));

  const begin = async (site: SpendSite, call: SpendCall, bound: Amount, account: Account): Promise<Hold> => {
    const promised = { id: randomUUID(), runId: site.runId, bound, now: time() };
    const admission = await change(site, account, (cells) => admit(account, cells, promised, Math.max(0, site.until - promised.now)));
    if (admission.kind === "refused") desk.tell(admission.alerts);
    if (admission.kind !== "admitted") throw refused(site, call, admission);
    const hold = { promised, account, signal: site.signal, waitMs: admission.waitMs };
    holds.add(hold);
    return hold;
  };
  const release = (site: SpendSite, { account, promised }: Hold, sent: boolean) =>
    change(site, account, (cells) => releaseCall(account, cells, { ...promised, now: time() }, sent));
  const settle = async (site: SpendSite, { account, promised }: Hold, call: SpendCall, usage: Usage | undefined) => {
    const used = await usedOf(call, usage, promised.bound, priceOf, new Date(promised.now));
    const at = now();
    const entry = spendEntry(site, call, used, usage, at);
    const { agent } = site;
    const settlement = { ...promised, now: at.getTime(), agent, used, entry, thresholds, runMicroDollars };
    desk.tell(await change(site, account, (cells) => settleCall(account, cells, settlement)));
  };

  return {
    async spend(site, call, work) {
      const bound = await boundOf(site.step, call, priceOf, now());
      if (site.signal.aborted) throw aborted(site.step);
      const hold = await begin(site, call, bound, accountOf(site, call));
      try {
        if (!(await hasWaited(hold.waitMs, site.signal))) {
          await release(site, hold, false);
          throw aborted(site.step);
        }
        const { result, usage } = await work().catch(async (thrown: unknown) => {
          const paid = usageOf(thrown);
          await (paid || isUsageUnknown(thrown) ? settle(site, hold, call, paid) : release(site, hold, true));
          throw thrown;
        });
        await settle(site, hold, call, usage);
        return result;
      } finally {
        holds.remove(hold);
      }
    },
    report: (reportOptions) => budgetReport(store, budgets, time(), reportOptions),
    watch: desk,
    async close() {
      await holds.close();
      await desk.close();
    },
  };
}

/** Its turn has come: false when the attempt was over before. */
function hasWaited(waitMs: number, signal: AbortSignal): Promise<boolean> {
  if (signal.aborted) return Promise.resolve(false);
  if (waitMs <= 0) return Promise.resolve(true);
  return new Promise((resolve) => {
    const stop = () => {
      clearTimeout(timer);
      resolve(false);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", stop);
      resolve(true);
    }, waitMs);
    signal.addEventListener("abort", stop, { once: true });
  });
}

function refused({ step: agent }: SpendSite, { provider = "" }: SpendCall, admission: Exclude<Admission, { kind: "admitted" }>): Error {
  if (admission.kind === "too-late") {
    const { waitMs: retryAfterMs } = admission;
    const message = `${agent} was not let through to ${provider}: its rate limit has a place only in ${retryAfterMs} ms.`;
    return new RateLimited(message, { agent, provider, retryAfterMs });
  }
  const { scope, refusal } = admission;
  const { window, unit, limit, spent, reserved, wanted } = refusal;
  const freeAt = refusal.freeAt === undefined ? undefined : new Date(refusal.freeAt).toISOString();
  const text = (amount: number) => amountText(amount, unit);
  const message =
    `${agent} may not spend up to ${text(wanted)}: of ${budgetName(window, scope)}, ${text(limit)}, ${text(spent)} are spent and ` +
    `${text(reserved)} reserved. ${freeAt === undefined ? "It will not fit; raise the budget or ask for less." : `It fits from ${freeAt} on.`}`;
  return new BudgetExceeded(message, { agent, scope, window, unit, limit, spent, reserved, wanted, freeAt });
}

function spendEntry(site: SpendSite, call: SpendCall, { microDollars }: Amount, usage: Usage | undefined, at: Date): LimitEntry {
  const { runId, agent, tenant, tier = null } = site;
  const { provider = null, model = null } = call;
  const reported = isUsage(usage);
  const { inputTokens, outputTokens } = reported ? usage : call;
  const body = { agent, tier, tenant, provider, model, inputTokens, outputTokens, microDollars, reported };
  return { kind: "spend", key: agent, runId, body, at: at.toISOString() };
}
