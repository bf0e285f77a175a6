import { type AgentContext, completed, defineAgent, failed } from "../../../index.js";
import type { Bank, Letter } from "../bank.js";
import { CreditDecision, CreditFraud, CreditRisk, type Reason } from "../contracts.js";
import { sendLetter } from "../effects.js";
import { APPROVE_BELOW, UNREVIEWED_UP_TO_CENTS } from "../policy.js";

const LETTERS = { approve: "offer", refer: "referral", decline: "adverse-action" } as const satisfies Record<
  CreditDecision["outcome"],
  Letter["kind"]
>;
/** What a referral says, whatever its cause, so that nobody can tell a suspicion from its letter, or from what another lacks. */
const NEUTRAL_CODE = "details-to-check";
const PROVE_INCOME: Reason = {
  code: "prove-income",
  text: "Before payout, prove your monthly net income with two recent payslips or bank statements, or a tax assessment. The limit is lowered to what the proven income carries.",
};

/** What a decision rests on. */
interface Files {
  readonly risk: CreditRisk;
  readonly fraud: CreditFraud;
}

/** A second look at an approval by somebody who is called, a model for one. Objections send it to a person; it approves nothing. */
export type Review = (
  approval: Files & { readonly decision: CreditDecision },
  context: { readonly signal: AbortSignal },
) => Promise<readonly Reason[]>;

/** Who can be asked for a second look: the best there is, and one that costs less. With neither the rules decide alone. */
export interface Reviews {
  readonly premium?: Review;
  readonly standard?: Review;
}

/**
 * Decides, and tells the applicant: an offer, a referral to a person, or the notice of an adverse action. The rules decide on
 * every tier; the tiers differ in who looks at an approval again. When those who should have cannot, the rules alone approve
 * small loans only, and `cautious` refers the others.
 */
export const decideCredit = (bank: Bank, { premium, standard }: Reviews = {}) => {
  const tier = (refine: (files: Files, decision: CreditDecision, context: DecisionContext) => Promise<CreditDecision>) => ({
    execute: async ({ risk, fraud }: Files, context: DecisionContext) => {
      const ids = [risk.applicationId, fraud.applicationId];
      if (new Set(ids).size > 1) return failed("mixed-up", `Risk and fraud are not about one application: ${ids.join(", ")}.`);
      const decision = await refine({ risk, fraud }, decisionOn(risk, fraud), context);
      await context.effects.perform("send-letter", letterFor(decision));
      return completed(decision);
    },
  });
  return defineAgent({
    name: "decide-credit",
    description: "Approves, declines, or refers to a person, with limit, reasons and conditions.",
    consumes: { risk: CreditRisk, fraud: CreditFraud },
    produces: CreditDecision,
    effects: [sendLetter(bank)],
    tiers: [
      { name: "premium", available: () => premium !== undefined, ...tier(reviewed(premium)) },
      { name: "standard", available: () => standard !== undefined, ...tier(reviewed(standard)) },
      { name: "basic", ...tier(async (_files, decision) => decision) },
      {
        name: "cautious",
        available: () => premium !== undefined || standard !== undefined,
        ...tier(async (_files, decision) => (needsReview(decision) ? referred(decision, [UNREVIEWED]) : decision)),
      },
    ],
    onDegrade: ({ tier: name, output }) =>
      name === "basic" && needsReview(output) ? "it approves more than may be lent without a second look" : undefined,
  });
};

type DecisionContext = AgentContext<readonly [ReturnType<typeof sendLetter>]>;

const UNREVIEWED: Reason = { code: "unreviewed", text: "A person has to look at loans of this size." };

function needsReview({ outcome, limitCents }: CreditDecision): boolean {
  return outcome === "approve" && limitCents > UNREVIEWED_UP_TO_CENTS;
}

const reviewed =
  (review: Review | undefined) =>
  async (files: Files, decision: CreditDecision, { effects, signal }: DecisionContext): Promise<CreditDecision> => {
    if (!review || decision.outcome !== "approve") return decision;
    const objections = await effects.record("review", decision, () => review({ ...files, decision }, { signal }));
    return objections.length > 0 ? referred(decision, objections) : decision;
  };

function referred(decision: CreditDecision, reasons: readonly Reason[]): CreditDecision {
  return { ...decision, outcome: "refer", limitCents: 0, reasons: [...reasons], conditions: [] };
}

/** The worst objection decides; without any the loan is approved. */
export function decisionOn(risk: CreditRisk, fraud: CreditFraud): CreditDecision {
  const { applicationId, probabilityOfDefault, grade, requestedCents, grantableCents } = risk;
  const common = { applicationId, probabilityOfDefault, grade, requestedCents };
  const objections = objectionsTo(risk, fraud);
  if (objections.length > 0) {
    const outcome = objections.some((objection) => objection.outcome === "decline") ? "decline" : "refer";
    const decisive = objections.filter((objection) => objection.outcome === outcome);
    return { ...common, outcome, limitCents: 0, reasons: decisive.flatMap(({ reasons }) => reasons), conditions: [] };
  }
  const cut = grantableCents < requestedCents;
  const reasons = cut ? [{ code: "limit-reduced", text: "Your income carries less than the amount you asked for." }] : [];
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

/** A decline has to give its reasons, and a suspicion is never one of them. A referral is no decision yet, so it gives none. */
function letterFor({ applicationId, outcome, limitCents, reasons, conditions }: CreditDecision): Letter {
  return {
    applicationId,
    kind: LETTERS[outcome],
    limitCents,
    reasons: outcome === "refer" ? [NEUTRAL_CODE] : reasons.map(({ code }) => code),
    conditions: conditions.map(({ code }) => code),
  };
}
