import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { defineContract, type JsonObject, type JsonValue } from "walkback";
import * as z from "zod";
import { strictSchema } from "../../../src/agents/model/strict-schema.js";
import { aContract, byTheProvider, validatorOf } from "./strict.js";

const Step = z.object({
  text: z.string(),
  get after(): z.ZodOptional<z.ZodArray<typeof Step>> {
    return z.array(Step).optional();
  },
});
const Address = z.object({ city: z.string(), street: z.string().optional() }).meta({ id: "Address" });
const Shape = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("circle"), radius: z.number().positive(), label: z.string().optional() }),
  z.object({ kind: z.literal("square"), side: z.number().positive(), label: z.string().nullable() }),
]);

const SCHEMAS: readonly (readonly [string, z.ZodType])[] = [
  ["keys that may be left out", z.object({ a: z.string().optional(), b: z.int().default(3), c: z.boolean().nullish(), d: z.null() })],
  ["recursion into the document", Step],
  ["recursion below it", z.object({ first: Step, last: Step.nullable() })],
  ["a document that has a name", Address],
  ["definitions, described again", z.object({ home: Address, work: Address.describe("Where they work").optional() })],
  ["a discriminated union", z.object({ shapes: z.array(Shape).min(1).max(3) })],
  ["a union", z.object({ value: z.union([z.string(), z.int(), z.array(z.string()), z.object({ of: z.string() })]).optional() })],
  ["bounds", z.object({ share: z.number().min(0).max(1), cents: z.int().gt(0).lt(1_000_000).multipleOf(5) })],
  ["formats", z.object({ at: z.iso.datetime(), mail: z.email(), link: z.url(), id: z.uuid(), bytes: z.base64(), ip: z.ipv4() })],
  [
    "lengths and patterns",
    z.object({
      code: z
        .string()
        .length(3)
        .regex(/^[A-Z]+$/),
      name: z
        .string()
        .regex(/^(?!x)/)
        .regex(/y$/),
    }),
  ],
  ["fixed values", z.object({ one: z.literal("a"), some: z.literal(["a", 1, null, true]), words: z.enum(["x", "y"]).nullable() })],
  [
    "annotations",
    z.object({
      a: z
        .string()
        .meta({ title: "A", examples: ["b"], deprecated: true, mine: 1 })
        .describe("An a."),
    }),
  ],
];

describe("the strict form of a contract", () => {
  test.each(SCHEMAS)("is what the provider's own library would make of it: %s", (_what, schema) => {
    const { schema: strict } = strictSchema(aContract(schema));

    expect(byTheProvider(strict)).toEqual(strict);
    expect(everyKeyword(strict).filter((keyword) => !KNOWN.has(keyword))).toEqual([]);
    expect(everyNode(strict).filter((node) => "$ref" in node && Object.keys(node).length > 1)).toEqual([]);
  });

  test("requires every key, takes no other, and takes null for what may be left out", () => {
    const { schema } = strictSchema(aContract(z.object({ name: z.string(), note: z.string().optional(), pages: z.int().default(1) })));

    expect(schema).toEqual({
      type: "object",
      properties: {
        name: { type: "string" },
        note: { anyOf: [{ type: "string" }, { type: "null" }], description: "Null when there is none." },
        pages: { anyOf: [{ type: "integer" }, { type: "null" }], description: "Null for the default, 1." },
      },
      required: ["name", "note", "pages"],
      additionalProperties: false,
    });
  });

  test("says in words what strict mode cannot enforce, after what the contract says itself", () => {
    const { schema } = strictSchema(
      aContract(
        z.object({
          reason: z.string().min(10).max(200).describe("Why."),
          code: z.string().length(4),
          link: z.url(),
          plain: z.string().regex(/^[a-z]+$/),
          nimble: z.string().regex(/^(?=a)/),
          day: z.iso.date(),
          score: z.number().min(0).max(1),
          both: z.string().regex(/a/).regex(/b/),
        }),
      ),
    );

    expect(schema["properties"]).toMatchObject({
      reason: { type: "string", description: "Why. Must be 10 to 200 characters long." },
      code: { type: "string", description: "Must be exactly 4 characters long." },
      link: { type: "string", description: "Must be in the format uri." },
      plain: { type: "string", pattern: "^[a-z]+$" },
      nimble: { type: "string", description: "Must be matched by the regular expression ^(?=a)." },
      day: { type: "string", format: "date", description: expect.stringContaining("regular expression") },
      score: { type: "number", minimum: 0, maximum: 1 },
      both: { type: "string", description: "Must be matched by the regular expression a; matched by the regular expression b." },
    });
    expect(everyKeyword(schema)).not.toEqual(expect.arrayContaining(["minLength"]));
  });

  test("goes by the contract's name in letters that providers allow, and is made once", () => {
    const contract = defineContract({ name: "credit.risk-assessment", version: 2, schema: z.object({ a: z.string() }) });

    expect(strictSchema(contract).name).toBe("credit_risk-assessment");
    expect(strictSchema(contract)).toBe(strictSchema(contract));
  });

  test.each<[string, z.ZodType, string]>([
    ["a record", z.object({ scores: z.record(z.string(), z.number()) }), "/scores has keys that are not known before (a record)"],
    ["anything", z.object({ list: z.array(z.object({ it: z.any() })) }), "/list/*/it says nothing of what it is (any, unknown)"],
    ["a tuple", z.object({ "a/b": z.tuple([z.string(), z.int()]) }), "/a~1b is a tuple; make it an object with a key for each place"],
    ["further keys", z.object({ more: z.looseObject({ a: z.string() }) }), "/more takes keys that it does not name; name them all"],
    ["what is never there", z.object({ no: z.never().optional() }), "/no may never be there; leave it out"],
    ["several things at once", z.object({ x: z.intersection(z.string().min(2), z.string().max(3)) }), "/x is several things at once"],
    ["a list as the document", z.array(z.string()), "the document is no object; put what it is under a key of one"],
    ["a union as the document", Shape, "the document is no object"],
    ["what is deep in a definition", z.object({ a: z.object({ any: z.unknown() }).meta({ id: "Deep" }) }), "/$defs/Deep/any says nothing"],
  ])("is refused for %s, with where it is and what to do", (_what, schema, message) => {
    expect(() => strictSchema(aContract(schema))).toThrow(
      expect.objectContaining({
        code: "CONTRACT_INVALID",
        message: expect.stringContaining(`test.answer@1 cannot be asked of a model: ${message}`),
      }),
    );
  });
});

