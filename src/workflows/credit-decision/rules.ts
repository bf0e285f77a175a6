import type { CreditFraud, CreditRisk } from "./contracts.js";
import type { CreditDecision } from "./decision.js";
import { APPROVE_BELOW } from "./policy.js";
import { LIMIT_REDUCED } from "./review/codes.js";
import type { Reason } from "./shapes.js";

const PROVE_INCOME: Reason = {
  code: "prove-income",
  text: "Before payout, prove your monthly net income with two recent payslips or bank statements, or a tax assessment. The limit is lowered to what the proven income carries.",
};

/** The worst objection decides; without any the loan is approved. */
export function decisionOn(risk: CreditRisk, fraud: CreditFraud): CreditDecision {
  const { applicationId, probabilityOfDefault, grade, requestedCents, grantableCents } = risk;
  const common = { applicationId, probabilityOfDefault, grade, requestedCents, memo: null, flags: [] };
  const objections = objectionsTo(risk, fraud);
  if (objections.length > 0) {
    const outcome = objections.some((objection) => objection.outcome === "decline") ? "decline" : "refer";
    const decisive = objections.filter((objection) => objection.outcome === outcome);
    return { ...common, outcome, limitCents: 0, reasons: decisive.flatMap(({ reasons }) => reasons), conditions: [] };
  }
  const cut = grantableCents < requestedCents;
  const reasons = cut ? [{ code: LIMIT_REDUCED, text: "Your income carries less than the amount you asked for." }] : [];
  const conditions = risk.incomeStatus === "verified" ? [] : [PROVE_INCOME];
  return { ...common, outcome: "approve", limitCents: grantableCents, reasons, conditions };
}

interface Objection {
  readonly outcome: "decline" | "refer";
  readonly reasons: readonly Reason[];
}

function objectionsTo(risk: CreditRisk, fraud: CreditFraud): readonly Objection[] {
  return [...riskObjections(risk), ...affordabilityObjections(risk), ...fraudObjections(fraud)];
}

/** Lending pays below 1/6. Somewhat above it a person may know more than the scorecard does. */
function riskObjections({ grade, probabilityOfDefault, reasons }: CreditRisk): readonly Objection[] {
  if (probabilityOfDefault < APPROVE_BELOW) return [];
  const percent = Math.round(probabilityOfDefault * 100);
  const text = `Of 100 loans like this one, about ${percent} are not paid back. We lend where it is fewer than one in ${Math.round(1 / APPROVE_BELOW)}.`;
  return [{ outcome: grade === "E" ? "decline" : "refer", reasons: [{ code: "risk-too-high", text }, ...reasons] }];
}

function affordabilityObjections({ affordability, incomeStatus }: CreditRisk): readonly Objection[] {
  const unaffordable = { code: "unaffordable", text: "The installments would take too large a part of your income." };
  const contradicted = { code: "income-contradicted", text: "The documents show less income than you stated." };
  return [
    ...(affordability.verdict === "unaffordable" ? [{ outcome: "decline", reasons: [unaffordable] } as const] : []),
    ...(incomeStatus === "contradicted" ? [{ outcome: "refer", reasons: [contradicted] } as const] : []),
  ];
}

/** The codes are for the bank. The applicant is told only that a person looks at it. A suspicion alone never declines. */
function fraudObjections({ verdict }: CreditFraud): readonly Objection[] {
  switch (verdict) {
    case "clear":
      return [];
    case "suspected":
      return [{ outcome: "refer", reasons: [{ code: "fraud-suspected", text: "We need to check details of your application." }] }];
    case "inconclusive":
      return [{ outcome: "refer", reasons: [{ code: "fraud-inconclusive", text: "We need to check details of your application." }] }];
  }
}
