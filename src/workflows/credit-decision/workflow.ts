import { defineWorkflow } from "../../index.js";
import { assessRisk } from "./agents/assess-risk.js";
import { calculateScore } from "./agents/calculate-score.js";
import { decideCredit } from "./agents/decide-credit.js";
import { detectFraud } from "./agents/detect-fraud.js";
import { verifyIncome } from "./agents/verify-income.js";
import { CreditApplication } from "./application.js";
import type { Bank } from "./bank.js";
import { CreditDecision } from "./decision.js";
import type { Models } from "./review/review.js";

/** Score, income and fraud in parallel on the application; risk on score and income; the decision on all of it. */
export const creditWorkflow = (bank: Bank, models: Models = {}) =>
  defineWorkflow({
    name: "credit-decision",
    version: 2,
    description: "Decides applications for installment loans.",
    input: CreditApplication,
    output: CreditDecision,
    agents: [calculateScore(bank), verifyIncome(bank), detectFraud(bank), assessRisk(bank), decideCredit(bank, models)],
  });
