import { completed, defineAgent } from "../../../index.js";
import { CreditApplication, type Evidence } from "../application.js";
import type { Bank } from "../bank.js";
import { CreditIncome } from "../contracts.js";
import { daysBetween } from "../days.js";
import { holdEvidence } from "../effects.js";
import { shownBy } from "../papers.js";
import { EVIDENCE_VALID_DAYS, INCOME_TOLERANCE } from "../policy.js";

/** Says whether the income is proven, and puts a hold on the documents that the decision will rest on. */
export const verifyIncome = (bank: Bank) =>
  defineAgent({
    name: "verify-income",
    description: "Compares the stated income with the evidence for it.",
    consumes: { application: CreditApplication },
    produces: CreditIncome,
    effects: [holdEvidence(bank)],
    execute: async ({ application }, { effects }) => {
      const income = incomeOf(application);
      const { applicationId, status: incomeStatus, evidence: documentIds } = income;
      await effects.perform("hold-evidence", { applicationId, documentIds, incomeStatus });
      return completed(income);
    },
  });

/**
 * Good news is believed when proven: by a tax assessment, or by two different papers, none too old. Bad news is believed as it
 * is: a lower income than proven that the applicant states, and, as long as nothing is proven, what outdated papers show. An
 * income is contradicted when it lies above what any source shows.
 */
export function incomeOf(application: CreditApplication): CreditIncome {
  const { id: applicationId, statedMonthlyNetIncomeCents: stated } = application;
  const { accepted, outdated } = evidenceOf(application);
  const shown = shownBy(accepted);
  const proven = shown?.provenCents ?? null;
  const atMostCents = lowest(stated, ...(proven === null ? [shown?.leastCents, shownBy(outdated)?.leastCents] : [proven]));
  const common = { applicationId, atMostCents, evidence: accepted.map(({ documentId }) => documentId) };

  if (shown && stated !== undefined && stated > shown.mostCents * (1 + INCOME_TOLERANCE)) {
    return {
      ...common,
      status: "contradicted",
      monthlyNetIncomeCents: null,
      explanation: "The evidence shows less than the stated income.",
    };
  }
  if (proven !== null) {
    return { ...common, status: "verified", monthlyNetIncomeCents: atMostCents, explanation: "The evidence proves this income." };
  }
  return { ...common, status: "unverifiable", monthlyNetIncomeCents: null, explanation: whyNot(application, accepted) };
}

/** Null when there is none. */
function lowest(...figures: readonly (number | undefined)[]): number | null {
  const known = figures.filter((figure) => figure !== undefined);
  return known.length === 0 ? null : Math.min(...known);
}

/** What can prove an income, and what is too old for that. What is dated after the application is neither. */
function evidenceOf({ evidence = [], submittedOn }: CreditApplication) {
  if (submittedOn === undefined) return { accepted: [], outdated: [] };
  const issued = evidence.filter(({ issuedOn }) => daysBetween(issuedOn, submittedOn) >= 0);
  const isValid = ({ kind, issuedOn }: Evidence) => daysBetween(issuedOn, submittedOn) <= EVIDENCE_VALID_DAYS[kind];
  return { accepted: issued.filter(isValid), outdated: issued.filter((paper) => !isValid(paper)) };
}

function whyNot({ evidence = [], statedMonthlyNetIncomeCents }: CreditApplication, accepted: readonly Evidence[]): string {
  if (accepted.length > 0) return "One document alone does not prove an income.";
  if (evidence.length > 0) return "The evidence is too old, or dated after the application.";
  return statedMonthlyNetIncomeCents === undefined ? "No income was stated." : "There is no evidence for the stated income.";
}
