import type { ModelPrice as ListedPrice, Provider } from "@pydantic/genai-prices";
import { PriceUnknown } from "../contracts/failure.js";
import type { LimitOptions, ModelPrice } from "./limit-options.js";

export interface Tokens {
  readonly inputTokens: number;
  readonly outputTokens: number;
}

export interface Model {
  readonly provider?: string | undefined;
  readonly model?: string | undefined;
}

/** Micro-dollars of so many tokens at a time, rounded up. Throws `PRICE_UNKNOWN`; what is not known never costs nothing. */
export type PriceOf = (model: Model, tokens: Tokens, at: Date) => Promise<number>;

/** Your own prices first, then the list that comes with @pydantic/genai-prices; nothing is fetched. */
export function priceList({ prices = {}, unknownPrice = "refuse" }: Pick<LimitOptions, "prices" | "unknownPrice">): PriceOf {
  return async (model, tokens, at) => {
    const own = ownPrice(prices, model);
    if (own) return costAt(own, tokens);
    const listed = await listedCost(model, tokens, at);
    if (listed !== undefined) return listed;
    if (unknownPrice === "refuse") throw unknown(model);
    return costAt(await dearest(Object.values(prices)), tokens);
  };
}

/** Rounded up; exact for any number of tokens. */
export function costAt({ input, output }: ModelPrice, { inputTokens, outputTokens }: Tokens): number {
  const exact = BigInt(inputTokens) * BigInt(input) + BigInt(outputTokens) * BigInt(output);
  return bounded(Number((exact + (PER_MILLION - 1n)) / PER_MILLION));
}

const PER_MILLION = 1_000_000n;

function ownPrice(prices: Readonly<Record<string, ModelPrice>>, { provider, model }: Model): ModelPrice | undefined {
  if (model === undefined) return undefined;
  const names = provider === undefined ? [model] : [`${provider}:${model}`, model];
  const name = names.find((each) => Object.hasOwn(prices, each));
  return name === undefined ? undefined : prices[name];
}

async function listedCost({ provider, model }: Model, tokens: Tokens, at: Date): Promise<number | undefined> {
  if (model === undefined) return undefined;
  const { calcPrice } = await import("@pydantic/genai-prices"); // half a megabyte of prices, read once and only when needed
  const { inputTokens, outputTokens } = tokens;
  const found = calcPrice({ input_tokens: inputTokens, output_tokens: outputTokens }, model, {
    timestamp: at,
    ...(provider === undefined ? {} : { providerId: provider }),
  });
  if (!found || !isPriced(found.model_price, tokens)) return undefined;
  return roundedUp(found.total_price * 1e6);
}

/** The list has models without a price, which it would charge nothing for. */
function isPriced(price: ListedPrice, { inputTokens, outputTokens }: Tokens): boolean {
  const known = price["input_mtok"] !== undefined || price["output_mtok"] !== undefined;
  return known && (inputTokens === 0 || price["input_mtok"] !== undefined) && (outputTokens === 0 || price["output_mtok"] !== undefined);
}

/** A price is a sum of floating-point dollars: what is within a millionth of a micro-dollar is the micro-dollar. */
function roundedUp(microDollars: number): number {
  if (microDollars <= 0) return 0;
  return bounded(Math.max(1, Math.ceil(microDollars - 1e-6)));
}

function bounded(microDollars: number): number {
  return Math.min(microDollars, Number.MAX_SAFE_INTEGER);
}

/** The highest price of a token of either kind that anybody asks. */
async function dearest(own: readonly ModelPrice[]): Promise<ModelPrice> {
  const { waitForUpdate } = await import("@pydantic/genai-prices"); // resolves with the bundled list unless someone has set up updates
  const listed = ((await waitForUpdate()) ?? []).flatMap(pricesOf);
  const most = (key: "input_mtok" | "output_mtok") => Math.ceil(Math.max(...listed.map((price) => rateOf(price[key]))) * 1e6);
  return {
    input: Math.max(most("input_mtok"), ...own.map(({ input }) => input)),
    output: Math.max(most("output_mtok"), ...own.map(({ output }) => output)),
  };
}

function pricesOf({ models }: Provider): readonly ListedPrice[] {
  return models.flatMap(({ prices }) => (Array.isArray(prices) ? prices.map((each) => each.prices) : [prices]));
}

/** Dollars for a million, at the dearest of its tiers. */
function rateOf(price: ListedPrice[string]): number {
  if (price === undefined) return 0;
  return typeof price === "number" ? price : Math.max(price.base, ...price.tiers.map((tier) => tier.price));
}

function unknown({ provider, model }: Model): PriceUnknown {
  const what = model === undefined ? "a call that names neither a model nor its price" : `${provider ? `${provider}:` : ""}${model}`;
  const message = `Nobody knows what ${what} costs. Give it a price in limits.prices, or set limits.unknownPrice to "dearest".`;
  return new PriceUnknown(message, { provider, model });
}
