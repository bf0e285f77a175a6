import fc from "fast-check";
import { expect, test } from "vitest";
import { check, type JsonObject, type JsonValue } from "walkback";
import * as z from "zod";
import { strictSchema } from "../../../src/agents/model/strict-schema.js";
import { aContract, byTheProvider, validatorOf } from "./strict.js";

/** A schema, the documents that fit it, and what becomes of one when it is brought to the strict form, and back again. */
interface Kind {
  readonly schema: z.ZodType;
  readonly documents: fc.Arbitrary<JsonValue>;
  strict(document: JsonValue): JsonValue;
  back(document: JsonValue): JsonValue;
}

const same = (document: JsonValue) => document;
const leaf = (schema: z.ZodType, documents: fc.Arbitrary<JsonValue>): Kind => ({ schema, documents, strict: same, back: same });

const LEAVES: readonly Kind[] = [
  leaf(z.string(), fc.string()),
  leaf(z.string().min(2).max(5), fc.string({ minLength: 2, maxLength: 5, unit: "binary-ascii" })),
  leaf(z.string().regex(/^[a-c]+$/), fc.stringMatching(/^[a-c]+$/)),
  leaf(z.int().min(-3).max(9), fc.integer({ min: -3, max: 9 })),
  leaf(z.number(), fc.double({ noNaN: true, noDefaultInfinity: true })),
  leaf(z.boolean(), fc.boolean()),
  leaf(z.null(), fc.constant(null)),
  leaf(z.enum(["low", "high"]), fc.constantFrom("low", "high")),
  leaf(z.literal(["a", 1, null]), fc.constantFrom("a", 1, null)),
];

/** How a key may be in an object. */
type Presence = "required" | "optional" | "default" | "nullable" | "nullish";
const PRESENCES: readonly Presence[] = ["required", "optional", "default", "nullable", "nullish"];

interface Member {
  readonly key: string;
  readonly presence: Presence;
  readonly kind: Kind;
}

function listOf(kind: Kind): Kind {
  const each = (change: (item: JsonValue) => JsonValue) => (document: JsonValue) => (document as JsonValue[]).map(change);
  return {
    schema: z.array(kind.schema).max(3),
    documents: fc.array(kind.documents, { maxLength: 3 }),
    strict: nulls(each(kind.strict)),
    back: nulls(each(kind.back)),
  };
}

function objectOf(members: readonly Member[]): Kind {
  const change = (of: "strict" | "back") => (document: JsonValue) => {
    const entries = members.flatMap(({ key, kind, presence }) => {
      const value = (document as JsonObject)[key];
      if (value !== undefined) return [[key, kind[of](value)] as const];
      return of === "strict" || presence === "nullish" || takesNull(kind) ? [[key, null] as const] : [];
    });
    return Object.fromEntries(entries);
  };
  const documents = fc.record(Object.fromEntries(members.map((member) => [member.key, valuesOf(member)])), {
    requiredKeys: members.filter(({ presence }) => presence === "required" || presence === "nullable").map(({ key }) => key),
  }) as fc.Arbitrary<JsonValue>;
  const shape = Object.fromEntries(members.map((member) => [member.key, memberSchema(member)]));
  return { schema: z.object(shape), documents, strict: nulls(change("strict")), back: nulls(change("back")) };
}

function nulls(change: (document: JsonValue) => JsonValue): (document: JsonValue) => JsonValue {
  return (document) => (document === null ? null : change(document));
}

function valuesOf({ presence, kind }: Member): fc.Arbitrary<JsonValue> {
  return presence === "nullable" || presence === "nullish" ? fc.oneof(kind.documents, fc.constant(null)) : kind.documents;
}

function memberSchema({ presence, kind: { schema } }: Member): z.ZodType {
  switch (presence) {
    case "required":
      return schema;
    case "optional":
      return schema.optional();
    case "default":
      return schema.default("standard" as never);
    case "nullable":
      return schema.nullable();
    case "nullish":
      return schema.nullish();
  }
}

function takesNull(kind: Kind): boolean {
  return kind.schema.safeParse(null).success;
}

/** One of two objects that say which they are. */
function unionOf(one: readonly Member[], two: readonly Member[]): Kind {
  const named = (name: string, members: readonly Member[]) => {
    const kind = leaf(z.literal(name), fc.constant(name));
    return objectOf([{ key: "kind", presence: "required", kind }, ...members]);
  };
  const kinds = { one: named("one", one), two: named("two", two) };
  const chosen = (document: JsonValue) => kinds[(document as { readonly kind: "one" | "two" }).kind];
  return {
    schema: z.discriminatedUnion("kind", [kinds.one.schema as z.ZodObject, kinds.two.schema as z.ZodObject]),
    documents: fc.oneof(kinds.one.documents, kinds.two.documents),
    strict: nulls((document) => chosen(document).strict(document)),
    back: nulls((document) => chosen(document).back(document)),
  };
}

const { object: anyObject } = fc.letrec<{ kind: Kind; object: Kind; members: Member[] }>((tie) => ({
  kind: fc.oneof(
    { maxDepth: 2, withCrossShrink: true },
    fc.constantFrom(...LEAVES),
    tie("kind").map(listOf),
    tie("object"),
    fc.tuple(tie("members"), tie("members")).map(([one, two]) => unionOf(one, two)),
  ),
  members: fc
    .dictionary(fc.constantFrom("a", "b", "c", "d/e", "f~g"), fc.record({ presence: fc.constantFrom(...PRESENCES), kind: tie("kind") }), {
      minKeys: 1,
      maxKeys: 4,
    })
    .map((members) => Object.entries(members).map(([key, member]) => ({ key, ...member }))),
  object: tie("members").map(objectOf),
}));

test("what a contract accepts fits its strict form, which the provider takes as it is, and comes back as it was", {
  timeout: 120_000,
}, () => {
  fc.assert(
    fc.property(
      anyObject.chain((kind) => kind.documents.map((document) => ({ kind, document }))),
      ({ kind, document }) => {
        const contract = aContract(kind.schema);
        const strict = strictSchema(contract);
        const answered = kind.strict(document);

        expect(check(contract, document)).toMatchObject({ ok: true });
        expect(byTheProvider(strict.schema)).toEqual(strict.schema);
        expect(validatorOf(strict.schema)(answered)).toBe(true);
        expect(strict.restore(answered)).toEqual(kind.back(document));
        expect(check(contract, strict.restore(answered))).toMatchObject({ ok: true });
      },
    ),
    { numRuns: 100 },
  );
});
