import fc from "fast-check";
import { describe, expect, test, vi } from "vitest";
import type { SpendCall } from "walkback";
import { costAt, priceList } from "../../src/limits/prices.js";
import { aStore } from "../support/store.js";
import { aMeter, aSite, failureOf, NOON, PROPERTY_RUNS } from "./spending.js";

const AT = new Date(NOON);
const MILLION = { inputTokens: 1_000_000, outputTokens: 1_000_000 };

test.each([
  ["openai", "gpt-4o", 12_500_000],
  ["openai", "gpt-4o-mini", 750_000],
  ["openai", "gpt-4.1", 10_000_000],
  ["anthropic", "claude-sonnet-4-20250514", 18_000_000],
  ["anthropic", "claude-opus-4-1", 90_000_000],
  ["google", "gemini-2.5-flash", 2_800_000],
  // Above 200,000 tokens of input all of it is dearer.
  ["google", "gemini-2.5-pro", 17_500_000],
  // The provider need not be said where the name is enough.
  [undefined, "gpt-4o", 12_500_000],
])("a million tokens in and a million out of %s %s cost %i micro-dollars", async (provider, model, microDollars) => {
  expect(await priceList({})({ provider, model }, MILLION, AT)).toBe(microDollars);
});

test("a price needs no network", async () => {
  vi.stubGlobal("fetch", () => Promise.reject(new Error("there is no network")));

  const cost = await priceList({ unknownPrice: "dearest" })({ model: "no-such-model" }, MILLION, AT);
  vi.unstubAllGlobals();

  expect(cost).toBeGreaterThan(0);
});

describe("rounding", () => {
  test("is upwards, to the micro-dollar, and never to nothing", async () => {
    const priceOf = priceList({});

    expect(await priceOf({ provider: "openai", model: "gpt-4o-mini" }, { inputTokens: 1, outputTokens: 0 }, AT)).toBe(1); // 0.15
    expect(await priceOf({ provider: "openai", model: "gpt-4o-mini" }, { inputTokens: 1_000, outputTokens: 0 }, AT)).toBe(150);
    expect(await priceOf({ provider: "openai", model: "gpt-4o-mini" }, { inputTokens: 1_001, outputTokens: 0 }, AT)).toBe(151);
    expect(costAt({ input: 1, output: 0 }, { inputTokens: 1, outputTokens: 0 })).toBe(1);
  });

  test("never takes less than the price, nor a micro-dollar more, for a price of one's own", () => {
    fc.assert(
      fc.property(fc.nat(1e9), fc.nat(1e9), fc.nat(1e9), fc.nat(1e9), (inputTokens, outputTokens, input, output) => {
        const exact = BigInt(inputTokens) * BigInt(input) + BigInt(outputTokens) * BigInt(output);
        const cost = costAt({ input, output }, { inputTokens, outputTokens });

        if (cost === Number.MAX_SAFE_INTEGER) return;
        expect(BigInt(cost) * 1_000_000n >= exact).toBe(true);
        expect(BigInt(cost) * 1_000_000n < exact + 1_000_000n).toBe(true);
      }),
      PROPERTY_RUNS,
    );
  });
});

describe("a price of one's own", () => {
  const prices = { "gpt-4o": { input: 1_000_000, output: 2_000_000 }, "azure:gpt-4o": { input: 5_000_000, output: 0 } };

  test("comes before the list, and one for a provider before one for all", async () => {
    const priceOf = priceList({ prices });

    expect(await priceOf({ provider: "openai", model: "gpt-4o" }, MILLION, AT)).toBe(3_000_000);
    expect(await priceOf({ provider: "azure", model: "gpt-4o" }, MILLION, AT)).toBe(5_000_000);
  });

  test("is not found under what every object has", async () => {
    expect(await failureOf(priceList({ prices })({ model: "constructor" }, MILLION, AT))).toMatchObject({ code: "PRICE_UNKNOWN" });
  });
});

/** Names that nobody sells anything under; the list matches some by their beginning. */
const strangers = fc.stringMatching(/^zz-[a-z0-9-]{1,20}$/);
const tokens = fc
  .record({ inputTokens: fc.nat(1e7), outputTokens: fc.nat(1e7) })
  .filter((each) => each.inputTokens + each.outputTokens > 0);

describe("a model nobody knows", () => {
  test("is refused with what to do about it", async () => {
    const failure = await failureOf(priceList({})({ provider: "openai", model: "gpt-from-the-future" }, MILLION, AT));

    expect(failure).toMatchObject({
      code: "PRICE_UNKNOWN",
      message: expect.stringContaining("limits.prices"),
      details: { provider: "openai", model: "gpt-from-the-future" },
    });
  });

  test("is charged at the dearest price there is, where that is asked for", async () => {
    const priceOf = priceList({ unknownPrice: "dearest" });
    const dearest = await priceOf({ provider: "openai", model: "o1-pro" }, MILLION, AT);

    expect(await priceOf({ model: "gpt-from-the-future" }, MILLION, AT)).toBeGreaterThanOrEqual(dearest);
    const own = priceList({ unknownPrice: "dearest", prices: { gold: { input: 1e12, output: 0 } } });
    expect(await own({ model: "gpt-from-the-future" }, MILLION, AT)).toBeGreaterThanOrEqual(1e12);
  });

  test("never costs nothing, whatever it and its provider are called", async () => {
    const providers = fc.option(fc.constantFrom("openai", "anthropic", "google", "openrouter", "azure", "nobody"), { nil: undefined });
    await fc.assert(
      fc.asyncProperty(providers, strangers, tokens, async (provider, model, each) => {
        const refused = await failureOf(priceList({})({ provider, model }, each, AT));
        const charged = await priceList({ unknownPrice: "dearest" })({ provider, model }, each, AT);

        expect(refused).toMatchObject({ code: "PRICE_UNKNOWN" });
        expect(charged).toBeGreaterThan(0);
      }),
      PROPERTY_RUNS,
    );
  });

  test("is also one that the list names without a price", async () => {
    const { waitForUpdate } = await import("@pydantic/genai-prices");
    const providers = (await waitForUpdate()) ?? [];
    const unpriced = providers.flatMap(({ id, models }) =>
      models
        .filter(({ prices }) => !Array.isArray(prices) && Object.keys(prices).length === 0)
        .map((model) => ({ provider: id, model: model.id })),
    );

    expect(unpriced.length).toBeGreaterThan(0);
    for (const model of unpriced) expect(await priceList({})(model, MILLION, AT).catch(({ code }) => code)).not.toBe(0);
  });

  test("is not called, and nothing is reserved for it", async () => {
    await using store = await aStore();
    const meter = aMeter(store.limits, {});
    const call: SpendCall = { provider: "openai", model: "gpt-from-the-future", ...MILLION };

    const failure = await failureOf(meter.spend(aSite(), call, () => Promise.reject(new Error("called"))));

    expect(failure).toMatchObject({ code: "PRICE_UNKNOWN", retryable: false });
    expect(store.limits.readAll("")).toEqual([]);
    expect(store.limits.list({ kind: "spend" })).toEqual([]);
  });
});

test("a call is charged what it used at the price of its model", async () => {
  await using store = await aStore();
  const meter = aMeter(store.limits, {});
  const usage = { inputTokens: 2_000, outputTokens: 100 };

  await meter.spend(aSite(), { provider: "openai", model: "gpt-4o", inputTokens: 4_000, outputTokens: 1_000 }, async () => ({
    result: 1,
    usage,
  }));

  expect(store.limits.list({ kind: "spend" })).toMatchObject([{ body: { ...usage, model: "gpt-4o", microDollars: 6_000 } }]);
});