describe("on the way back", () => {
  test.each<[string, z.ZodType, JsonValue, JsonValue]>([
    ["a key left out", z.object({ a: z.string().optional() }), { a: null }, {}],
    ["a key that may be null", z.object({ a: z.string().nullable() }), { a: null }, { a: null }],
    ["a key that may be either", z.object({ a: z.string().nullish() }), { a: null }, { a: null }],
    ["a default", z.object({ a: z.int().default(3) }), { a: null }, {}],
    [
      "a key in a list",
      z.object({ l: z.array(z.object({ a: z.int().optional() })) }),
      { l: [{ a: null }, { a: 1 }] },
      { l: [{}, { a: 1 }] },
    ],
    ["a key of a recursion", Step, { text: "a", after: [{ text: "b", after: null }] }, { text: "a", after: [{ text: "b" }] }],
    ["a key of a definition", z.object({ home: Address }), { home: { city: "Ulm", street: null } }, { home: { city: "Ulm" } }],
    ["a key of an optional object", z.object({ o: Address.optional() }), { o: { city: "Ulm", street: null } }, { o: { city: "Ulm" } }],
  ])("restores %s", (_what, schema, answered, restored) => {
    const strict = strictSchema(aContract(schema));

    expect(validatorOf(strict.schema)(answered)).toBe(true);
    expect(strict.restore(answered)).toEqual(restored);
  });

  test("takes away a null only where the variant of the union could do without the key", () => {
    const strict = strictSchema(aContract(z.object({ shape: Shape })));

    expect(strict.restore({ shape: { kind: "circle", radius: 1, label: null } })).toEqual({ shape: { kind: "circle", radius: 1 } });
    expect(strict.restore({ shape: { kind: "square", side: 1, label: null } })).toEqual({
      shape: { kind: "square", side: 1, label: null },
    });
  });

  test.each<[string, JsonValue]>([
    ["no object", "prose"],
    ["a key that nobody knows", { a: null, b: null }],
    ["another kind of value", { a: [null] }],
    ["null", null],
  ])("leaves %s for the contract to refuse", (_what, answered) => {
    const strict = strictSchema(aContract(z.object({ a: z.string(), c: z.object({ d: z.string() }).optional() })));

    expect(strict.restore(answered)).toEqual(answered);
  });
});

const RECORDED = fileURLToPath(new URL("../../../../shared/data/openai-http/openai-00.jsonl", import.meta.url));

test("is what the provider was recorded to accept from others", ({ skip }) => {
  if (!existsSync(RECORDED))
    return skip("the recorded exchanges are not there; they are public test recordings and no part of the project");
  const line = readFileSync(RECORDED, "utf8")
    .split("\n")
    .find((exchange) => exchange.includes("MathResponse"));
  const recorded = /"schema": ?(\{.*?"additionalProperties": ?false\}), ?"name": ?"MathResponse"/.exec(
    (line ?? "").replaceAll('\\"', '"'),
  )?.[1];

  const MathStep = z.object({ explanation: z.string(), output: z.string() }).meta({ id: "Step" });
  const { schema } = strictSchema(aContract(z.object({ steps: z.array(MathStep), final_answer: z.string() })));

  expect(schema).toEqual(JSON.parse(recorded ?? "{}", (key, value) => (key === "title" ? undefined : value)));
});

/** What OpenAI's guide on structured outputs lists, and nothing else. */
const KNOWN: ReadonlySet<string> = new Set([
  ...["type", "properties", "required", "additionalProperties", "items", "anyOf", "$ref", "$defs", "enum", "const", "description"],
  ...["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minItems", "maxItems", "pattern", "format"],
]);

function everyKeyword(schema: JsonObject): string[] {
  return [...new Set(everyNode(schema).flatMap((node) => Object.keys(node)))];
}

/** A schema and all that are in it. */
function everyNode(schema: JsonObject): JsonObject[] {
  const maps = ["properties", "$defs"].flatMap((keyword) => Object.values((schema[keyword] ?? {}) as JsonObject));
  const lists = (schema["anyOf"] ?? []) as readonly JsonValue[];
  const items = schema["items"] === undefined ? [] : [schema["items"]];
  return [schema, ...[...maps, ...lists, ...items].flatMap((inner) => everyNode(inner as JsonObject))];
}
