import { AgentFailed } from "../contracts/failure.js";
import type { Amount } from "./budget-window.js";
import type { Model, PriceOf, Tokens } from "./prices.js";

/** What a call may take at most: known before it is made. */
export interface SpendCall extends Tokens, Model {
  /** Whose rate limit it is under; without one it is under none. */
  readonly provider?: string | undefined;
  /** What it costs by the list of prices. */
  readonly model?: string | undefined;
  /** What it costs at most, in place of a model's price: integer micro-dollars. */
  readonly microDollars?: number | undefined;
}

/** What a call took, as the other side reported it. */
export interface Usage extends Tokens {
  /** What it cost, where the other side says so; by the list of prices when left out. */
  readonly microDollars?: number | undefined;
}

/** What paid work came back with. Without usage the whole upper bound counts as used. */
export interface Spent<Result> {
  readonly result: Result;
  readonly usage?: Usage | undefined;
}

/** Throws `AGENT_FAILED` for a bound that is none, and `PRICE_UNKNOWN`. */
export async function boundOf(agent: string, call: SpendCall, priceOf: PriceOf, at: Date): Promise<Amount> {
  const { inputTokens, outputTokens, microDollars = 0 } = call;
  for (const [name, value] of Object.entries({ inputTokens, outputTokens, microDollars }))
    if (!isCount(value))
      throw new AgentFailed(`${agent} gave spend ${name} that are no whole number, 0 or more: ${String(value)}.`, { agent });
  return amountOf(call, call, priceOf, at);
}

/** What was used: the bound when nothing that makes sense was reported. */
export async function usedOf(call: SpendCall, usage: Usage | undefined, bound: Amount, priceOf: PriceOf, at: Date): Promise<Amount> {
  if (!isUsage(usage)) return bound;
  const { microDollars = call.microDollars } = usage;
  return amountOf(usage, { ...call, microDollars: microDollars === undefined ? undefined : Math.ceil(microDollars) }, priceOf, at);
}

/** The usage an error carries, of a call that was paid for and failed all the same. */
export function usageOf(thrown: unknown): Usage | undefined {
  const usage = typeof thrown === "object" && thrown !== null && "usage" in thrown ? thrown.usage : undefined;
  return isUsage(usage) ? usage : undefined;
}

/** Whether an error is of a call that was sent and may have been paid for, nobody can say how much. */
export function isUsageUnknown(thrown: unknown): boolean {
  return typeof thrown === "object" && thrown !== null && "usageUnknown" in thrown && thrown.usageUnknown === true;
}

async function amountOf({ inputTokens, outputTokens }: Tokens, call: SpendCall, priceOf: PriceOf, at: Date): Promise<Amount> {
  const tokens = Math.min(inputTokens + outputTokens, Number.MAX_SAFE_INTEGER);
  return { microDollars: call.microDollars ?? (await priceOf(call, { inputTokens, outputTokens }, at)), tokens };
}

export function isUsage(usage: unknown): usage is Usage {
  if (typeof usage !== "object" || usage === null || !("inputTokens" in usage && "outputTokens" in usage)) return false;
  const microDollars = "microDollars" in usage ? (usage.microDollars ?? 0) : 0;
  return isCount(usage.inputTokens) && isCount(usage.outputTokens) && typeof microDollars === "number" && isCount(Math.ceil(microDollars));
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}
