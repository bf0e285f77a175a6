import fc from "fast-check";
import { expect, test } from "vitest";
import { check } from "../../../src/index.js";
import { incomeOf } from "../../../src/workflows/credit-decision/agents/verify-income.js";
import { WORDS } from "../../../src/workflows/credit-decision/application.js";
import { CreditApplication, CreditDecision } from "../../../src/workflows/credit-decision/index.js";
import { anApplication, aPayslip, aTaxAssessment, decide } from "./support.js";

const RUNS = { numRuns: 500 };
const words = Object.fromEntries(Object.entries(WORDS).map(([column, values]) => [column, fc.constantFrom<string>(...values)]));
const incomeCents = fc.integer({ min: 0, max: 8_000_00 });

/** Half of them ordinary good risks, since among random words hardly any is approved. */
const anyApplication = fc
  .record({
    amountCents: fc.integer({ min: 1, max: 20_000_00 }),
    durationMonths: fc.integer({ min: 1, max: 72 }),
    chosen: fc.record(words),
    good: fc.boolean(),
  })
  .map(({ amountCents, durationMonths, chosen, good }) =>
    anApplication({ ...(good ? {} : (chosen as object)), amountCents, durationMonths }),
  );

const anyEvidence = fc.array(
  fc.record({
    documentId: fc.constantFrom("a", "b", "c"),
    kind: fc.constantFrom("payslip" as const, "bank-statement" as const, "tax-assessment" as const, "employer-letter" as const),
    issuer: fc.constant("Brandt Werkzeugbau GmbH"),
    issuedOn: fc.constantFrom("2024-01-31", "2026-05-31", "2026-08-31", "2026-09-30", "2026-10-31"),
    monthlyNetIncomeCents: incomeCents,
  }),
  { maxLength: 4 },
);

const RANK = { decline: 0, refer: 1, approve: 2 } as const;

/** Neither in its outcome, nor in its limit, nor in what it asks for. */
function expectNoBetter(one: CreditDecision, other: CreditDecision): void {
  expect(RANK[one.outcome]).toBeLessThanOrEqual(RANK[other.outcome]);
  expect(one.limitCents).toBeLessThanOrEqual(other.limitCents);
  expect(one.probabilityOfDefault).toBeGreaterThanOrEqual(other.probabilityOfDefault);
  if (one.outcome === "approve") expect(one.conditions.length).toBeGreaterThanOrEqual(other.conditions.length);
}

test("an income stated without proof is never better than none stated", () => {
  fc.assert(
    fc.property(anyApplication, incomeCents, (application, statedMonthlyNetIncomeCents) => {
      expectNoBetter(decide({ ...application, statedMonthlyNetIncomeCents }), decide(application));
    }),
    RUNS,
  );
});

test("an income stated without proof is never better than the same income proven", () => {
  fc.assert(
    fc.property(anyApplication, incomeCents, (application, statedMonthlyNetIncomeCents) => {
      const unproven = { ...application, statedMonthlyNetIncomeCents };
      expectNoBetter(decide(unproven), decide({ ...unproven, evidence: [aTaxAssessment(statedMonthlyNetIncomeCents)] }));
    }),
    RUNS,
  );
});

test("stating more than the evidence shows is never better than stating nothing", () => {
  fc.assert(
    fc.property(anyApplication, anyEvidence, incomeCents, (application, evidence, statedMonthlyNetIncomeCents) => {
      expectNoBetter(decide({ ...application, evidence, statedMonthlyNetIncomeCents }), decide({ ...application, evidence }));
    }),
    RUNS,
  );
});

test("a higher proven income is never worse", () => {
  fc.assert(
    fc.property(anyApplication, incomeCents, incomeCents, (application, one, other) => {
      const proven = (cents: number) => decide({ ...application, evidence: [aTaxAssessment(cents)] });
      expectNoBetter(proven(Math.min(one, other)), proven(Math.max(one, other)));
    }),
    RUNS,
  );
});

test("without the papers that verify an income there is no approval but on the condition that it is proven", () => {
  let approved = 0;
  fc.assert(
    fc.property(anyApplication, anyEvidence, fc.option(incomeCents, { nil: undefined }), (application, evidence, stated) => {
      const proven = { ...application, evidence, ...(stated === undefined ? {} : { statedMonthlyNetIncomeCents: stated }) };
      fc.pre(incomeOf(proven).status === "verified");
      const { evidence: _papers, statedMonthlyNetIncomeCents: _income, ...silent } = { statedMonthlyNetIncomeCents: 0, ...proven };
      for (const unproven of [silent, { ...proven, evidence: [] }, { ...proven, evidence: evidence.map(outdated) }]) {
        const decision = decide(unproven);
        if (decision.outcome !== "approve") continue;
        approved++;
        expect(decision.conditions).toMatchObject([{ code: "prove-income", text: expect.stringContaining("limit is lowered") }]);
      }
    }),
    RUNS,
  );
  expect(approved).toBeGreaterThan(0);
});

test("an outdated paper is never better than stating what it shows", () => {
  fc.assert(
    fc.property(anyApplication, incomeCents, (application, cents) => {
      const shown = decide({ ...application, evidence: [outdated(aPayslip({ monthlyNetIncomeCents: cents }))] });
      expectNoBetter(shown, decide({ ...application, statedMonthlyNetIncomeCents: cents }));
    }),
    RUNS,
  );
});

test("a paper from a second job or account never makes a proven income worse", () => {
  const kind = fc.constantFrom("payslip" as const, "employer-letter" as const, "bank-statement" as const);
  fc.assert(
    fc.property(anyApplication, incomeCents, incomeCents, kind, fc.boolean(), (application, first, second, kind, isStated) => {
      const evidence = ["2026-08-31", "2026-09-30"].map((issuedOn) =>
        aPayslip({ documentId: issuedOn, issuedOn, monthlyNetIncomeCents: first }),
      );
      const proven = { ...application, employer: "Brandt Werkzeugbau", ...(isStated && { statedMonthlyNetIncomeCents: first }), evidence };
      const another = aPayslip({ documentId: "another", kind, issuer: "Weber KG", monthlyNetIncomeCents: second });
      expectNoBetter(decide(proven), decide({ ...proven, evidence: [...evidence, another] }));
    }),
    RUNS,
  );
});

test("every decision keeps its contract, and approves nothing at a risk of 1/6 or more", () => {
  fc.assert(
    fc.property(anyApplication, anyEvidence, fc.option(incomeCents, { nil: undefined }), (application, evidence, stated) => {
      const whole = { ...application, evidence, ...(stated === undefined ? {} : { statedMonthlyNetIncomeCents: stated }) };
      expect(check(CreditApplication, whole)).toMatchObject({ ok: true });
      expect(check(CreditDecision, decide(whole))).toMatchObject({ ok: true });
    }),
    RUNS,
  );
});

test("without a word on income, approval is a question of the risk alone, on the condition that the income is proven", () => {
  fc.assert(
    fc.property(anyApplication, (application) => {
      const decision = decide(application);
      expect(decision.outcome === "approve").toBe(decision.probabilityOfDefault < 1 / 6);
      expect(decision.outcome === "decline").toBe(decision.probabilityOfDefault >= 0.25);
      if (decision.outcome === "approve")
        expect(decision).toMatchObject({ limitCents: application.amountCents, conditions: [{ code: "prove-income" }] });
    }),
    RUNS,
  );
});

/** Too old to prove anything, whatever its kind. */
function outdated<Paper extends { readonly issuedOn: string }>(paper: Paper): Paper {
  return { ...paper, issuedOn: "2024-01-31" };
}
