import { completed, defineAgent, failed } from "../../../index.js";
import { affordabilityOf } from "../affordability.js";
import { CreditApplication } from "../application.js";
import type { Bank } from "../bank.js";
import { CreditIncome, CreditRisk, CreditScore } from "../contracts.js";
import { reserveExposure } from "../effects.js";
import { DECLINE_FROM, GRADES, LOSS_GIVEN_DEFAULT } from "../policy.js";

/** Puts score and income together, and reserves what may be lent so that no other decision can promise it. */
export const assessRisk = (bank: Bank) =>
  defineAgent({
    name: "assess-risk",
    description: "Grades the risk: expected loss, affordability, and the most that may be lent.",
    consumes: { application: CreditApplication, score: CreditScore, income: CreditIncome },
    produces: CreditRisk,
    effects: [reserveExposure(bank)],
    execute: async ({ application, score, income }, { effects }) => {
      const ids = [application.id, score.applicationId, income.applicationId];
      if (new Set(ids).size > 1) return failed("mixed-up", `Score and income are not about one application: ${ids.join(", ")}.`);
      const risk = riskOf(application, score, income);
      await effects.perform("reserve-exposure", { applicationId: risk.applicationId, amountCents: risk.grantableCents });
      return completed(risk);
    },
  });

/** The probability of default is the score's: nothing an applicant says about the income makes it better. */
export function riskOf(application: CreditApplication, score: CreditScore, income: CreditIncome): CreditRisk {
  const { id: applicationId, amountCents: requestedCents } = application;
  const { probabilityOfDefault, reasons } = score;
  const { affordability, carriedCents } = affordabilityOf(application, income);
  return {
    applicationId,
    grade: gradeOf(probabilityOfDefault),
    probabilityOfDefault,
    requestedCents,
    expectedLossCents: Math.round(probabilityOfDefault * LOSS_GIVEN_DEFAULT * requestedCents),
    affordability,
    incomeStatus: income.status,
    grantableCents: probabilityOfDefault >= DECLINE_FROM ? 0 : carriedCents,
    reasons,
  };
}

function gradeOf(probabilityOfDefault: number): CreditRisk["grade"] {
  return GRADES.find(({ below }) => probabilityOfDefault < below)?.grade ?? "E";
}
