import * as z from "zod";
import type { Alert } from "./alerts.js";
import { checkOptions } from "./check-options.js";
import { MAX_TIMER_MS } from "./time.js";

const Count = z.int().nonnegative();
const Duration = z.int().positive().max(MAX_TIMER_MS);

/** What may be spent in one window; what is left out is not limited. Money is in integer micro-dollars. */
const BudgetLimit = z.strictObject({ microDollars: Count.optional(), tokens: Count.optional() }).readonly();

const WindowBudgets = z
  .strictObject({
    /** For each run by itself, however long it takes. */
    perRun: BudgetLimit.optional(),
    /** In any sixty minutes, to the minute. */
    hourly: BudgetLimit.optional(),
    /** In any twenty-four hours, to the quarter of an hour. */
    daily: BudgetLimit.optional(),
  })
  .readonly();

const Budgets = WindowBudgets.unwrap()
  /** By the tenant's name; `default` holds for each tenant without a budget of its own. A tenant's `perRun` takes the place of the general one. */
  .extend({ tenants: z.record(z.string().min(1), WindowBudgets).readonly().optional() })
  .strict()
  .readonly();

/** Micro-dollars for a million tokens. */
const ModelPrice = z.strictObject({ input: Count, output: Count }).readonly();

const RateLimit = z
  .strictObject({ requestsPerMinute: z.int().positive().optional(), tokensPerMinute: z.int().positive().optional() })
  .readonly();

const Webhook = z
  .strictObject({ url: z.url({ protocol: /^https?$/ }), headers: z.record(z.string(), z.string()).readonly().optional() })
  .readonly();

const Alerts = z
  .strictObject({
    /** Percent of a budget; each is told once in a window. 50, 80 and 100 when left out. */
    thresholds: z.array(z.int().positive().max(100)).readonly().optional(),
    /** A run that has spent more than this. */
    runMicroDollars: Count.optional(),
    /** A run that has been under way in this process for longer than this. */
    slowRunMs: Duration.optional(),
    /** Called with each alert; what it throws is ignored. */
    onAlert: z.custom<(alert: Alert) => void>((value) => typeof value === "function", "must be a function").optional(),
    /** Is sent each alert as JSON by POST. */
    webhook: Webhook.optional(),
  })
  .readonly();

/** Everything that limits what all runs on a store may consume together. */
export const LimitOptions = z
  .strictObject({
    budgets: Budgets.optional(),
    /** By `provider:model` or `model`; these come before the list that is built in. */
    prices: z.record(z.string().min(1), ModelPrice).readonly().optional(),
    /** A call to a model without a known price is refused, or charged at the dearest price there is. Refused when left out. */
    unknownPrice: z.enum(["refuse", "dearest"]).optional(),
    /** By provider, shared by all runs and processes on the store. */
    rateLimits: z.record(z.string().min(1), RateLimit).readonly().optional(),
    alerts: Alerts.optional(),
    /** Calls of agents at one time in this process, over all agents; as many as their own limits let through when left out. */
    maxConcurrentAgents: z.int().positive().optional(),
  })
  .readonly();

export type BudgetLimit = z.infer<typeof BudgetLimit>;
export type WindowBudgets = z.infer<typeof WindowBudgets>;
export type Budgets = z.infer<typeof Budgets>;
export type ModelPrice = z.infer<typeof ModelPrice>;
export type RateLimit = z.infer<typeof RateLimit>;
export type WebhookOptions = z.infer<typeof Webhook>;
export type AlertOptions = z.infer<typeof Alerts>;
export type LimitOptions = z.infer<typeof LimitOptions>;

/** Throws `CONFIG_INVALID` with everything that is wrong. */
export function checkLimitOptions(options: LimitOptions = {}): LimitOptions {
  return checkOptions(LimitOptions, "limits", options);
}
