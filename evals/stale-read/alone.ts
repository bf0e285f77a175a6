import type { ContractMap, Inputs } from "../../src/index.js";
import type { CreditDecision, CreditFraud, CreditIncome, CreditRisk, CreditScore } from "../../src/workflows/credit-decision/index.js";
import { creditWorkflow } from "../../src/workflows/credit-decision/index.js";
import { agentNamed, callAgent } from "./agents.js";
import type { Submission } from "./submissions.js";
import { yesBank } from "./yes-bank.js";

/** What the agents make of one application, under the names they hand it on. */
export interface Products {
  readonly score: CreditScore;
  readonly income: CreditIncome;
  readonly fraud: CreditFraud;
  readonly risk: CreditRisk;
  readonly decision: CreditDecision;
}

/** The truth: the same agents on one application after the other, with nobody beside them and nothing remembered. */
export async function decideAlone(submissions: readonly Submission[]): Promise<readonly Products[]> {
  const { agents } = creditWorkflow(yesBank());
  const call = <Product>(name: string, inputs: Inputs<ContractMap>, runId: string) =>
    callAgent<Product>(agentNamed(agents, name), inputs, runId);
  const truths: Products[] = [];
  for (const { application, runId } of submissions) {
    const score = await call<CreditScore>("calculate-score", { application }, runId);
    const income = await call<CreditIncome>("verify-income", { application }, runId);
    const fraud = await call<CreditFraud>("detect-fraud", { application }, runId);
    const risk = await call<CreditRisk>("assess-risk", { application, score, income }, runId);
    const decision = await call<CreditDecision>("decide-credit", { application, score, income, fraud, risk }, runId);
    truths.push({ score, income, fraud, risk, decision });
  }
  return truths;
}
