import fc from "fast-check";
import * as z from "zod";

/** Small schemas as data, so that one can be turned into a neighbor of itself and into documents that fit it. */
export type Shape =
  | { readonly kind: "string"; readonly min?: number | undefined; readonly max?: number | undefined }
  | { readonly kind: "number"; readonly whole: boolean; readonly above?: number | undefined; readonly max?: number | undefined }
  | { readonly kind: "null" }
  | { readonly kind: "anything" }
  | { readonly kind: "words"; readonly words: readonly [string, ...string[]] }
  | { readonly kind: "list"; readonly item: Shape; readonly min?: number | undefined }
  | { readonly kind: "record"; readonly value: Shape }
  | { readonly kind: "either"; readonly variants: readonly [Shape, ...Shape[]] }
  | { readonly kind: "object"; readonly extras: "drop" | "refuse" | "keep"; readonly properties: Readonly<Record<string, Property>> };

interface Property {
  readonly shape: Shape;
  readonly optional: boolean;
}

const KEYS = ["a", "b", "c/d"];
const WORDS = ["x", "y", "z"];

export function schemaOf(shape: Shape): z.ZodType {
  switch (shape.kind) {
    case "string": {
      const atLeast = z.string().min(shape.min ?? 0);
      return shape.max === undefined ? atLeast : atLeast.max(shape.max);
    }
    case "number": {
      const number = shape.whole ? z.int() : z.number();
      const above = shape.above === undefined ? number : number.gt(shape.above);
      return shape.max === undefined ? above : above.max(shape.max);
    }
    case "null":
      return z.null();
    case "anything":
      return z.unknown();
    case "words":
      return z.enum([...shape.words]);
    case "list":
      return z.array(schemaOf(shape.item)).min(shape.min ?? 0);
    case "record":
      return z.record(z.string(), schemaOf(shape.value));
    case "either":
      return z.union(shape.variants.map(schemaOf));
    case "object": {
      const properties = Object.entries(shape.properties).map(([name, { shape: inner, optional }]) => {
        return [name, optional ? schemaOf(inner).optional() : schemaOf(inner)] as const;
      });
      const build = { drop: z.object, refuse: z.strictObject, keep: z.looseObject }[shape.extras];
      return build(Object.fromEntries(properties));
    }
  }
}

const size = fc.option(fc.nat(3), { nil: undefined });

export const shapes: fc.Arbitrary<Shape> = fc.letrec<{ shape: Shape; object: Shape }>((tie) => ({
  shape: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc.record({ kind: fc.constant("string" as const), min: size, max: size }),
    fc.record({ kind: fc.constant("number" as const), whole: fc.boolean(), above: size, max: size }),
    fc.constant({ kind: "null" as const }),
    fc.record({ kind: fc.constant("words" as const), words: wordLists() }),
    fc.record({ kind: fc.constant("list" as const), item: tie("shape"), min: size }),
    fc.record({ kind: fc.constant("record" as const), value: tie("shape") }),
    fc.record({ kind: fc.constant("either" as const), variants: fc.tuple(tie("shape"), tie("shape")) }),
    tie("object"),
    tie("object"),
  ),
  object: fc.record({
    kind: fc.constant("object" as const),
    extras: fc.constantFrom("drop" as const, "refuse" as const, "keep" as const),
    properties: fc.dictionary(fc.constantFrom(...KEYS), fc.record({ shape: tie("shape"), optional: fc.boolean() }), {
      noNullPrototype: true,
    }),
  }),
})).shape;

function wordLists(): fc.Arbitrary<readonly [string, ...string[]]> {
  return fc.subarray(WORDS, { minLength: 1 }) as unknown as fc.Arbitrary<[string, ...string[]]>; // at least one, by `minLength`
}

/** The same shape after one to three small changes of the kind people make. */
export function mutated(shape: Shape): fc.Arbitrary<Shape> {
  return fc.array(fc.nat(), { minLength: 1, maxLength: 3 }).map((choices) =>
    choices.reduce((current, choice) => {
      const neighbors = neighborsOf(current);
      return neighbors[choice % neighbors.length] ?? current;
    }, shape),
  );
}

