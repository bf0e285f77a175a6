import fc from "fast-check";
import { expect, test } from "vitest";
import { compareShapes, defineContract } from "walkback";
import * as z from "zod";
import { jsonSchemaOf } from "../../src/contracts/registry.js";
import { documents, mutated, schemaOf, shapes } from "./shapes.js";

const compare = (older: z.ZodType, newer: z.ZodType) => {
  const [before, after] = [older, newer].map((schema) => jsonSchemaOf(defineContract({ name: "test.shape", version: 1, schema })));
  return compareShapes(before ?? {}, after ?? {});
};

const Person = z.object({ name: z.string() });

test.each([
  ["an optional property was added", Person, Person.extend({ age: z.int().optional() })],
  ["a property with a default was added", Person, Person.extend({ age: z.int().default(0) })],
  ["a required property may be left out", Person, Person.partial()],
  ["an enum was widened", z.enum(["EUR"]), z.enum(["EUR", "USD"])],
  ["a literal became an enum", z.literal("EUR"), z.enum(["EUR", "USD"])],
  ["an enum became any string", z.enum(["EUR"]), z.string()],
  ["an integer became a number", z.int(), z.number()],
  ["a minimum was lowered", z.int().min(2), z.int().min(1)],
  ["a minimum was dropped", z.int().positive(), z.int()],
  ["positive became not negative", z.int().positive(), z.int().nonnegative()],
  ["a maximum was raised", z.number().max(1), z.number().max(2)],
  ["an excluded maximum was let in", z.number().lt(1), z.number().max(1)],
  ["a longer string is accepted", z.string().max(3), z.string().max(4)],
  ["a pattern was dropped", z.email(), z.string()],
  ["null is accepted as well", z.string(), z.string().nullable()],
  ["an object or null is accepted", Person, Person.nullable()],
  ["a union gained a variant", z.union([z.string(), z.int()]), z.union([z.string(), z.int(), Person])],
  ["a union was nested in another", z.union([z.string(), z.int()]), z.union([z.union([z.string(), z.int()]), Person])],
  ["a variant was widened", z.union([z.string(), z.int()]), z.union([z.string(), z.number()])],
  ["a nested object gained an optional property", z.object({ p: Person }), z.object({ p: Person.extend({ age: z.int().optional() }) })],
  ["the items of an array were widened", z.array(z.int()), z.array(z.number())],
  ["a shorter array is accepted", z.array(z.int()).min(2), z.array(z.int()).min(1)],
  ["further properties are no longer refused", z.strictObject({ name: z.string() }), Person],
  ["further properties are kept", Person, z.looseObject({ name: z.string() })],
  ["the values of a record were widened", z.record(z.string(), z.int()), z.record(z.string(), z.number())],
  ["a record takes one more key", z.partialRecord(z.enum(["a"]), z.int()), z.partialRecord(z.enum(["a", "b"]), z.int())],
  ["anything is accepted", Person, z.unknown()],
])("additive: %s", (_what, older, newer) => {
  const { kind, breaking, additions } = compare(older, newer);

  expect({ kind, breaking }).toEqual({ kind: "additive", breaking: [] });
  expect(additions).not.toHaveLength(0);
});

