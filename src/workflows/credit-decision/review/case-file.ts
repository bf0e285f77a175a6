import type { CreditApplication, Evidence } from "../application.js";
import type { CreditFraud, CreditIncome, CreditRisk, CreditScore } from "../contracts.js";
import type { CreditDecision } from "../decision.js";

/** What a decision rests on. */
export interface Files {
  readonly application: CreditApplication;
  readonly score: CreditScore;
  readonly income: CreditIncome;
  readonly fraud: CreditFraud;
  readonly risk: CreditRisk;
}

/**
 * What a model is shown of a case: what the agents read, the applicant's remarks, what the agents found, and the decision. Picked
 * one by one, so that nothing is shown because somebody has added it: no protected attribute, nothing that stands for one, no id.
 */
export function caseFile({ application, score, income, fraud, risk }: Files, decision: CreditDecision) {
  return {
    application: shownOf(application),
    score: { points: score.points, probabilityOfDefault: score.probabilityOfDefault, reasons: score.reasons },
    income: {
      status: income.status,
      monthlyNetIncomeCents: income.monthlyNetIncomeCents,
      atMostCents: income.atMostCents,
      evidence: kindsOf(income, application),
      explanation: income.explanation,
    },
    fraud: { verdict: fraud.verdict, confidence: fraud.confidence, signals: fraud.signals.map(shownOfSignal) },
    risk: {
      grade: risk.grade,
      expectedLossCents: risk.expectedLossCents,
      affordability: risk.affordability,
      grantableCents: risk.grantableCents,
    },
    decision: {
      outcome: decision.outcome,
      limitCents: decision.limitCents,
      reasons: decision.reasons,
      conditions: decision.conditions,
    },
  };
}

function shownOf(application: CreditApplication) {
  return {
    amountCents: application.amountCents,
    durationMonths: application.durationMonths,
    purpose: application.purpose,
    status: application.status,
    creditHistory: application.creditHistory,
    savings: application.savings,
    employmentDuration: application.employmentDuration,
    installmentRate: application.installmentRate,
    otherDebtors: application.otherDebtors,
    otherInstallmentPlans: application.otherInstallmentPlans,
    submittedOn: application.submittedOn ?? null,
    statedMonthlyNetIncomeCents: application.statedMonthlyNetIncomeCents ?? null,
    employer: application.employer ?? null,
    evidence: (application.evidence ?? []).map(shownOfPaper),
    channel: {
      applicationsLast24Hours: application.channel?.applicationsLast24Hours ?? null,
      identityCheck: application.channel?.identityCheck ?? null,
      accountHolderMatches: application.channel?.accountHolderMatches ?? null,
    },
    remarks: application.remarks ?? null,
  };
}

function shownOfPaper({ kind, issuer, issuedOn, monthlyNetIncomeCents }: Evidence) {
  return { kind, issuer, issuedOn, monthlyNetIncomeCents };
}

/** Its detail names papers by their ids. */
function shownOfSignal({ name, confidence }: CreditFraud["signals"][number]) {
  return { name, confidence };
}

/** What the accepted papers are; their names hold ids. */
function kindsOf({ evidence: accepted }: CreditIncome, { evidence = [] }: CreditApplication): readonly Evidence["kind"][] {
  return evidence.filter(({ documentId }) => accepted.includes(documentId)).map(({ kind }) => kind);
}
