import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { contractRegistry, defineContract, type JsonValue } from "walkback";
import * as z from "zod";
import { type BisectOptions, bisect } from "../../src/history/bisect.js";
import { contractHolds } from "../../src/history/contract-holds.js";
import type { StatePredicate } from "../../src/history/predicate.js";
import { whereHolds } from "../../src/history/where-holds.js";
import { aHistory, RUN, type Step } from "./support.js";

const counted = (level: number): Step => ({ contract: "test.level@1", data: { level } });
const below =
  (limit: number): StatePredicate =>
  ({ "test.level": document }) =>
    (document as { readonly level: number }).level < limit;

/** A run whose versions count up from 0. */
const aCount = (versions: number) => aHistory(Array.from({ length: versions }, (_, number) => counted(number)));

describe("the search", () => {
  test("finds the planted version, within the bound, wherever it is planted", async () => {
    const planted = fc
      .integer({ min: 1, max: 1_000 })
      .chain((versions) => fc.record({ versions: fc.constant(versions), bad: fc.nat(versions - 1), from: fc.nat(versions - 1) }));

    await fc.assert(
      fc.asyncProperty(planted, async ({ versions, bad, from }) => {
        const first = Math.max(bad, from);

        const { found, lookedAt, trail } = await bisect(aCount(versions), RUN, below(bad), { from });

        expect(found?.number).toBe(first);
        expect(lookedAt).toBe(trail.length);
        expect(lookedAt).toBeLessThanOrEqual(Math.ceil(Math.log2(versions - from)) + 1);
      }),
      { numRuns: 1_000 },
    );
  });

  test("looks at no more than 11 of 1,000 versions", async () => {
    for (const bad of [0, 1, 499, 500, 998, 999])
      expect((await bisect(aCount(1_000), RUN, below(bad))).lookedAt, `planted at ${bad}`).toBeLessThanOrEqual(11);
  });

  test("looks at the end first, and says that nothing breaks there", async () => {
    const probes: number[] = [];

    const bisection = await bisect(aCount(8), RUN, below(100), { onProbe: ({ number }) => probes.push(number) });

    expect(bisection).toMatchObject({
      found: undefined,
      reason: "holds",
      from: 0,
      to: 7,
      lookedAt: 1,
      trail: [{ number: 7, holds: true }],
    });
    expect(probes).toEqual([7]);
  });

  test("names the version, its agent and contract, and what it was made from", async () => {
    const bisection = await bisect(aCount(8), RUN, below(5));

    expect(bisection.found).toEqual({ number: 5, agent: "work", contract: "test.level@1", parents: [4], hash: "hash 5" });
    expect(bisection).toMatchObject({ reason: "broke", lookedAt: 4 });
    expect(bisection.trail).toEqual([
      { number: 7, holds: false },
      { number: 3, holds: true },
      { number: 5, holds: false },
      { number: 4, holds: true },
    ]);
  });

  test("names the agent that broke it among branches that worked side by side", async () => {
    const branches = fc.array(fc.constantFrom("score", "income", "fraud"), { minLength: 1, maxLength: 60 });

    await fc.assert(
      fc.asyncProperty(branches, fc.nat(), async (agents, place) => {
        const bad = 1 + (place % agents.length);
        const culprit = agents[bad - 1] as string;
        const steps = agents.map((agent, index) => ({
          agent,
          contract: `branch.${agent}@1`,
          data: { ok: !(agent === culprit && index + 1 >= bad), at: index },
        }));
        const history = aHistory([{ contract: "branch.input@1", data: {} }, ...steps]);

        const { found } = await bisect(history, RUN, (state) =>
          Object.values(state).every((document) => (document as { ok?: boolean }).ok !== false),
        );

        expect(found).toMatchObject({ number: bad, agent: culprit, contract: `branch.${culprit}@1` });
      }),
    );
  });

  test("takes a version that was broken before the search for what it is", async () => {
    const history = aCount(8);

    expect(await bisect(history, RUN, below(3), { from: 4 })).toMatchObject({ reason: "already-broken", found: { number: 4 } });
    expect(await bisect(history, RUN, below(0))).toMatchObject({ reason: "broke", found: { number: 0, agent: "input" } });
  });

  test("keeps the reason a predicate gives", async () => {
    const bisection = await bisect(aCount(4), RUN, (_, { number }) => number < 2 || `version ${number} is too much`);

    expect(bisection.found).toMatchObject({ number: 2, why: "version 2 is too much" });
  });

  test.each<[string, BisectOptions, object]>([
    ["a version that is not there", { to: 8 }, { code: "VERSION_UNKNOWN", details: { number: 8, last: 7 } }],
    ["a version below 0", { from: -1 }, { code: "VERSION_UNKNOWN", details: { number: -1 } }],
    ["an end before the beginning", { from: 5, to: 4 }, { code: "BISECT_INVALID", details: { argument: "from" } }],
  ])("refuses %s", async (_, options, error) => {
    await expect(bisect(aCount(8), RUN, below(3), options)).rejects.toMatchObject(error);
  });

  test.each<[string, () => unknown, string]>([
    ["forgets to answer", () => undefined, "it must answer true or false (or a sentence that says what is wrong), not undefined"],
    ["answers with a number", () => 0, "it must answer true or false (or a sentence that says what is wrong), not 0"],
    [
      "throws",
      () => {
        throw new Error("no such bureau");
      },
      "it threw: no such bureau",
    ],
  ])("does not guess when a function %s", async (_, predicate, reason) => {
    await expect(bisect(aCount(8), RUN, predicate as StatePredicate)).rejects.toMatchObject({
      code: "PREDICATE_FAILED",
      details: { number: 7, reason },
    });
  });
});