test.each([
  ["a required property was added", Person, Person.extend({ age: z.int() }), "/age: may not be left out"],
  ["a property was removed", Person, z.object({}), "/name: was removed"],
  ["an optional property was removed", Person.partial(), z.object({}), "/name: was removed"],
  ["an optional property became required", Person.partial(), Person, "/name: may not be left out"],
  ["an enum was narrowed", z.enum(["EUR", "USD"]), z.enum(["EUR"]), 'the document: no longer accepts "USD"'],
  ["a string became an enum", z.string(), z.enum(["EUR"]), 'the document: only "EUR" is accepted'],
  ["a number became an integer", z.number(), z.int(), "the document: type number became integer"],
  ["a string became a number", z.string(), z.number(), "the document: type string became number"],
  ["a minimum was raised", z.number().min(1), z.number().min(2), "the document: minimum 1 became 2"],
  ["not negative became positive", z.number().min(0), z.number().gt(0), "the document: minimum 0 became 0 (not itself)"],
  ["a maximum was set", z.number(), z.number().max(2), "the document: maximum none became 2"],
  ["a pattern was set", z.string(), z.string().regex(/^a/), 'the document: pattern undefined became "^a"'],
  ["null is no longer accepted", z.string().nullable(), z.string(), 'the document: the variant "null" is no longer accepted'],
  ["a union lost a variant", z.union([z.string(), Person]), z.string(), 'the document: the variant "object" is no longer accepted'],
  ["a union of one shrank", z.union([z.string(), z.int()]), z.union([z.union([z.string()]), z.null()]), 'the variant "integer"'],
  ["a nested property was removed", z.object({ p: Person }), z.object({ p: z.object({}) }), "/p/name: was removed"],
  ["the items of an array were narrowed", z.array(z.number()), z.array(z.int()), "/*: type number became integer"],
  ["a tuple became an array of its rest", z.tuple([z.string()], z.int()), z.array(z.int()), "the document: prefixItems"],
  ["further properties are refused", Person, z.strictObject({ name: z.string() }), "the document: no longer accepts further properties"],
  ["further properties are dropped", z.looseObject({ name: z.string() }), Person, "the document: drops further properties"],
  ["a named property of a loose object", z.looseObject({}), z.looseObject({ age: z.int().optional() }), "/age: type any became integer"],
  [
    "a record became an object",
    z.record(z.string(), z.string()),
    z.looseObject({ age: z.int().optional() }),
    "/age: type string became integer",
  ],
  [
    "the values of a record were narrowed",
    z.record(z.string(), z.number()),
    z.record(z.string(), z.int()),
    "/*: type number became integer",
  ],
  [
    "the keys of a record became required",
    z.partialRecord(z.enum(["a", "b"]), z.int()),
    z.record(z.enum(["a", "b"]), z.int()),
    "/a: may not be left out",
  ],
  ["a property called constructor was removed", z.object({ constructor: z.string() }), z.object({}), "/constructor: was removed"],
  ["a property called toString is demanded", z.object({}), z.object({ toString: z.string() }), "/toString: may not be left out"],
  ["a name with a slash", z.object({ "a/b": z.int() }), z.object({}), "/a~1b: was removed"],
])("breaking: %s", (_what, older, newer, difference) => {
  const { kind, breaking } = compare(older, newer);

  expect(kind).toBe("breaking");
  expect(breaking).toContainEqual(expect.stringContaining(difference));
});

test("a change in what a recursive schema refers to is breaking, since it is not followed", () => {
  const tree = (leaf: z.ZodType) => {
    const Tree = z.object({
      leaf,
      get left(): z.ZodType {
        return Tree.optional();
      },
    });
    return z.union([z.string(), Tree]);
  };

  expect(compare(tree(z.number()), tree(z.int())).kind).toBe("breaking");
  expect(compare(tree(z.int()), tree(z.int())).kind).toBe("same");
});

test.each([
  ["a title and a description", Person.meta({ title: "A" }), Person.describe("somebody")],
  ["the order of properties", z.object({ a: z.int(), b: z.int() }), z.object({ b: z.int(), a: z.int() })],
  ["the order of an enum", z.enum(["a", "b"]), z.enum(["b", "a"])],
  ["the order of a union", z.union([z.string(), Person]), z.union([Person, z.string()])],
])("the same: only %s changed", (_what, older, newer) => {
  expect(compare(older, newer)).toEqual({ kind: "same", breaking: [], additions: [] });
});

test("breaking and additive changes are listed side by side", () => {
  const { kind, breaking, additions } = compare(Person.extend({ age: z.int() }), Person.extend({ email: z.string().optional() }));

  expect({ kind, breaking, additions }).toEqual({
    kind: "breaking",
    breaking: ["/age: was removed"],
    additions: [expect.stringContaining("/email"), expect.stringContaining("/age")],
  });
});

test("what fitted a shape fits every newer one that is called additive or the same", () => {
  const tried = { additive: 0, same: 0, breaking: 0 };
  const evolution = shapes.chain((older) => fc.record({ older: fc.constant(older), newer: mutated(older), document: documents(older) }));

  fc.assert(
    fc.property(evolution, ({ older, newer, document }) => {
      const remembered = schemaOf(older).safeParse(document);
      fc.pre(remembered.success);

      const { kind } = compare(schemaOf(older), schemaOf(newer));

      tried[kind]++;
      if (kind !== "breaking") expect(schemaOf(newer).safeParse(remembered.data)).toMatchObject({ success: true });
    }),
    { numRuns: 1_000 },
  );
  expect(tried.additive).toBeGreaterThan(150);
});
