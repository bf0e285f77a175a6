import type { CreditApplication } from "./application.js";

/** The columns that count by their words. No age, no sex, no nationality or residence, no family. */
export const CATEGORIES = [
  "status",
  "creditHistory",
  "purpose",
  "savings",
  "employmentDuration",
  "otherDebtors",
  "otherInstallmentPlans",
] as const;
export type Category = (typeof CATEGORIES)[number];
export type Level<C extends Category> = CreditApplication[C];

/** The columns that count by their size. */
export const MEASURES = ["durationMonths", "amountCents"] as const;
export type Measure = (typeof MEASURES)[number];

/** Straight lines between knots and level beyond the ends; the amount is laid off on a logarithmic scale. */
export interface Curve {
  /** Months or cents, ascending. */
  readonly knots: readonly number[];
  readonly weights: readonly number[];
}

/**
 * A logistic regression: the log-odds of default are the intercept plus one weight for each feature. The weights of a
 * feature average 0 over the applications it was fitted on, so that a positive one means: worse than the average applicant.
 */
export interface Scorecard {
  readonly intercept: number;
  readonly categories: { readonly [C in Category]: Readonly<Record<Level<C>, number>> };
  readonly measures: Readonly<Record<Measure, Curve>>;
}

/** What one feature adds to the log-odds of default. */
export interface Contribution {
  readonly feature: Category | Measure;
  readonly logOdds: number;
}

/** P(bad) in 0 to 1, rounded to a millionth. */
export function probabilityOfDefault(scorecard: Scorecard, application: CreditApplication): number {
  const logOdds = contributions(scorecard, application).reduce((sum, one) => sum + one.logOdds, scorecard.intercept);
  return Math.round(1e6 / (1 + Math.exp(-logOdds))) / 1e6;
}

/** What each feature adds, in the order of the scorecard. */
export function contributions({ categories, measures }: Scorecard, application: CreditApplication): readonly Contribution[] {
  return [
    ...CATEGORIES.map((feature) => ({ feature, logOdds: weightOf(categories[feature], application[feature]) })),
    ...MEASURES.map((feature) => ({ feature, logOdds: heightOf(feature, measures[feature], application[feature]) })),
  ];
}

/** How much of each knot's weight a value takes: shares of the two around it, all of the outermost beyond the ends. */
export function knotShares(measure: Measure, knots: readonly number[], value: number): readonly number[] {
  const scale = measure === "amountCents" ? Math.log : Number;
  const first = knots[0] ?? value;
  const last = knots.at(-1) ?? value;
  const at = scale(Math.min(Math.max(value, first), last));
  return knots.map((knot, index) => {
    const neighbor = scale(at < scale(knot) ? (knots[index - 1] ?? knot) : (knots[index + 1] ?? knot));
    const width = Math.abs(scale(knot) - neighbor);
    return width === 0 ? Number(at === scale(knot)) : Math.max(0, 1 - Math.abs(at - scale(knot)) / width);
  });
}

function heightOf(measure: Measure, { knots, weights }: Curve, value: number): number {
  return knotShares(measure, knots, value).reduce((sum, share, index) => sum + share * (weights[index] ?? 0), 0);
}

function weightOf(weights: Readonly<Record<string, number>>, level: string): number {
  return weights[level] ?? 0; // never 0 by accident: the type of a scorecard has a weight for every word of the contract
}