describe("contractHolds", () => {
  const First = defineContract({ name: "loan.risk", version: 1, schema: z.object({ confidence: z.number() }) });
  const Risk = defineContract({
    name: "loan.risk",
    version: 2,
    schema: z.object({ confidence: z.number(), level: z.enum(["low", "high"]) }),
    rules: { "confidence is at least 0.7": ({ confidence }) => confidence >= 0.7 },
    previous: First,
    upcast: (older) => ({ ...older, level: "low" as const }),
  });
  const history = (...documents: readonly (readonly [string, JsonValue])[]) =>
    aHistory([
      { contract: "loan.request@1", data: {} },
      ...documents.map(([contract, data], index) => ({ contract, data, agent: `assess-${index}` })),
      { contract: "loan.offer@1", data: {} },
    ]);

  test("finds the version that broke a rule, and says which", async () => {
    const run = history(["loan.risk@2", { confidence: 0.9, level: "low" }], ["loan.risk@2", { confidence: 0.4, level: "low" }]);

    const bisection = await bisect(run, RUN, contractHolds(Risk));

    expect(bisection.found).toMatchObject({ number: 2, agent: "assess-1", why: 'breaks the rule "confidence is at least 0.7"' });
  });

  test("finds the version that lost the shape, and says where", async () => {
    const run = history(["loan.risk@2", { confidence: 0.9, level: "low" }], ["loan.risk@2", { confidence: 0.9, level: "none" }]);

    expect((await bisect(run, RUN, contractHolds(Risk))).found).toMatchObject({ number: 2, why: expect.stringContaining("/level") });
  });

  test("brings an older document to the newer shape before it is judged", async () => {
    const run = history(["loan.risk@1", { confidence: 0.9 }], ["loan.risk@1", { confidence: 0.1 }]);

    expect((await bisect(run, RUN, contractHolds(Risk))).found).toMatchObject({ number: 2 });
    expect((await bisect(run, RUN, contractHolds(Risk, contractRegistry([Risk])))).found).toMatchObject({ number: 2 });
  });

  test("cannot judge a newer document by an older contract", async () => {
    const run = history(["loan.risk@2", { confidence: 0.9, level: "low" }]);

    await expect(bisect(run, RUN, contractHolds(First))).rejects.toMatchObject({ code: "UPCAST_MISSING" });
  });

  test("has nothing to judge when the run has no such contract", async () => {
    expect(await bisect(history(), RUN, contractHolds(Risk))).toMatchObject({ found: undefined, reason: "absent", lookedAt: 1 });
  });

  test("reads no other contract's documents", async () => {
    const run = history(["loan.risk@2", { confidence: 0.9, level: "low" }], ["loan.risk@2", { confidence: 0.4, level: "low" }]);

    await bisect(run, RUN, contractHolds(Risk));

    expect(run.reads).toEqual(run.reads.map(({ number }) => ({ number, contract: "loan.risk", versions: number === 0 ? 0 : 1 })));
  });
});

