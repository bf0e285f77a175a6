import { type AgentContext, AgentUnavailable, type ChatModel, completed, defineAgent, failed } from "../../../index.js";
import { CreditApplication } from "../application.js";
import type { Bank, Letter } from "../bank.js";
import { CreditFraud, CreditIncome, CreditRisk, CreditScore } from "../contracts.js";
import { CreditDecision } from "../decision.js";
import { sendLetter } from "../effects.js";
import { UNREVIEWED_UP_TO_CENTS } from "../policy.js";
import type { Files } from "../review/case-file.js";
import { referred } from "../review/more-careful.js";
import { type Models, reviewedBy } from "../review/review.js";
import { decisionOn } from "../rules.js";
import type { Reason } from "../shapes.js";

const LETTERS = { approve: "offer", refer: "referral", decline: "adverse-action" } as const satisfies Record<
  CreditDecision["outcome"],
  Letter["kind"]
>;
/** What a referral says, whatever its cause, so that nobody can tell a suspicion from its letter, or from what another lacks. */
const NEUTRAL_CODE = "details-to-check";

/**
 * Decides, and tells the applicant: an offer, a referral to a person, or the notice of an adverse action. Code decides on every
 * tier; on `premium` and `standard` a model then writes the memo, flags what does not fit together, and may make an approval
 * more careful. Where no model could, `cautious` approves small loans only and refers the others. Without models there is `basic` alone.
 */
export const decideCredit = (bank: Bank, { premium, standard }: Models = {}) => {
  const tier = (refine: (decision: CreditDecision, files: Files, context: DecisionContext) => Promise<CreditDecision>) => ({
    execute: async (files: Files, context: DecisionContext) => {
      const ids = applicationsOf(files);
      if (ids.length > 1) return failed("mixed-up", `What the decision rests on is not about one application: ${ids.join(", ")}.`);
      const decision = await refine(decisionOn(files.risk, files.fraud), files, context);
      await context.effects.perform("send-letter", letterFor(decision));
      return completed(decision);
    },
  });
  const reviewing = (model: ChatModel | undefined) => ({
    available: () => model?.available() ?? false,
    limits: REVIEW_LIMITS,
    ...tier(async (decision, files, context) => {
      if (model) return reviewedBy(model, decision, files, context);
      throw new AgentUnavailable("decide-credit has no model for this tier. Give it the one that the run was decided with.", {
        agent: "decide-credit",
      });
    }),
  });
  const hasModels = () => [premium, standard].some((model) => model?.available());
  return defineAgent({
    name: "decide-credit",
    version: 2,
    description: "Approves, declines, or refers to a person, with limit, reasons and conditions; with a model also a memo and flags.",
    consumes: { application: CreditApplication, score: CreditScore, income: CreditIncome, fraud: CreditFraud, risk: CreditRisk },
    produces: CreditDecision,
    effects: [sendLetter(bank)],
    tiers: [
      { name: "premium", ...reviewing(premium) },
      { name: "standard", ...reviewing(standard) },
      {
        name: "cautious",
        available: hasModels,
        ...tier(async (decision) => (isSmall(decision) ? decision : referred(decision, [UNREVIEWED]))),
      },
      { name: "basic", available: () => !hasModels(), ...tier(async (decision) => decision) },
    ],
  });
};

type DecisionContext = AgentContext<readonly [ReturnType<typeof sendLetter>]>;

/** An attempt is the question and its repair, if it takes one. A provider that hangs holds a case up for two minutes, over both tiers. */
const REVIEW_LIMITS = { timeoutMs: 30_000, retries: 1 };

const UNREVIEWED: Reason = { code: "unreviewed", text: "A person has to look at loans of this size." };

/** An approval that needs no second look, or none. */
function isSmall({ limitCents }: CreditDecision): boolean {
  return limitCents <= UNREVIEWED_UP_TO_CENTS;
}

function applicationsOf({ application, score, income, fraud, risk }: Files): readonly string[] {
  return [...new Set([application.id, ...[score, income, fraud, risk].map(({ applicationId }) => applicationId)])];
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
