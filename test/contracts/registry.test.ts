import { describe, expect, test } from "vitest";
import { contractRegistry, defineContract } from "walkback";
import * as z from "zod";

const ScoreV1 = defineContract({ name: "credit.score", version: 1, schema: z.object({ points: z.int() }) });
const ScoreV2 = defineContract({
  name: "credit.score",
  version: 2,
  schema: z.object({ points: z.int(), reasons: z.array(z.string()) }),
  previous: ScoreV1,
  upcast: ({ points }) => ({ points, reasons: [] }),
});
const Fraud = defineContract({ name: "credit.fraud", version: 1, schema: z.object({ signals: z.array(z.string()) }) });

const contract = (schema: z.ZodType, rules: Record<string, () => boolean> = {}) =>
  defineContract({ name: "test.document", version: 1, schema, rules });

test("finds a contract by name@version", () => {
  const registry = contractRegistry([ScoreV1, Fraud]);

  expect(registry.get("credit.score@1")).toBe(ScoreV1);
  expect(registry.has("credit.fraud@1")).toBe(true);
  expect(registry.has("credit.fraud@2")).toBe(false);
});

test("knows the versions before a contract as well", () => {
  const registry = contractRegistry([ScoreV2]);

  expect(registry.get("credit.score@1")).toBe(ScoreV1);
});

test("lists by name, then version", () => {
  const registry = contractRegistry([ScoreV2, Fraud, ScoreV1]);

  expect(registry.list().map(({ id }) => id)).toEqual(["credit.fraud@1", "credit.score@1", "credit.score@2"]);
});

test.each([
  ["with others", [ScoreV1, Fraud], ["credit.score@1", "credit.fraud@1"], "credit.score@1, credit.fraud@1"],
  ["when it is empty", [], [], "none"],
])("an id nobody knows is answered with the known ones: %s", (_how, contracts, known, words) => {
  const registry = contractRegistry(contracts);

  for (const ask of [registry.get, registry.jsonSchema, registry.fingerprint])
    expect(() => ask("credit.score@9")).toThrow(
      expect.objectContaining({
        code: "CONTRACT_UNKNOWN",
        details: { contract: "credit.score@9", known },
        message: expect.stringContaining(words),
      }),
    );
});

describe("the same id", () => {
  test.each([
    ["another property", z.object({ points: z.int(), note: z.string() })],
    ["a property that may be left out", z.object({ points: z.int().optional() })],
    ["another type", z.object({ points: z.string() })],
    ["a tighter bound", z.object({ points: z.int().max(850) })],
  ])("with another shape is refused: %s", (_what, schema) => {
    const registry = contractRegistry([contract(z.object({ points: z.int() }))]);

    expect(() => registry.register(contract(schema))).toThrow(
      expect.objectContaining({ code: "CONTRACT_CONFLICT", message: expect.stringContaining("test.document@1") }),
    );
  });

  test.each([
    ["the same schema again", z.object({ points: z.int(), note: z.string() })],
    ["its properties in another order", z.object({ note: z.string(), points: z.int() })],
  ])("with the same shape is accepted: %s", (_what, schema) => {
    const registry = contractRegistry([contract(z.object({ points: z.int(), note: z.string() }))]);

    expect(() => registry.register(contract(schema))).not.toThrow();
  });

  test("with other rules is refused, since rules are part of the shape", () => {
    const registry = contractRegistry([contract(z.string(), { "it is short": () => true })]);

    expect(() => registry.register(contract(z.string(), { "it is long": () => true }))).toThrow(
      expect.objectContaining({ code: "CONTRACT_CONFLICT" }),
    );
    expect(() => registry.register(contract(z.string()))).toThrow(expect.objectContaining({ code: "CONTRACT_CONFLICT" }));
  });

  test("with the same rules in another order is accepted", () => {
    const registry = contractRegistry([contract(z.string(), { "it is short": () => true, "it is blue": () => true })]);

    expect(() => registry.register(contract(z.string(), { "it is blue": () => true, "it is short": () => true }))).not.toThrow();
  });
});

test("exports JSON Schema of what may be handed in: a default need not be given", () => {
  const registry = contractRegistry([contract(z.object({ points: z.int().min(0), currency: z.enum(["EUR", "USD"]).default("EUR") }))]);

  expect(registry.jsonSchema("test.document@1")).toMatchObject({
    type: "object",
    properties: { points: { type: "integer", minimum: 0 }, currency: { type: "string", enum: ["EUR", "USD"], default: "EUR" } },
    required: ["points"],
  });
});

test("an exported JSON Schema cannot be changed from outside", () => {
  const registry = contractRegistry([ScoreV1]);

  const schema = registry.jsonSchema("credit.score@1");

  expect(() => Object.assign(schema["properties"] as object, { points: {} })).toThrow(TypeError);
});

test.each([
  ["a date", z.object({ at: z.date() })],
  ["a bigint", z.object({ cents: z.bigint() })],
  ["a map", z.map(z.string(), z.string())],
])("refuses a schema that JSON cannot say: %s", (_what, schema) => {
  expect(() => contractRegistry([contract(schema)])).toThrow(
    expect.objectContaining({ code: "CONTRACT_INVALID", message: expect.stringContaining("JSON Schema") }),
  );
});

describe("says whether a new version is", () => {
  const compare = (older: Record<string, () => boolean>, newer: Record<string, () => boolean>) => {
    const v1 = defineContract({ name: "test.ruled", version: 1, schema: z.string(), rules: older });
    const v2 = defineContract({ name: "test.ruled", version: 2, schema: z.string(), rules: newer });
    return contractRegistry([v1, v2]).compare("test.ruled@1", "test.ruled@2");
  };
  const rule = { "it is short": () => true };

  test("breaking, because it has one more rule", () => {
    expect(compare({}, rule)).toEqual({ kind: "breaking", breaking: [expect.stringContaining('"it is short"')], additions: [] });
  });

  test("additive, because it has one rule less", () => {
    expect(compare(rule, {})).toEqual({ kind: "additive", breaking: [], additions: [expect.stringContaining('"it is short"')] });
  });

  test("the same", () => {
    expect(compare(rule, rule)).toEqual({ kind: "same", breaking: [], additions: [] });
  });

  test("breaking, because it demands what was not there", () => {
    const { kind, breaking } = contractRegistry([ScoreV2]).compare("credit.score@1", "credit.score@2");

    expect({ kind, breaking }).toEqual({ kind: "breaking", breaking: ["/reasons: may not be left out"] });
  });
});
