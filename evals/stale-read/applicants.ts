import { readFileSync } from "node:fs";
import { parse } from "csv-parse/sync";
import { check } from "../../src/index.js";
import { CreditApplication, creditDecision } from "../../src/workflows/credit-decision/index.js";
import { madeApplicants } from "./submissions.js";

/** New applicants for a seed. */
export type Applicants = (seed: number) => Iterable<CreditApplication>;

/** The rows of a CSV file in the form the workflow reads, whatever the seed; without a file, applicants made from the samples. */
export function applicantsFrom(file: string | undefined): Applicants {
  if (file === undefined) {
    const samples = creditDecision.samples.map(({ input, title }) => applicationOf(input, title));
    return (seed) => madeApplicants(samples, seed);
  }
  const rows = parse(readFileSync(file, "utf8"), { columns: true, skip_empty_lines: true, trim: true }) as Record<string, string>[]; // `columns` makes records
  if (rows.length === 0) throw new Error(`${file} has no rows.`);
  const applications = rows.map((row, index) => applicationOf(creditDecision.csv?.toInput(row), `${file}, row ${index + 1}`));
  return () => applications;
}

function applicationOf(input: unknown, where: string): CreditApplication {
  const checked = check(CreditApplication, input);
  if (checked.ok) return checked.document;
  const [first] = checked.issues;
  throw new Error(`${where} is no application: ${first?.path ?? ""} ${first?.message ?? ""}`);
}
