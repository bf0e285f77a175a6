import type { CreditApplication } from "./application.js";
import type { Category, Contribution, Level, Measure } from "./scorecard.js";
import type { Reason } from "./shapes.js";

/** Less than this in log-odds (3 points) is not worth telling anyone. */
const WORTH_TELLING = 0.05;
const MOST_REASONS = 4;

/** What an applicant is told; a word without a sentence never counts as a reason, whatever its weight. */
const SENTENCES: { readonly [C in Category]: { readonly [L in Level<C>]?: string } } = {
  status: {
    "no checking account": "You have no checking account with us.",
    "< 0 DM": "Your checking account is overdrawn.",
    "0 <= ... < 200 DM": "There is little money in your checking account.",
  },
  creditHistory: {
    "delay in paying off in the past": "Earlier credits were paid back late.",
    "critical account/other credits elsewhere": "You have credits elsewhere, or an account that gave cause for concern.",
    "no credits taken/all credits paid back duly": "You have no record of credits at this bank.",
    "existing credits paid back duly till now": "You have credits that are still being paid back.",
  },
  purpose: {
    others: "The purpose of the loan is not one we can place.",
    "car (new)": "Loans for new cars are paid back less often than others.",
    "car (used)": "Loans for used cars are paid back less often than others.",
    "furniture/equipment": "Loans for furniture are paid back less often than others.",
    "radio/television": "Loans for radio and television sets are paid back less often than others.",
    "domestic appliances": "Loans for domestic appliances are paid back less often than others.",
    repairs: "Loans for repairs are paid back less often than others.",
    education: "Loans for education are paid back less often than others.",
    vacation: "Loans for vacations are paid back less often than others.",
    retraining: "Loans for retraining are paid back less often than others.",
    business: "Loans for a business are paid back less often than others.",
  },
  savings: {
    "unknown/no savings account": "We know of no savings.",
    "< 100 DM": "Your savings are low.",
    "100 <= ... < 500 DM": "Your savings are low.",
  },
  employmentDuration: {
    unemployed: "You are not employed at present.",
    "< 1 yr": "You have been with your employer for less than a year.",
    "1 <= ... < 4 yrs": "You have been with your employer for less than four years.",
  },
  otherDebtors: {
    none: "Nobody guarantees the loan.",
    "co-applicant": "You apply together with someone; such loans are paid back less often than others.",
  },
  otherInstallmentPlans: {
    bank: "You are paying installments to another bank.",
    stores: "You are paying installments to stores.",
  },
};

const CODES = {
  status: "checking-account",
  creditHistory: "credit-history",
  purpose: "loan-purpose",
  savings: "savings",
  employmentDuration: "employment",
  otherDebtors: "other-debtors",
  otherInstallmentPlans: "other-installments",
  durationMonths: "loan-duration",
  amountCents: "loan-amount",
} as const satisfies Readonly<Record<Category | Measure, string>>;
export const REASON_CODES = Object.values(CODES);

/** Amounts above this (DM 4,000, where the scorecard's curve is lowest) are called high, others low. */
const USUAL_AMOUNT_CENTS = 4_000_00;

/** Up to four features that cost the applicant most against the average one, worst first. */
export function reasonsFor(application: CreditApplication, contributions: readonly Contribution[]): readonly Reason[] {
  return contributions
    .filter(({ logOdds }) => logOdds >= WORTH_TELLING)
    .toSorted((one, other) => other.logOdds - one.logOdds)
    .flatMap(({ feature }) => {
      const text = sentenceFor(feature, application);
      return text === undefined ? [] : [{ code: CODES[feature], text }];
    })
    .slice(0, MOST_REASONS);
}

function sentenceFor(feature: Category | Measure, application: CreditApplication): string | undefined {
  switch (feature) {
    case "durationMonths":
      return `The loan runs for a long time: ${application.durationMonths} months.`;
    case "amountCents":
      return application.amountCents > USUAL_AMOUNT_CENTS
        ? "The amount is high."
        : "Loans as small as this one are paid back less often than others.";
    default: {
      const sentences: Readonly<Record<string, string>> = SENTENCES[feature];
      return sentences[application[feature]];
    }
  }
}
