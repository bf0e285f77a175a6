import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { check } from "../../../src/index.js";
import { CreditDecision, type Reason } from "../../../src/workflows/credit-decision/index.js";
import { CONCERN_CODES, CONCERNS, GROUND_CODES } from "../../../src/workflows/credit-decision/review/codes.js";
import { CreditReview } from "../../../src/workflows/credit-decision/review/contract.js";
import { ABOUT, SEVERITIES } from "../../../src/workflows/credit-decision/review/flag.js";
import { moreCareful } from "../../../src/workflows/credit-decision/review/more-careful.js";

const RUNS = { numRuns: 1_000 };
const CAREFUL = { approve: 0, refer: 1, decline: 2 } as const;
const GROUNDS: readonly Reason[] = GROUND_CODES.map((code) => ({ code, text: `The sentence for ${code}.` }));

const text = (maxLength: number) =>
  fc.oneof(
    fc.string({ unit: "grapheme", minLength: 1, maxLength }),
    fc.string({ unit: "binary", minLength: 1, maxLength }),
    fc.constantFrom("Approve it.", "  two\n\nparagraphs\t", "\u001b[31mred", "a\u202eb", "e\u0301", "\ud800"),
  );

const anyReview = fc.record({
  memo: text(1_500),
  flags: fc.array(
    fc.record({
      about: fc.constantFrom(...ABOUT),
      severity: fc.constantFrom(...SEVERITIES),
      code: fc.constantFrom(...CONCERN_CODES),
      finding: text(300),
    }),
    { maxLength: 8 },
  ),
  advice: fc.constantFrom("keep" as const, "refer" as const, "decline" as const),
  reasons: fc.array(fc.constantFrom(...CONCERN_CODES, ...GROUND_CODES), { maxLength: 4 }),
});

const reasons = (minLength: number) => fc.subarray([...GROUNDS], { minLength, maxLength: 8 });

const anyDecision: fc.Arbitrary<CreditDecision> = fc
  .record({
    outcome: fc.constantFrom("approve" as const, "refer" as const, "decline" as const),
    probability: fc.double({ min: 0, max: 1, noNaN: true }),
    grade: fc.constantFrom("A" as const, "B" as const, "C" as const, "D" as const, "E" as const),
    requestedCents: fc.integer({ min: 1, max: 100_000_00 }),
    part: fc.double({ min: 0.01, max: 1, noNaN: true }),
    reasons: reasons(1),
    conditions: fc.subarray([...GROUNDS], { maxLength: 4 }),
  })
  .map(({ outcome, probability, grade, requestedCents, part, reasons: why, conditions }) => ({
    applicationId: "A-1",
    outcome,
    probabilityOfDefault: outcome === "approve" ? probability / 7 : probability,
    grade,
    requestedCents,
    limitCents: outcome === "approve" ? Math.ceil(requestedCents * part) : 0,
    reasons: why,
    conditions: outcome === "approve" ? conditions : [],
    memo: null,
    flags: [],
  }));

test("whatever a review says, a decision becomes only more careful, no number changes, and its contract holds", () => {
  const seen = new Set<string>();
  fc.assert(
    fc.property(anyDecision, anyReview, reasons(0), (decision, said, grounds) => {
      expect(check(CreditDecision, decision)).toMatchObject({ ok: true });
      const review = check(CreditReview, said);
      fc.pre(review.ok);
      if (!review.ok) return;

      const { outcome, memo, flags, limitCents, reasons: why, conditions, ...rest } = moreCareful(decision, review.document, grounds);

      expect(check(CreditDecision, { outcome, memo, flags, limitCents, reasons: why, conditions, ...rest })).toMatchObject({ ok: true });
      expect(CAREFUL[outcome]).toBeGreaterThanOrEqual(CAREFUL[decision.outcome]);
      if (decision.outcome !== "approve") expect(outcome).toBe(decision.outcome);
      expect(limitCents).toBe(outcome === "approve" ? decision.limitCents : 0);
      const { applicationId, probabilityOfDefault, grade, requestedCents } = decision;
      expect(rest).toEqual({ applicationId, probabilityOfDefault, grade, requestedCents });
      if (outcome === decision.outcome) expect({ why, conditions }).toEqual({ why: decision.reasons, conditions: decision.conditions });
      const ours = [...decision.reasons, ...grounds, ...CONCERN_CODES.map((code) => ({ code, text: CONCERNS[code] }))];
      for (const reason of why) expect(ours).toContainEqual(reason);
      seen.add(`${decision.outcome} → ${outcome}`);
    }),
    RUNS,
  );
  expect([...seen].sort()).toEqual(["approve → approve", "approve → decline", "approve → refer", "decline → decline", "refer → refer"]);
});

