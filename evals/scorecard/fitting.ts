import { type CreditApplication, WORDS } from "../../src/workflows/credit-decision/application.js";
import { CATEGORIES, knotShares, MEASURES, type Measure, type Scorecard } from "../../src/workflows/credit-decision/scorecard.js";
import type { Known } from "./applications.js";
import { fitLogistic } from "./logistic.js";
import { mean } from "./validation.js";

export type Knots = Readonly<Record<Measure, readonly number[]>>;

export interface Settings {
  readonly knots: Knots;
  readonly ridge: number;
}

/** Fits the weights of a scorecard: one regressor for every word and every knot, none left out; the ridge settles the rest. */
export function fitScorecard(known: readonly Known[], { knots, ridge }: Settings): Scorecard {
  const rows = known.map(({ application }) => [1, ...groupsOf(application, knots).flat()]);
  const weights = fitLogistic({ rows, bad: known.map(({ bad }) => bad) }, ridge);
  const averages = rows[0]?.map((_, column) => mean(rows.map((row) => row[column] ?? 0))) ?? [];
  return scorecardOf(weights, averages, knots);
}

/** One list of regressors for each feature, in the order of the scorecard. */
function groupsOf(application: CreditApplication, knots: Knots): readonly (readonly number[])[] {
  return [
    ...CATEGORIES.map((category) => WORDS[category].map((word) => Number(application[category] === word))),
    ...MEASURES.map((measure) => knotShares(measure, knots[measure], application[measure])),
  ];
}

/** Moves the average of every feature into the intercept, so that 0 is the average applicant. */
function scorecardOf(weights: readonly number[], averages: readonly number[], knots: Knots): Scorecard {
  let intercept = weights[0] ?? 0;
  let column = 1;
  const take = (count: number) => {
    const group = weights.slice(column, column + count);
    const average = group.reduce((sum, weight, index) => sum + weight * (averages[column + index] ?? 0), 0);
    column += count;
    intercept += average;
    return group.map((weight) => rounded(weight - average));
  };
  const categories = CATEGORIES.map((category) => {
    const words = WORDS[category];
    const centered = take(words.length);
    return [category, Object.fromEntries(words.map((word, index) => [word, centered[index]]))];
  });
  const measures = MEASURES.map((measure) => [measure, { knots: knots[measure], weights: take(knots[measure].length) }]);
  // Built from the same lists of names that the type is built from.
  return { intercept: rounded(intercept), categories: Object.fromEntries(categories), measures: Object.fromEntries(measures) } as Scorecard;
}

function rounded(weight: number): number {
  return Math.round(weight * 100) / 100;
}