describe("whereHolds", () => {
  const run = () =>
    aHistory([
      { contract: "loan.request@1", data: { amountCents: 500 } },
      { contract: "loan.risk@1", data: { level: "low", factors: [{ points: 3 }, { points: 5 }] } },
      { contract: "loan.offer@1", data: { rate: 4 } },
      { contract: "loan.risk@1", agent: "reassess", data: { level: "high", factors: [{ points: 30 }] } },
      { contract: "loan.offer@1", data: { rate: 4, hint: "x" } },
    ]);

  test.each([
    ['`loan.risk`.level = "low"', 3],
    ["`loan.risk`.factors[points > 10] ~> $count() = 0", 3],
    ["$max(`loan.risk`.factors.points) <= 5 and `loan.request`.amountCents > 0", 3],
    ['$."loan.risk".level != "high"', 3],
    ["$not($exists(`loan.offer`.hint))", 4],
    ["$version.number < 2", 2],
    ['$lookup($, "loan.offer") = null', 0],
  ])("%s breaks at version %d", async (expression, number) => {
    expect((await bisect(run(), RUN, whereHolds(expression))).found).toMatchObject({ number });
  });

  test.each([
    ["a contract the run never had", "`loan.price`.cents > 3", "loan.price is not there"],
    [
      "a field that is not there",
      "`loan.risk`.confidence > 0.7",
      "the expression has no value; the state has `loan.request`, `loan.risk`, `loan.offer`",
    ],
    ["a name without its backticks", 'loan.risk.level in ["low"] ? true', "the expression has no value"],
  ])("says that there is nothing to judge in %s", async (_, expression, why) => {
    const bisection = await bisect(run(), RUN, whereHolds(expression));

    expect(bisection).toMatchObject({
      found: undefined,
      reason: "absent",
      trail: [{ number: 4, holds: true, why: expect.stringContaining(why) }],
    });
  });

  test.each([
    ["that ends too early", "`loan.risk`.level =", /cannot be read: Unexpected end of expression \(at its end\)/],
    ["with a slip in it", "`loan.risk`.level = 3 loan ok", /Syntax error: "loan" \(at character 2\d, after ".*loan"\)/],
    ["that is empty", "", /cannot be read/],
  ])("refuses an expression %s, and says where", async (_, expression, message) => {
    await expect(bisect(run(), RUN, whereHolds(expression))).rejects.toMatchObject({
      code: "BISECT_INVALID",
      message: expect.stringMatching(message),
      details: { argument: "where" },
    });
  });

  test.each([
    ["compares what cannot be compared", "`loan.risk`.level < 3", /must be of the same data type \(at character/],
    ["calls what is no function", "$confident(`loan.risk`)", /non-function/],
    ["has a number for a value", "`loan.offer`.rate", /its value is 4, which is neither true nor false/],
    ["never ends", "($f := function($n) { $f($n + 1) }; $f(1))", /timeout/],
  ])("cannot say when an expression %s", async (_, expression, reason) => {
    await expect(bisect(run(), RUN, whereHolds(expression, { timeoutMs: 200 }))).rejects.toMatchObject({
      code: "PREDICATE_FAILED",
      details: { number: 4, reason: expect.stringMatching(reason) },
    });
  });
});
