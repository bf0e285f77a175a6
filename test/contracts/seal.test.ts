import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { hashOf, MAX_DOCUMENT_BYTES, seal } from "walkback";

const nested = (levels: number) => {
  let document: unknown = "the bottom";
  for (let level = 0; level < levels; level++) document = { inner: document };
  return document;
};

const cycle = () => {
  const node: Record<string, unknown> = { name: "a" };
  node["children"] = [{ parent: node }];
  return node;
};

class Money {
  cents = 100;
}

describe("refuses what JSON would lose or change, and says where:", () => {
  test.each<[string, unknown, string, RegExp]>([
    ["a bigint", { cents: 10n }, "/cents", /bigint/],
    ["a date", { at: new Date(0) }, "/at", /instance of Date/],
    ["not a number", { ratio: Number.NaN }, "/ratio", /NaN/],
    ["infinity", [1, Number.POSITIVE_INFINITY], "/1", /Infinity/],
    ["minus infinity", [Number.NEGATIVE_INFINITY], "/0", /-Infinity/],
    ["undefined as a property", { a: { b: undefined } }, "/a/b", /undefined/],
    ["undefined as an item", [null, undefined], "/1", /undefined/],
    ["undefined as the document", undefined, "", /the document is undefined/],
    ["a function", { onDone: () => {} }, "/onDone", /function/],
    ["a symbol", { kind: Symbol("a") }, "/kind", /symbol/],
    ["a symbol as key", { [Symbol("a")]: 1 }, "", /symbol as key/],
    ["a cycle", cycle(), "/children/0/parent", /cycle/],
    ["a cycle through an array", cyclicArray(), "/0", /cycle/],
    ["the key __proto__", JSON.parse('{"a":{"__proto__":{"admin":true}}}'), "/a/__proto__", /reserved key/],
    ["an instance of a class", { price: new Money() }, "/price", /instance of Money/],
    ["an object with a prototype of its own", Object.create({ inherited: 1 }), "", /instance of/],
    ["an array of a subclass", class Rows extends Array {}.from([1]), "", /instance of Rows/],
    ["a boxed string", Object("text"), "", /instance of String/],
    ["a map", { byId: new Map() }, "/byId", /instance of Map/],
    ["a set", { ids: new Set() }, "/ids", /instance of Set/],
    ["bytes", { pdf: new Uint8Array(2) }, "/pdf", /instance of Uint8Array/],
    ["an error", { failure: new Error("no") }, "/failure", /instance of Error/],
    ["a promise", { later: Promise.resolve(1) }, "/later", /instance of Promise/],
    [
      "a getter",
      {
        get now() {
          return 1;
        },
      },
      "/now",
      /getter/,
    ],
    ["a getter as an item", Object.defineProperty([1], 0, { get: () => 1n, enumerable: true }), "/0", /getter/],
    ["a hidden property", Object.defineProperty({}, "secret", { value: 1 }), "/secret", /hidden/],
    ["a sparse array", Object.assign([], { length: 3, 2: "x" }), "/0", /undefined/],
    ["an array with a named property", Object.assign([1], { total: 1 }), "", /named properties/],
    ["an array with a symbol as key", Object.assign([1], { [Symbol("a")]: 1 }), "", /named properties/],
    ["a hole made up for by a named property", Object.assign([], { length: 2, 1: "x", total: 1 }), "/0", /undefined/],
    ["half of a surrogate pair", { name: "\ud800" }, "/name", /surrogate/],
    ["half of a surrogate pair in a key", { a: { "\udfff": 1 } }, "/a", /surrogate/],
    ["a constructor of LangChain's serializer", { x: { lc: 1, type: "constructor", id: ["langchain"] } }, "/x", /LangChain/],
    ["an undefined of LangGraph's serializer", [{ lc: 2, type: "undefined" }], "/0", /LangChain/],
    ["a Send of LangGraph's", { lg_name: "Send", node: "a", args: {} }, "", /LangGraph/],
    ["ten thousand levels", nested(10_000), "/inner".repeat(200), /200 levels/],
    ["a path with a slash and a tilde", { "a/b": { "~": 1n } }, "/a~1b/~0", /bigint/],
  ])("%s", (_what, document, path, found) => {
    expect(() => seal(document)).toThrow(
      expect.objectContaining({
        code: "NOT_PLAIN_JSON",
        details: { path, found: expect.any(String) },
        message: expect.stringMatching(found),
      }),
    );
  });
});

function cyclicArray(): unknown[] {
  const list: unknown[] = [];
  list.push(list);
  return list;
}

