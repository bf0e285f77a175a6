import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { JsonValue } from "walkback";
import { diffVersions } from "../../src/history/diff.js";
import { stateOf } from "../../src/history/state.js";
import { applyPatch } from "./json-patch.js";
import { aHistory, RUN, type Step } from "./support.js";

const diff = async (steps: readonly Step[], from: number, to: number) => diffVersions(aHistory(steps), RUN, from, to);

/** What differs between two documents of one contract. */
const between = async (older: JsonValue, newer: JsonValue) =>
  diff(
    [
      { contract: "a.b@1", data: older },
      { contract: "a.b@1", data: newer },
    ],
    0,
    1,
  );

describe("the patch", () => {
  test("is a JSON Patch whose paths begin with the contract's name", async () => {
    const steps = [
      { contract: "loan.request@1", data: { amountCents: 500 } },
      { contract: "loan.risk@1", data: { level: "low", score: 0.9 } },
      { contract: "loan.risk@1", data: { level: "high", score: 0.9, why: "fraud" } },
    ];

    const { patch, from, to, runId } = await diff(steps, 0, 2);
    const changed = await diff(steps, 1, 2);

    expect({ from, to, runId }).toEqual({ from: 0, to: 2, runId: RUN });
    expect(patch).toEqual([{ op: "add", path: "/loan.risk", value: { level: "high", score: 0.9, why: "fraud" } }]);
    expect(changed.patch).toEqual([
      { op: "replace", path: "/loan.risk/level", value: "high" },
      { op: "add", path: "/loan.risk/why", value: "fraud" },
    ]);
  });

  test("goes back as well as forth, and is empty between a version and itself", async () => {
    const steps = [
      { contract: "loan.request@1", data: { amountCents: 500 } },
      { contract: "loan.risk@1", data: { level: "low" } },
    ];

    expect((await diff(steps, 1, 0)).patch).toEqual([{ op: "remove", path: "/loan.risk" }]);
    expect(await diff(steps, 1, 1)).toMatchObject({ patch: [], contracts: [] });
  });

  test("escapes what a JSON Pointer must escape", async () => {
    const { patch, contracts } = await between({ "~1/": 1, "": 1 }, { "~1/": 2, "": 2 });

    expect(patch.map(({ path }) => path)).toEqual(["/a.b/~01~1", "/a.b/"]);
    expect(contracts[0]?.changes.map(({ path }) => path)).toEqual(["/~01~1", "/"]);
  });

  test("finds the item of a list again by its name, wherever it stands", async () => {
    const older = [
      { id: "x", points: 1 },
      { id: "y", points: 2 },
    ];
    const newer = [
      { id: "w", points: 0 },
      { id: "x", points: 1 },
      { id: "y", points: 3 },
    ];

    expect((await between(older, newer)).patch).toEqual([
      { op: "add", path: "/a.b/0", value: { id: "w", points: 0 } },
      { op: "replace", path: "/a.b/2/points", value: 3 },
    ]);
  });

  test("replaces long texts, and arrays too long to compare, as a whole", async () => {
    const many = (from: number) => Array.from({ length: 50_000 }, (_, index) => from + ((index * 7919) % 50_000));
    const text = "a long text ".repeat(20);

    const { patch } = await between({ items: many(0), text }, { items: many(100_000), text: `${text}!` });

    expect(patch).toEqual([
      { op: "replace", path: "/a.b/items", value: many(100_000) },
      { op: "replace", path: "/a.b/text", value: `${text}!` },
    ]);
  });

  test("tells one new item at the end of a very long array as one item", async () => {
    const many = Array.from({ length: 50_000 }, (_, index) => index);

    expect((await between(many, [...many, -1])).patch).toEqual([{ op: "add", path: "/a.b/50000", value: -1 }]);
  });
});

test("the patch turns the one state into the other, whatever they hold", async () => {
  const key = fc.oneof(fc.string(), fc.constantFrom("id", "name", "_t", "_0", "0", "a/b", "~", "-", "constructor", "toString", "length"));
  const { value } = fc.letrec<{ value: JsonValue }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 4, depthSize: "small" },
      fc.constantFrom<JsonValue>(null, true, false, 0, 1, "", "x", "a longer text ".repeat(8), "a longer word ".repeat(8)),
      fc.array(tie("value"), { maxLength: 6 }),
      fc.dictionary(
        key.filter((name) => name !== "__proto__"),
        tie("value"),
        { maxKeys: 5, noNullPrototype: true },
      ),
    ),
  }));
  const steps = fc.array(fc.record({ contract: fc.constantFrom("a.b@1", "a.b@2", "c.d@1", "e.f@1"), data: value }), {
    minLength: 2,
    maxLength: 6,
  });

  await fc.assert(
    fc.asyncProperty(steps, fc.nat(), fc.nat(), async (history, a, b) => {
      const [from, to] = [a % history.length, b % history.length];
      const store = aHistory(history);
      const [before, after] = [stateOf(await store.versions.stateAt(RUN, from)), stateOf(await store.versions.stateAt(RUN, to))];

      const { patch } = await diffVersions(store, RUN, from, to);

      expect(applyPatch(before, patch)).toEqual(after);
    }),
    { numRuns: 2_000 },
  );
});

describe("for a reader", () => {
  test("each contract stands with who made it, and each change with what was there before", async () => {
    const steps = [
      { contract: "loan.request@1", data: { amountCents: 500 } },
      { contract: "loan.risk@1", agent: "assess-risk", data: { level: "low", reasons: ["new", "young"] } },
      { contract: "loan.risk@2", agent: "reassess-risk", data: { level: "high", reasons: ["new"] } },
      { contract: "loan.offer@1", agent: "make-offer", data: { rate: 4 } },
    ];

    const { contracts } = await diff(steps, 1, 3);

    expect(contracts).toEqual([
      {
        contract: "loan.risk",
        before: expect.objectContaining({ number: 1, agent: "assess-risk", contract: "loan.risk@1" }),
        after: expect.objectContaining({ number: 2, agent: "reassess-risk", contract: "loan.risk@2" }),
        changes: [
          { path: "/level", before: "low", after: "high" },
          { path: "/reasons/1", before: "young" },
        ],
      },
      {
        contract: "loan.offer",
        before: undefined,
        after: expect.objectContaining({ number: 3 }),
        changes: [{ path: "", after: { rate: 4 } }],
      },
    ]);
  });

  test("another version that says the same is told without changes", async () => {
    expect((await between({ level: "low" }, { level: "low" })).contracts).toMatchObject([{ contract: "a.b", changes: [] }]);
  });
});

test.each([
  [0, 7, 7],
  [-1, 0, -1],
  [0.5, 0, 0.5],
])("versions %d and %d cannot be compared when there are only two, and the missing one is named", async (from, to, number) => {
  const steps = [
    { contract: "a.b@1", data: 1 },
    { contract: "a.b@1", data: 2 },
  ];

  await expect(diff(steps, from, to)).rejects.toMatchObject({ code: "VERSION_UNKNOWN", details: { runId: RUN, number, last: 1 } });
});
