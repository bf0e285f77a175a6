import { mkdirSync } from "node:fs";
import { join } from "node:path";
import * as z from "zod";
import { modelsFromEnvironment, type WorkflowPackage } from "../../index.js";
import type { Bank } from "./bank.js";
import { applicationFromRow, CSV_COLUMNS } from "./csv.js";
import { DECIDED } from "./decision.js";
import { httpBank } from "./http-bank.js";
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
  type BankAction,
  BankRefusal,
  type Book,
  type BookEntry,
  type BookName,
  type BureauInquiry,
  type CallOptions,
  type EvidenceHold,
  type ExposureReservation,
  type FraudCase,
  type Letter,
  type Receipt,
  type RefusalCode,
} from "./bank.js";
export { type ArmedFault, BankFault, type BankFaultDefinition } from "./bank-faults.js";
export { type BankServer, type BankServerOptions, bankServer } from "./bank-server.js";
export { CreditFraud, CreditIncome, CreditRisk, CreditScore } from "./contracts.js";
export { CreditDecision } from "./decision.js";
export { BankUrlInvalid, type HttpBankOptions, httpBank, OutcomeUnknown } from "./http-bank.js";
export type { Flag } from "./review/flag.js";
export type { Models } from "./review/review.js";
export type { Scorecard } from "./scorecard.js";
export { APPLICATION_SCORECARD } from "./scorecard-weights.js";
export type { Reason } from "./shapes.js";
export { type BookRow, type Snapshot, type SqliteBank, type SqliteBankOptions, sqliteBank } from "./sqlite-bank.js";
export type { BankCall, Finding } from "./sqlite-book.js";
export { creditWorkflow } from "./workflow.js";

/**
 * What the command line runs as `credit-decision`: the workflow on the bank at `WALKBACK_BANK_URL`, or else on one in the data
 * folder, or in memory, with the models that the environment names. Opening it throws `BankUrlInvalid`.
 */
export const creditDecision: WorkflowPackage = {
  name: "credit-decision",
  description: "Five agents decide applications for installment loans: score, income, fraud, risk, decision.",
  open: async ({ dataDir }) => {
    const { bank, close } = openBank(process.env["WALKBACK_BANK_URL"], dataDir);
    return { workflow: creditWorkflow(bank, modelsFromEnvironment()), close };
  },
  csv: { columns: CSV_COLUMNS, toInput: applicationFromRow },
  samples: SAMPLES,
  summarize: (output) => cellsFor(Decided.parse(output)),
};

/** Of any version: a run's output stays as it was made. */
const Decided = z.object(DECIDED).readonly();

function openBank(url: string | undefined, dataDir: string | undefined): { readonly bank: Bank; close(): Promise<void> } {
  if (url) return { bank: httpBank({ url }), close: async () => {} };
  if (dataDir !== undefined) mkdirSync(dataDir, { recursive: true });
  const bank = sqliteBank({ file: dataDir === undefined ? ":memory:" : join(dataDir, "credit-bank.db") });
  return { bank, close: () => bank.close() };
}

function cellsFor({
  applicationId,
  outcome,
  grade,
  probabilityOfDefault,
  limitCents,
  reasons,
  conditions,
}: z.output<typeof Decided>): Readonly<Record<string, string>> {
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
