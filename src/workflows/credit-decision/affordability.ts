import type { CreditApplication } from "./application.js";
import type { CreditIncome, CreditRisk } from "./contracts.js";
import { MAX_INSTALLMENT_SHARE, MONTHLY_INTEREST, SMALLEST_PARTIAL_SHARE } from "./policy.js";

export interface Affordability {
  readonly affordability: CreditRisk["affordability"];
  /** The most that the income carries, up to the amount asked for; all of it when no income is known; 0 when too little. */
  readonly carriedCents: number;
}

/**
 * What the income carries. A proven income counts as it is, an unproven one only as an upper bound, since whoever states
 * a low income, or shows one on outdated papers, is believed. With neither, the declared band of the installment stands in the record and decides nothing.
 */
export function affordabilityOf(application: CreditApplication, income: CreditIncome): Affordability {
  const { amountCents, durationMonths, installmentRate } = application;
  const monthlyNetIncomeCents = income.monthlyNetIncomeCents ?? income.atMostCents;
  const basis = income.status === "verified" ? "verified" : monthlyNetIncomeCents === null ? "declared" : "admitted";
  const carriedCents = monthlyNetIncomeCents === null ? amountCents : carried(monthlyNetIncomeCents, amountCents, durationMonths);
  const monthlyInstallmentCents = Math.ceil(amountCents / installmentsWorth(durationMonths));
  const verdict = basis === "declared" ? "unknown" : verdictOn(carriedCents, amountCents);
  return {
    affordability: { basis, verdict, monthlyInstallmentCents, monthlyNetIncomeCents, declaredShare: installmentRate },
    carriedCents,
  };
}

function verdictOn(carriedCents: number, amountCents: number): "affordable" | "reduced" | "unaffordable" {
  if (carriedCents >= amountCents) return "affordable";
  return carriedCents > 0 ? "reduced" : "unaffordable";
}

/** In whole marks when it is less than the amount, and nothing when it is too little to be of use. */
function carried(monthlyNetIncomeCents: number, amountCents: number, durationMonths: number): number {
  const principal = Math.floor(monthlyNetIncomeCents * MAX_INSTALLMENT_SHARE * installmentsWorth(durationMonths));
  if (principal >= amountCents) return amountCents;
  const wholeMarks = Math.floor(principal / 100) * 100;
  return wholeMarks >= amountCents * SMALLEST_PARTIAL_SHARE ? wholeMarks : 0;
}

/** How many installments' worth of principal an annuity of this many months repays: fewer than the months, for the interest. */
function installmentsWorth(months: number): number {
  return (1 - (1 + MONTHLY_INTEREST) ** -months) / MONTHLY_INTEREST;
}