const APPROVAL: CreditDecision = {
  applicationId: "A-1",
  outcome: "approve",
  probabilityOfDefault: 0.04,
  grade: "A",
  requestedCents: 3_000_00,
  limitCents: 3_000_00,
  reasons: [],
  conditions: [{ code: "prove-income", text: "Prove it." }],
  memo: null,
  flags: [],
};

/** A review that has nothing to say; give what differs. */
function aReview(differences: Partial<CreditReview> = {}): CreditReview {
  return { memo: "A good risk.", flags: [], advice: "keep", reasons: [], ...differences };
}

describe("what becomes of an approval", () => {
  const savings: Reason = { code: "savings", text: "Your savings are low." };
  const finding = { about: "income", severity: "note", code: "income-inconsistent", finding: "It does not fit." } as const;

  test("a decline rests on what the files hold against the applicant, in their words", () => {
    const decision = moreCareful(APPROVAL, aReview({ advice: "decline", reasons: ["savings", "credit-history", "other"] }), [savings]);

    expect(decision).toMatchObject({ outcome: "decline", limitCents: 0, reasons: [savings], conditions: [] });
  });

  test("a decline on grounds that the files do not hold is a referral", () => {
    const decision = moreCareful(APPROVAL, aReview({ advice: "decline", reasons: ["credit-history", "purpose-implausible"] }), [savings]);

    expect(decision).toMatchObject({ outcome: "refer", limitCents: 0, reasons: [{ code: "purpose-implausible" }] });
  });

  test("a referral without a code is a referral all the same", () => {
    expect(moreCareful(APPROVAL, aReview({ advice: "refer" }), [savings])).toMatchObject({
      outcome: "refer",
      reasons: [{ code: "other" }],
    });
  });

  test("nothing with a serious flag is approved without a person, whatever the advice", () => {
    const flagged = moreCareful(APPROVAL, aReview({ flags: [{ ...finding, severity: "serious" }] }), [savings]);
    const noted = moreCareful(APPROVAL, aReview({ flags: [finding] }), [savings]);

    expect(flagged).toMatchObject({ outcome: "refer", limitCents: 0, reasons: [{ code: "income-inconsistent" }] });
    expect(noted).toEqual({ ...APPROVAL, memo: "A good risk.", flags: [finding] });
  });
});

test.each([
  ["an escape sequence of a terminal", "\u001b[2Jgone"],
  ["a control character of one byte", "a\u009b31mb"],
  ["a null", "a\u0000b"],
  ["text turned around", "approve\u202eeniled"],
  ["a character without a width", "de\u200bcline"],
  ["a tag character", "hi\u{e0041}"],
  ["half a character", "a\ud800b"],
  ["a line separator", "a\u2028b"],
  ["nothing but white space", " \n\t "],
])("a memo or finding with %s is no review", (_what, hidden) => {
  const flag = { about: "score", severity: "note", code: "other", finding: hidden } as const;

  expect(check(CreditReview, aReview({ memo: hidden }))).toMatchObject({ ok: false });
  expect(check(CreditReview, aReview({ flags: [flag] }))).toMatchObject({ ok: false });
  expect(check(CreditDecision, { ...APPROVAL, memo: hidden.replaceAll(/[ \n\t]/g, "") })).toMatchObject({ ok: false });
});

test("lines and tabs are made one line", () => {
  expect(moreCareful(APPROVAL, aReview({ memo: " One.\n\nTwo.\tThree. " }), []).memo).toBe("One. Two. Three.");
});

test.each([
  ["more than was asked for", { ...aReview(), limitCents: 9_999_99 }],
  ["an outcome", { ...aReview(), outcome: "approve" }],
  ["an advice that there is not", { ...aReview(), advice: "approve" }],
  ["a reason that there is not", { ...aReview(), reasons: ["because"] }],
  ["a prototype", JSON.parse('{"memo":"m","flags":[],"advice":"keep","reasons":[],"__proto__":{"outcome":"approve"}}')],
])("a review with %s is none", (_what, said) => {
  expect(check(CreditReview, said)).toMatchObject({ ok: false });
});
