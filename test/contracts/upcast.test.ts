import fc from "fast-check";
import { expect, test } from "vitest";
import { type Contract, check, contractRegistry, defineContract } from "walkback";
import * as z from "zod";

const IncomeV1 = defineContract({ name: "credit.income", version: 1, schema: z.object({ monthly: z.int() }) });
const IncomeV2 = defineContract({
  name: "credit.income",
  version: 2,
  schema: z.object({ monthlyCents: z.int() }),
  previous: IncomeV1,
  upcast: ({ monthly }) => ({ monthlyCents: monthly * 100 }),
});
const IncomeV3 = defineContract({
  name: "credit.income",
  version: 3,
  schema: z.object({ monthlyCents: z.int(), currency: z.enum(["EUR", "USD"]) }),
  previous: IncomeV2,
  upcast: (older) => ({ ...older, currency: "EUR" as const }),
});
/** Knows how to come from version 4, but not which contract that was. */
const IncomeV5 = defineContract({ name: "credit.income", version: 5, schema: z.string(), upcast: () => "" });

const upcast = (document: unknown, contracts: readonly Contract[], from: number, to: number) =>
  contractRegistry(contracts)
    .upcastChain("credit.income", from, to)
    .reduce((older, step) => step(older), document);

test("brings a document of version 1 to version 3, one version at a time", () => {
  expect(upcast({ monthly: 20 }, [IncomeV3], 1, 3)).toEqual({ monthlyCents: 2000, currency: "EUR" });
});

test("starts where the document is", () => {
  expect(upcast({ monthlyCents: 7 }, [IncomeV3], 2, 3)).toEqual({ monthlyCents: 7, currency: "EUR" });
});

test("leaves a document alone that is at the version asked for", () => {
  const document = { monthlyCents: 7, currency: "USD" };

  expect(upcast(document, [IncomeV3], 3, 3)).toBe(document);
});

test.each([
  ["a version between is not registered", [IncomeV3, IncomeV5], 1, 5, 4],
  ["the version asked for is not registered", [IncomeV3], 1, 4, 4],
  ["a version has no upcast", [IncomeV3, IncomeV5], 0, 2, 1],
  ["the name is not known at all", [], 1, 2, 2],
])("names the gap in the chain: %s", (_why, contracts, from, to, missing) => {
  expect(() => upcast({}, contracts, from, to)).toThrow(
    expect.objectContaining({
      code: "UPCAST_MISSING",
      details: { contract: "credit.income", from, to, missing },
      message: expect.stringContaining(`credit.income@${missing} `),
    }),
  );
});

test("never casts a document down", () => {
  expect(() => upcast({}, [IncomeV3], 3, 1)).toThrow(
    expect.objectContaining({ code: "UPCAST_MISSING", message: expect.stringContaining("never cast down") }),
  );
});

test("whatever fitted version 1 fits version 3 after the upcast", () => {
  fc.assert(
    fc.property(fc.record({ monthly: fc.integer({ min: -1e9, max: 1e9 }) }), (document) => {
      expect(check(IncomeV1, document).ok).toBe(true);
      expect(check(IncomeV3, upcast(document, [IncomeV3], 1, 3)).ok).toBe(true);
    }),
  );
});
