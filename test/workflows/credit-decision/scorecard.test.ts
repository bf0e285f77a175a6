import fc from "fast-check";
import { expect, test } from "vitest";
import { check } from "../../../src/index.js";
import { scoreOf } from "../../../src/workflows/credit-decision/agents/calculate-score.js";
import { WORDS } from "../../../src/workflows/credit-decision/application.js";
import { APPLICATION_SCORECARD, CreditScore, type Scorecard } from "../../../src/workflows/credit-decision/index.js";
import { pointsFor } from "../../../src/workflows/credit-decision/points.js";
import { CATEGORIES, contributions, knotShares, probabilityOfDefault } from "../../../src/workflows/credit-decision/scorecard.js";
import { anApplication } from "./support.js";

/** Nothing counts but the status (1 for an overdrawn account) and the amount (0 at 1,000 DM, 2 at 4,000 DM). */
const SIMPLE: Scorecard = {
  intercept: -2,
  categories: {
    ...allZero(),
    status: { "no checking account": 0, "< 0 DM": 1, "0 <= ... < 200 DM": 0, ">= 200 DM / salary for at least 1 year": 0 },
  },
  measures: { durationMonths: { knots: [], weights: [] }, amountCents: { knots: [1_000_00, 4_000_00], weights: [0, 2] } },
};

test("adds the weights of what the application says", () => {
  const known = (differences: object) => probabilityOfDefault(SIMPLE, anApplication(differences));

  expect(known({ amountCents: 500_00 })).toBeCloseTo(1 / (1 + Math.exp(2)), 6);
  expect(known({ amountCents: 500_00, status: "< 0 DM" })).toBeCloseTo(1 / (1 + Math.exp(1)), 6);
  expect(known({ amountCents: 2_000_00, status: "< 0 DM" })).toBeCloseTo(0.5, 6); // half-way on the logarithmic scale
  expect(known({ amountCents: 90_000_00, status: "< 0 DM" })).toBeCloseTo(1 / (1 + Math.exp(-1)), 6);
});

test.each([
  [1 / 6, 600],
  [1 / 11, 640],
  [2 / 7, 560],
  [1e-9, 850],
  [0, 850],
  [1, 300],
])("gives a probability of default of %f %i points", (probability, points) => {
  expect(pointsFor(probability)).toBe(points);
});

test("never gives more points for a higher probability of default, and stays within 300 to 850", () => {
  const probability = fc.double({ min: 0, max: 1, noNaN: true });
  fc.assert(
    fc.property(probability, probability, (one, other) => {
      expect(pointsFor(Math.min(one, other))).toBeGreaterThanOrEqual(pointsFor(Math.max(one, other)));
      expect(pointsFor(one)).toBeGreaterThanOrEqual(300);
      expect(pointsFor(one)).toBeLessThanOrEqual(850);
    }),
  );
});

test("shares a value between the two knots around it, all of it", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 120 }), (months) => {
      const shares = knotShares("durationMonths", [6, 24, 48], months);
      expect(shares.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 9);
      expect(shares.filter((share) => share > 0).length).toBeLessThanOrEqual(2);
    }),
  );
  expect(knotShares("durationMonths", [6, 24, 48], 33)).toEqual([0, 0.625, 0.375]);
});

test("gives up to four reasons, worst first, in words an applicant understands", () => {
  const score = scoreOf(
    APPLICATION_SCORECARD,
    anApplication({
      status: "no checking account",
      durationMonths: 48,
      employmentDuration: "< 1 yr",
      otherInstallmentPlans: "stores",
      purpose: "others",
    }),
  );

  expect(score.reasons).toEqual([
    { code: "checking-account", text: "You have no checking account with us." },
    { code: "loan-duration", text: "The loan runs for a long time: 48 months." },
    { code: "loan-purpose", text: "The purpose of the loan is not one we can place." },
    { code: "other-installments", text: "You are paying installments to stores." },
  ]);
  expect(check(CreditScore, score)).toMatchObject({ ok: true });
});

test("gives the best applicant no reasons", () => {
  const best = anApplication({ otherDebtors: "guarantor", amountCents: 4_000_00, durationMonths: 6 });

  expect(scoreOf(APPLICATION_SCORECARD, best).reasons).toEqual([]);
});

test("tells the applicant something about every word that clearly counts against them", () => {
  for (const category of CATEGORIES) {
    for (const word of WORDS[category]) {
      const application = anApplication({ otherDebtors: "guarantor", amountCents: 4_000_00, durationMonths: 6, [category]: word });
      const against = contributions(APPLICATION_SCORECARD, application).filter(({ logOdds }) => logOdds >= 0.05);
      expect(scoreOf(APPLICATION_SCORECARD, application).reasons, `${category}: ${word}`).toHaveLength(Math.min(4, against.length));
    }
  }
});

test("refuses a score whose points and probability disagree", () => {
  const score = { ...scoreOf(APPLICATION_SCORECARD, anApplication()), points: 400 };

  expect(check(CreditScore, score)).toMatchObject({ ok: false, issues: [{ rule: "points and probability say the same" }] });
});

function allZero(): Scorecard["categories"] {
  const categories = CATEGORIES.map((category) => [category, Object.fromEntries(WORDS[category].map((word) => [word, 0]))]);
  return Object.fromEntries(categories) as Scorecard["categories"]; // built from the names that the type is built from
}
