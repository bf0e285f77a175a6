import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { check } from "../../src/index.js";
import { CreditApplication } from "../../src/workflows/credit-decision/application.js";
import { applicationFromRow } from "../../src/workflows/credit-decision/csv.js";

/** An application whose loan is over, one way or the other. */
export interface Known {
  readonly application: CreditApplication;
  /** 1 if it was not paid back, 0 if it was. */
  readonly bad: number;
}

export const TRAINING_FILE = fileURLToPath(new URL("../../../shared/data/german-credit/train_700.csv", import.meta.url));

/** The 700 training applications, or undefined where the file is absent. Throws on a row that is no valid application. */
export function trainingApplications(path = TRAINING_FILE): readonly Known[] | undefined {
  if (!existsSync(path)) return undefined;
  const [header = "", ...lines] = readFileSync(path, "utf8").trimEnd().split(/\r?\n/);
  const columns = header.split(",");
  return lines.map((line) => known(Object.fromEntries(line.split(",").map((cell, index) => [columns[index] ?? "", cell]))));
}

function known(row: Readonly<Record<string, string>>): Known {
  const checked = check(CreditApplication, applicationFromRow(row));
  if (!checked.ok) throw new Error(`Application ${row["id"]} is not valid: ${JSON.stringify(checked.issues)}`);
  return { application: checked.document, bad: row["class"] === "bad" ? 1 : 0 };
}
