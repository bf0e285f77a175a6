import { completed, defineAgent } from "../../../index.js";
import { CreditApplication, type Evidence } from "../application.js";
import type { Bank } from "../bank.js";
import { CreditIncome } from "../contracts.js";
import { daysBetween } from "../days.js";
import { holdEvidence } from "../effects.js";
import { DOCUMENTS_NEEDED, EVIDENCE_VALID_DAYS, INCOME_TOLERANCE } from "../policy.js";

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
 * Good news is believed when proven: by a tax assessment, or by two different papers, none too old. Bad news is believed
 * as it is: the lowest figure counts, and one paper that falls short of the stated income is enough to contradict it.
 */
export function incomeOf(application: CreditApplication): CreditIncome {
  const { id: applicationId, statedMonthlyNetIncomeCents: stated } = application;
  const accepted = acceptedEvidence(application);
  const figures = accepted.map(({ monthlyNetIncomeCents }) => monthlyNetIncomeCents);
  const lowest = figures.length === 0 ? null : Math.min(...figures);
  const atMostCents = lowest === null ? (stated ?? null) : Math.min(lowest, stated ?? lowest);
  const common = { applicationId, atMostCents, evidence: accepted.map(({ documentId }) => documentId) };

  if (lowest !== null && stated !== undefined && stated > lowest * (1 + INCOME_TOLERANCE)) {
    return {
      ...common,
      status: "contradicted",
      monthlyNetIncomeCents: null,
      explanation: "The evidence shows less than the stated income.",
    };
  }
  if (isProof(accepted)) {
    return { ...common, status: "verified", monthlyNetIncomeCents: atMostCents, explanation: "The evidence proves the income." };
  }
  return { ...common, status: "unverifiable", monthlyNetIncomeCents: null, explanation: whyNot(application, accepted) };
}

/** What is neither from after the application nor too old. */
function acceptedEvidence({ evidence = [], submittedOn }: CreditApplication): readonly Evidence[] {
  if (submittedOn === undefined) return [];
  return evidence.filter(({ kind, issuedOn }) => {
    const ageDays = daysBetween(issuedOn, submittedOn);
    return ageDays >= 0 && ageDays <= EVIDENCE_VALID_DAYS[kind];
  });
}

function isProof(accepted: readonly Evidence[]): boolean {
  const different = new Set(accepted.map(({ documentId, contentHash }) => contentHash ?? documentId));
  return different.size >= DOCUMENTS_NEEDED || accepted.some(({ kind }) => kind === "tax-assessment");
}

function whyNot({ evidence = [], statedMonthlyNetIncomeCents }: CreditApplication, accepted: readonly Evidence[]): string {
  if (accepted.length > 0) return "One document alone does not prove an income.";
  if (evidence.length > 0) return "The evidence is too old, or dated after the application.";
  return statedMonthlyNetIncomeCents === undefined ? "No income was stated." : "There is no evidence for the stated income.";
}
