/** The bank's rules in figures. Shares and probabilities lie in 0 to 1, money is integer cents of a mark (DEM). */

/** Lending to a bad risk costs five times what turning a good one away does (cost matrix of the Statlog German Credit data). */
export const COST_OF_BAD_RISK = 5;
/** Lend where 5 · p < 1 - p, that is p < 1/6: where the expected cost of lending is below that of turning away. */
export const APPROVE_BELOW = 1 / (1 + COST_OF_BAD_RISK);
/** From the approval threshold up to here a person looks at it; from here on it is declined. */
export const DECLINE_FROM = 0.25;

/** Upper ends of the probability of default for the grades A to D; the rest is E. A to C can be approved, D is referred. */
export const GRADES = [
  { grade: "A", below: 0.05 },
  { grade: "B", below: 0.1 },
  { grade: "C", below: APPROVE_BELOW },
  { grade: "D", below: DECLINE_FROM },
] as const;

/** The share of an unsecured claim that is lost when it defaults (45 %: the foundation approach of Basel II and III). */
export const LOSS_GIVEN_DEFAULT = 0.45;
/** 9 % a year, charged by the month. */
export const MONTHLY_INTEREST = 0.09 / 12;
/** An installment may take this share of the monthly net income; the data's highest band begins here, too. */
export const MAX_INSTALLMENT_SHARE = 0.35;
/** Less than this share of what was asked for helps nobody: then the application is declined rather than cut. */
export const SMALLEST_PARTIAL_SHARE = 0.5;

/** A stated income may lie this much above the evidence: rounding, a bonus, a raise. */
export const INCOME_TOLERANCE = 0.1;
/** How old evidence may be on the day of the application, in days. A tax assessment speaks for a whole year. */
export const EVIDENCE_VALID_DAYS = { payslip: 92, "bank-statement": 92, "employer-letter": 92, "tax-assessment": 548 } as const;
/** One paper is not proof, but for a tax assessment, which an authority has checked. */
export const DOCUMENTS_NEEDED = 2;

/** The most that the rules alone approve when a second look was to be had and failed. */
export const UNREVIEWED_UP_TO_CENTS = 2_500_00;

/** A verdict on fraud, either way, must be at least this sure; otherwise a person decides. */
export const MIN_FRAUD_CONFIDENCE = 0.7;
