import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type ContractDefinition, check, defineContract } from "walkback";
import * as z from "zod";
import { describeIssues } from "../../src/contracts/contract.js";

const Application = defineContract({
  name: "credit.application",
  version: 1,
  schema: z.strictObject({
    applicantId: z.string().min(1),
    amountCents: z.int().positive(),
    currency: z.enum(["EUR", "USD"]),
    evidence: z.array(z.object({ kind: z.string(), "a/b~c": z.number().optional() })).default([]),
    spouse: z.object({ incomeCents: z.int() }).nullable().optional(),
  }),
  rules: {
    "the amount is below a million": ({ amountCents }) => amountCents < 100_000_000,
    "dollars need evidence": ({ currency, evidence }) => currency === "EUR" || evidence.length > 0 || "none was given",
  },
});

const application = { applicantId: "a-1", amountCents: 100_00, currency: "EUR" };

describe("a contract is refused when", () => {
  test.each([
    ["its name is one word", { name: "application" }, /area\.noun/],
    ["its name is in upper case", { name: "Credit.Application" }, /area\.noun/],
    ["its name ends in a dot", { name: "credit." }, /area\.noun/],
    ["its name holds a space", { name: "credit.application form" }, /area\.noun/],
    ["its version is 0", { version: 0 }, /positive integer/],
    ["its version is negative", { version: -1 }, /positive integer/],
    ["its version is a fraction", { version: 1.5 }, /positive integer/],
    ["its version is not a number", { version: Number.NaN }, /positive integer/],
    ["its version is beyond all safe integers", { version: 2 ** 53 }, /positive integer/],
    ["version 1 has an upcast", { upcast: (older: never) => older }, /no version before it/],
    [
      "its previous is the version before the one before",
      { version: 3, previous: Application, upcast: () => "" },
      /credit\.application@2, not/,
    ],
    [
      "its previous has another name",
      { name: "credit.other", version: 2, previous: Application, upcast: () => "" },
      /credit\.other@1, not/,
    ],
    ["it names a previous without an upcast from it", { version: 2, previous: Application }, /has no upcast from it/],
  ])("%s", (_why, change, reason) => {
    const definition = { name: "credit.application", version: 1, schema: z.string(), ...change };
    const define = () => defineContract(definition as ContractDefinition<string, z.ZodString, never>); // the types refuse half of these

    expect(define).toThrow(expect.objectContaining({ code: "CONTRACT_INVALID", message: expect.stringMatching(reason) }));
  });
});

test("a contract is named by its name and version and cannot be changed", () => {
  expect(Application.id).toBe("credit.application@1");
  expect(Application.ruleNames).toEqual(["the amount is below a million", "dollars need evidence"]);
  expect(Object.isFrozen(Application)).toBe(true);
  expect(Object.isFrozen(Application.ruleNames)).toBe(true);
});

test("a document that fits comes back parsed, with its defaults filled in", () => {
  expect(check(Application, application)).toEqual({ ok: true, document: { ...application, evidence: [] } });
});

test.each([
  ["a missing property", { ...application, amountCents: undefined }, "/amountCents"],
  ["a number that is too small", { ...application, amountCents: -1 }, "/amountCents"],
  ["a word outside the list", { ...application, currency: "GBP" }, "/currency"],
  ["a property nobody asked for", { ...application, age: 44 }, ""],
  ["an item of a list", { ...application, evidence: [{ kind: "payslip" }, { kind: 7 }] }, "/evidence/1/kind"],
  ["a key with a slash and a tilde", { ...application, evidence: [{ kind: "payslip", "a/b~c": "x" }] }, "/evidence/0/a~1b~0c"],
  ["a nested object", { ...application, spouse: { incomeCents: "much" } }, "/spouse/incomeCents"],
  ["a document that is no object", "please", ""],
  ["nothing at all", undefined, ""],
])("says where in the document it does not fit: %s", (_what, document, path) => {
  const checked = check(Application, document);

  expect(checked).toMatchObject({ ok: false, issues: [{ path, message: expect.stringMatching(/\S/) }] });
});

test("names everything that is wrong, not only the first thing", () => {
  const checked = check(Application, { applicantId: "", amountCents: 0, currency: "GBP" });

  expect(checked.ok ? [] : checked.issues.map(({ path }) => path)).toEqual(["/applicantId", "/amountCents", "/currency"]);
});

