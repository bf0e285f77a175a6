import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { trainingApplications } from "../../../evals/scorecard/applications.js";
import { auc, cost } from "../../../evals/scorecard/validation.js";
import { check } from "../../../src/index.js";
import { fraudSignals } from "../../../src/workflows/credit-decision/fraud-signals.js";
import { APPLICATION_SCORECARD, CreditApplication, creditDecision } from "../../../src/workflows/credit-decision/index.js";
import { probabilityOfDefault } from "../../../src/workflows/credit-decision/scorecard.js";
import { decide } from "./support.js";

const HELD_OUT = fileURLToPath(new URL("../../../../shared/data/german-credit/heldout_300_features_only.csv", import.meta.url));
const known = trainingApplications();
const absent = "the German credit data are not there; evals/scorecard/README.md says where the public originals are to be had";

test("ranks the applications it was fitted on", ({ skip }) => {
  if (!known) return skip(absent);

  const judged = known.map(({ application, bad }) => ({ p: probabilityOfDefault(APPLICATION_SCORECARD, application), bad }));

  expect(auc(judged)).toBeGreaterThan(0.78);
  expect(cost(judged)).toBeLessThan(0.55);
});

test("finds no signal of fraud where an application says nothing that could be one", ({ skip }) => {
  if (!known) return skip(absent);

  expect(known.flatMap(({ application }) => fraudSignals(application))).toEqual([]);
});

test("decides every held-out row, approving exactly where the risk is below 1/6", ({ skip }) => {
  if (!existsSync(HELD_OUT)) return skip(absent);
  const [header = "", ...lines] = readFileSync(HELD_OUT, "utf8").trimEnd().split(/\r?\n/);
  const columns = header.split(",");

  const decisions = lines.map((line) => {
    const row = Object.fromEntries(line.split(",").map((cell, index) => [columns[index] ?? "", cell]));
    const checked = check(CreditApplication, creditDecision.csv?.toInput(row));
    if (!checked.ok) throw new Error(`Row ${row["id"]}: ${JSON.stringify(checked.issues)}`);
    return decide(checked.document);
  });

  expect(decisions).toHaveLength(300);
  expect(decisions.filter(({ outcome, probabilityOfDefault: p }) => (outcome === "approve") !== p < 1 / 6)).toEqual([]);
  expect(new Set(decisions.map(({ applicationId }) => applicationId)).size).toBe(300);
});
