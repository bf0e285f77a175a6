import type { CreditApplication } from "./application.js";

/** Columns of the German credit files whose words go into the application as they are. */
const WORD_COLUMNS = {
  status: "status",
  credit_history: "creditHistory",
  purpose: "purpose",
  savings: "savings",
  employment_duration: "employmentDuration",
  installment_rate: "installmentRate",
  other_debtors: "otherDebtors",
  present_residence: "presentResidence",
  property: "property",
  other_installment_plans: "otherInstallmentPlans",
  housing: "housing",
  number_credits: "numberCredits",
  job: "job",
  people_liable: "peopleLiable",
  telephone: "telephone",
} as const satisfies Record<string, keyof CreditApplication>;

/** What a file must have. Its columns for sex, age, foreign workers and the class are not needed, and not read. */
export const CSV_COLUMNS: readonly string[] = ["id", "duration", "amount", ...Object.keys(WORD_COLUMNS)];
const STATED_INCOME = "stated_monthly_net_income";

/**
 * One row (amounts in DM) as a raw application. Words are left for the contract to check; a number that is none throws an
 * Error that names its column. `stated_monthly_net_income` (DM) may be there, and empty.
 */
export function applicationFromRow(row: Readonly<Record<string, string>>): unknown {
  const words = Object.entries(WORD_COLUMNS).map(([column, field]) => [field, cell(row, column)]);
  const stated = row[STATED_INCOME]?.trim() ?? "";
  return {
    id: cell(row, "id"),
    durationMonths: wholeNumber(row, "duration"),
    amountCents: dmToCents(row, "amount"),
    ...Object.fromEntries(words),
    ...(stated === "" ? {} : { statedMonthlyNetIncomeCents: dmToCents(row, STATED_INCOME) }),
  };
}

function cell(row: Readonly<Record<string, string>>, column: string): string {
  const value = row[column];
  if (value === undefined) throw new Error(`The column "${column}" is missing.`);
  return value.trim();
}

function wholeNumber(row: Readonly<Record<string, string>>, column: string): number {
  const text = cell(row, column);
  if (!/^\d{1,9}$/.test(text)) throw new Error(`The column "${column}" must be a whole number, not "${text.slice(0, 40)}".`);
  return Number(text);
}

function dmToCents(row: Readonly<Record<string, string>>, column: string): number {
  const text = cell(row, column);
  const amount = /^(\d{1,9})(?:\.(\d{1,2}))?$/.exec(text);
  if (!amount) throw new Error(`The column "${column}" must be an amount in DM like 1169 or 1169.50, not "${text.slice(0, 40)}".`);
  const [, marks = "0", pfennigs = ""] = amount;
  return Number(marks) * 100 + Number(pfennigs.padEnd(2, "0"));
}