test("a broken rule is named by its sentence", () => {
  const checked = check(Application, { ...application, amountCents: 100_000_000 });

  expect(checked).toEqual({
    ok: false,
    issues: [{ path: "", rule: "the amount is below a million", message: 'breaks the rule "the amount is below a million"' }],
  });
});

test("a rule may say why it is broken", () => {
  const checked = check(Application, { ...application, currency: "USD" });

  expect(checked).toMatchObject({ issues: [{ rule: "dollars need evidence", message: expect.stringMatching(/: none was given$/) }] });
});

test("rules are asked only of documents whose shape holds", () => {
  const checked = check(Application, { ...application, currency: "USD", amountCents: "much" });

  expect(checked).toMatchObject({ ok: false, issues: [{ path: "/amountCents" }] });
  expect(checked.ok ? [] : checked.issues).toHaveLength(1);
});

test("a rule that throws is an issue of its own, beside the others", () => {
  const Fragile = defineContract({
    name: "test.fragile",
    version: 1,
    schema: z.object({ name: z.string() }),
    rules: {
      "the first rule holds": () => {
        throw new Error("the rule is out of order");
      },
      "the second rule holds": () => false,
    },
  });

  const checked = check(Fragile, { name: "x" });

  expect(checked).toMatchObject({
    ok: false,
    issues: [
      { rule: "the first rule holds", message: expect.stringContaining("the rule is out of order") },
      { rule: "the second rule holds" },
    ],
  });
});

test.each([
  ["asynchronous", z.string().refine(async () => true), /Promise/],
  ["a nested asynchronous one", z.object({ name: z.string().refine(async () => true) }), /Promise/],
  [
    "one that throws",
    z.string().refine(() => {
      throw new Error("out of order");
    }),
    /out of order/,
  ],
])("a refinement that cannot be applied is an issue, not a crash: %s", (_what, schema, reason) => {
  const Odd = defineContract({ name: "test.odd", version: 1, schema });

  const checked = check(Odd, schema instanceof z.ZodObject ? { name: "x" } : "x");

  expect(checked).toMatchObject({ ok: false, issues: [{ path: "", message: expect.stringMatching(reason) }] });
});

test("a document nested ten thousand deep is an issue, not a stack overflow", () => {
  const Anything = defineContract({ name: "test.anything", version: 1, schema: z.json() });
  let document: unknown = "the bottom";
  for (let level = 0; level < 10_000; level++) document = [document];

  expect(check(Anything, document).ok).toBe(false);
});

test("a document whose getter throws is an issue, not a crash", () => {
  const hostile = Object.defineProperty({ ...application }, "applicantId", {
    enumerable: true,
    get() {
      throw new Error("boo");
    },
  });

  expect(check(Application, hostile)).toMatchObject({ ok: false, issues: [{ message: expect.stringContaining("boo") }] });
});

test("a thousand arbitrary documents: check never throws, and each is fine or has an issue with a path", () => {
  const almost = fc.record(
    {
      applicantId: fc.oneof(fc.string(), fc.anything()),
      amountCents: fc.oneof(fc.integer(), fc.anything()),
      currency: fc.oneof(fc.constantFrom("EUR", "USD", "eur"), fc.anything()),
      evidence: fc.oneof(fc.array(fc.record({ kind: fc.oneof(fc.string(), fc.anything()) })), fc.anything()),
      spouse: fc.oneof(fc.constant(null), fc.record({ incomeCents: fc.anything() })),
    },
    { requiredKeys: [] },
  );
  const anything = fc.anything({
    withBigInt: true,
    withDate: true,
    withMap: true,
    withSet: true,
    withSparseArray: true,
    withNullPrototype: true,
  });

  fc.assert(
    fc.property(fc.oneof(almost, anything, fc.jsonValue()), (document) => {
      const checked = check(Application, document);

      if (checked.ok) expect(check(Application, checked.document)).toEqual(checked);
      else expect(checked.issues.every(({ path, message }) => (path === "" || path.startsWith("/")) && message !== "")).toBe(true);
      if (!checked.ok) expect(checked.issues).not.toHaveLength(0);
    }),
    { numRuns: 1_000 },
  );
});

test("describes at most three issues to a person and counts the rest", () => {
  const issues = ["/a", "", "/c", "/d", "/e"].map((path) => ({ path, message: `bad ${path}` }));

  expect(describeIssues(issues)).toBe("/a: bad /a; bad ; /c: bad /c; and 2 more");
});