describe("refuses what is too large:", () => {
  test.each<[string, unknown]>([
    ["a string of 10 MB", { letter: "x".repeat(10_000_000) }],
    ["many small strings", Array.from({ length: 2_000 }, () => "x".repeat(1_000))],
    ["a key of 2 MB", { ["k".repeat(2_000_000)]: 1 }],
    ["letters that take three bytes each", { letter: "€".repeat(400_000) }],
    ["two million numbers", Array.from({ length: 2_000_000 }, () => 0)],
  ])("%s", (_what, document) => {
    expect(() => seal(document)).toThrow(
      expect.objectContaining({ code: "DOCUMENT_TOO_LARGE", details: { bytes: expect.any(Number), maxBytes: MAX_DOCUMENT_BYTES } }),
    );
  });

  test("one that shares a reference on each of sixty levels, and would never end", () => {
    let document: unknown = 0;
    for (let level = 0; level < 60; level++) document = [document, document];

    expect(() => seal(document)).toThrow(expect.objectContaining({ code: "DOCUMENT_TOO_LARGE" }));
  });

  test("one byte more than the limit that was set, but not one byte less", () => {
    expect(seal("12345678", 10).json).toHaveLength(10);
    expect(() => seal("123456789", 10)).toThrow(
      expect.objectContaining({ code: "DOCUMENT_TOO_LARGE", details: { bytes: 11, maxBytes: 10 } }),
    );
  });
});

describe("takes over", () => {
  test.each<[string, unknown]>([
    ["an object without a prototype", Object.assign(Object.create(null), { a: 1 })],
    ["two hundred levels", nested(200)],
    ["a frozen document", Object.freeze({ a: Object.freeze([1]) })],
    ["keys that look like methods", { constructor: 1, toString: "x", toJSON: null, hasOwnProperty: false }],
    ["an lc without a type", { lc: 1, id: "a" }],
    ["null", null],
  ])("%s", (_what, document) => {
    expect(seal(document).data).toEqual(document);
  });

  test("the same object in two places, when it is no cycle", () => {
    const address = { city: "Ulm" };

    expect(seal({ home: address, work: address }).data).toEqual({ home: { city: "Ulm" }, work: { city: "Ulm" } });
  });
});

test("the sealed document is frozen all the way down", () => {
  const { data } = seal<{ list: { name: string }[] }>({ list: [{ name: "a" }] });

  expect(() => data.list.push({ name: "b" })).toThrow(TypeError);
  expect(() => Object.assign(data.list[0] ?? {}, { name: "b" })).toThrow(TypeError);
  expect(data).toEqual({ list: [{ name: "a" }] });
});

test("the sealed document is detached from the one it was made from, which stays as it was", () => {
  const document = { list: [{ name: "a" }] };

  const { data } = seal(document);
  document.list.push({ name: "b" });

  expect(data).toEqual({ list: [{ name: "a" }] });
  expect(Object.isFrozen(document)).toBe(false);
});

test("the same content has the same hash, whatever the order of its keys", () => {
  const one = { a: 1, b: { x: [1, 2], y: "é" } };
  const other = { b: { y: "é", x: [1, 2] }, a: 1 };

  expect(hashOf(one)).toBe(hashOf(other));
  expect(seal(one).json).toBe('{"a":1,"b":{"x":[1,2],"y":"é"}}');
});

test("other content has another hash: order in a list, a type, a key", () => {
  const hashes = [{ a: [1, 2] }, { a: [2, 1] }, { a: ["1", 2] }, { b: [1, 2] }, [], {}, null, "", 0, false].map(hashOf);

  expect(new Set(hashes).size).toBe(hashes.length);
});

test("minus zero becomes zero, as canonical JSON says", () => {
  expect(seal(-0).data).toBe(0);
  expect(hashOf([-0])).toBe(hashOf([0]));
});

test("any JSON value is taken over unchanged, but for the sign of zero, and sealing it again changes nothing", () => {
  const noProto = fc.jsonValue().filter((value) => !JSON.stringify(value).includes('"__proto__"'));

  fc.assert(
    fc.property(noProto, (value) => {
      const sealed = seal(value);

      expect(sealed.data).toEqual(JSON.parse(JSON.stringify(value)));
      expect(seal(sealed.data)).toEqual(sealed);
    }),
    { numRuns: 1_000 },
  );
});

test("anything at all is either sealed or refused with one of two codes", () => {
  const anything = fc.anything({
    withBigInt: true,
    withBoxedValues: true,
    withDate: true,
    withMap: true,
    withNullPrototype: true,
    withObjectString: true,
    withSet: true,
    withSparseArray: true,
    withTypedArray: true,
  });

  fc.assert(
    fc.property(anything, (value) => {
      try {
        expect(JSON.parse(seal(value).json)).toEqual(seal(value).data);
      } catch (thrown) {
        expect(thrown).toMatchObject({ code: expect.stringMatching(/^(NOT_PLAIN_JSON|DOCUMENT_TOO_LARGE)$/) });
      }
    }),
    { numRuns: 1_000 },
  );
});
