import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { WorkflowPackage } from "../../index.js";
import { CreditDecision } from "./contracts.js";
import { applicationFromRow, CSV_COLUMNS } from "./csv.js";
import { SAMPLES } from "./samples.js";
import { sqliteBank } from "./sqlite-bank.js";
import { creditWorkflow } from "./workflow.js";

export { assessRisk } from "./agents/assess-risk.js";
export { calculateScore } from "./agents/calculate-score.js";
export { decideCredit } from "./agents/decide-credit.js";
export { detectFraud } from "./agents/detect-fraud.js";
export { verifyIncome } from "./agents/verify-income.js";
export { CreditApplication, type Evidence } from "./application.js";
export {
  type Bank,
  BankRefusal,
  type Book,
  type BookEntry,
  type BureauInquiry,
  type EvidenceHold,
  type ExposureReservation,
  type FraudCase,
  type Letter,
  type Receipt,
  type RefusalCode,
} from "./bank.js";
export { CreditDecision, CreditFraud, CreditIncome, CreditRisk, CreditScore, type Reason } from "./contracts.js";
export type { Scorecard } from "./scorecard.js";
export { APPLICATION_SCORECARD } from "./scorecard-weights.js";
export { type BookRow, type SqliteBank, type SqliteBankOptions, sqliteBank } from "./sqlite-bank.js";
export type { BankCall, BookName } from "./sqlite-book.js";
export { creditWorkflow } from "./workflow.js";

/** What the command line runs as `credit-decision`: the workflow on a bank in the data folder, or in memory. */
export const creditDecision: WorkflowPackage = {
  name: "credit-decision",
  description: "Five agents decide applications for installment loans: score, income, fraud, risk, decision.",
  open: async ({ dataDir }) => {
    if (dataDir !== undefined) mkdirSync(dataDir, { recursive: true });
    const bank = sqliteBank({ file: dataDir === undefined ? ":memory:" : join(dataDir, "credit-bank.db") });
    return { workflow: creditWorkflow(bank), close: () => bank.close() };
  },
  csv: { columns: CSV_COLUMNS, toInput: applicationFromRow },
  samples: SAMPLES,
  summarize: (output) => cellsFor(CreditDecision.schema.parse(output)),
};

function cellsFor({
  applicationId,
  outcome,
  grade,
  probabilityOfDefault,
  limitCents,
  reasons,
  conditions,
}: CreditDecision): Readonly<Record<string, string>> {
  return {
    application: applicationId,
    outcome,
    grade,
    risk: `${(probabilityOfDefault * 100).toFixed(1)} %`,
    limit: limitCents === 0 ? "" : `${(limitCents / 100).toLocaleString("en-US", { minimumFractionDigits: 2 })} DM`,
    reasons: [...reasons, ...conditions]
      .slice(0, 2)
      .map(({ code }) => code)
      .join(", "),
  };
}