function neighborsOf(shape: Shape): readonly Shape[] {
  const around: Shape[] = [{ kind: "either", variants: [shape, { kind: "null" }] }, { kind: "anything" }];
  switch (shape.kind) {
    case "string":
      return [...around, ...bounds(shape.min).map((min) => ({ ...shape, min })), ...bounds(shape.max).map((max) => ({ ...shape, max }))];
    case "number":
      return [
        { ...shape, whole: !shape.whole },
        ...bounds(shape.above).map((above) => ({ ...shape, above })),
        ...bounds(shape.max).map((max) => ({ ...shape, max })),
        ...around,
      ];
    case "words":
      return [{ ...shape, words: ["x", "y", "z"] }, { ...shape, words: [shape.words[0]] }, { kind: "string" }, ...around];
    case "list":
      return [
        ...neighborsOf(shape.item).map((item) => ({ ...shape, item })),
        ...bounds(shape.min).map((min) => ({ ...shape, min })),
        ...around,
      ];
    case "record":
      return [
        ...neighborsOf(shape.value).map((value) => ({ ...shape, value })),
        { kind: "object", extras: "keep", properties: { a: { shape: shape.value, optional: true } } },
        { kind: "object", extras: "drop", properties: {} },
        ...around,
      ];
    case "either":
      return [
        { ...shape, variants: [...shape.variants, { kind: "string" }] },
        { ...shape, variants: [shape.variants[0]] },
        ...neighborsOf(shape.variants[0]).map((variant) => ({ ...shape, variants: [variant, ...shape.variants.slice(1)] as const })),
        ...around,
      ];
    case "object":
      return [...objectNeighbors(shape), ...around];
    case "null":
    case "anything":
      return around;
  }
}

function objectNeighbors(shape: Extract<Shape, { kind: "object" }>): Shape[] {
  const { properties } = shape;
  const withProperty = (name: string, property: Property): Shape => ({ ...shape, properties: { ...properties, [name]: property } });
  return [
    ...(["drop", "refuse", "keep"] as const).map((extras) => ({ ...shape, extras })),
    ...KEYS.filter((name) => !Object.hasOwn(properties, name)).flatMap((name) => [
      withProperty(name, { shape: { kind: "number", whole: false }, optional: true }),
      withProperty(name, { shape: { kind: "anything" }, optional: true }),
      withProperty(name, { shape: { kind: "string" }, optional: false }),
    ]),
    ...Object.entries(properties).flatMap(([name, property]) => [
      withProperty(name, { ...property, optional: !property.optional }),
      ...neighborsOf(property.shape).map((inner) => withProperty(name, { ...property, shape: inner })),
      { ...shape, properties: Object.fromEntries(Object.entries(properties).filter(([other]) => other !== name)) },
    ]),
  ];
}

function bounds(bound: number | undefined): (number | undefined)[] {
  return bound === undefined ? [1, 2] : [bound - 1, bound + 1, undefined].filter((next) => next === undefined || next >= 0);
}

/** Documents that mostly fit. */
export function documents(shape: Shape): fc.Arbitrary<unknown> {
  switch (shape.kind) {
    case "string":
      return fc.string({ minLength: shape.min ?? 0, maxLength: Math.max(shape.min ?? 0, shape.max ?? 5) });
    case "number":
      return shape.whole ? fc.integer({ min: -1, max: 9 }) : fc.constantFrom(-1, 0, 0.5, 1, 1.5, 2, 3, 9.5);
    case "null":
      return fc.constant(null);
    case "anything":
      return fc.jsonValue({ maxDepth: 1 });
    case "words":
      return fc.constantFrom(...shape.words);
    case "list":
      return fc.array(documents(shape.item), { minLength: shape.min ?? 0, maxLength: (shape.min ?? 0) + 2 });
    case "record":
      return fc.dictionary(fc.constantFrom(...KEYS), documents(shape.value), { noNullPrototype: true });
    case "either":
      return fc.oneof(...shape.variants.map(documents));
    case "object":
      return fc.record(objectDocuments(shape), { requiredKeys: requiredKeys(shape), noNullPrototype: true });
  }
}

function objectDocuments({ extras, properties }: Extract<Shape, { kind: "object" }>): Record<string, fc.Arbitrary<unknown>> {
  const named = Object.entries(properties).map(([name, { shape }]) => [name, documents(shape)] as const);
  const further = extras === "refuse" ? [] : KEYS.map((name) => [name, fc.constantFrom<unknown>("x", 1, null)] as const);
  return Object.fromEntries([...further, ...named]);
}

function requiredKeys({ properties }: Extract<Shape, { kind: "object" }>): string[] {
  return Object.keys(properties).filter((name) => !properties[name]?.optional);
}
