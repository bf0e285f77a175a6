import { expect, test } from "vitest";
import { check } from "../../../src/index.js";
import { CreditApplication, creditDecision } from "../../../src/workflows/credit-decision/index.js";

/** A row as the public files have them; made up. */
const ROW = {
  id: "17",
  status: "< 0 DM",
  duration: "24",
  credit_history: "delay in paying off in the past",
  purpose: "radio/television",
  amount: "1850",
  savings: "< 100 DM",
  employment_duration: "1 <= ... < 4 yrs",
  installment_rate: "< 20",
  personal_status_sex: "female: single",
  other_debtors: "none",
  present_residence: ">= 7 yrs",
  property: "car or other",
  age: "33",
  other_installment_plans: "stores",
  housing: "rent",
  number_credits: "2-3",
  job: "skilled employee/official",
  people_liable: "0 to 2",
  telephone: "no",
  foreign_worker: "no\r",
  class: "bad",
};

const toInput = (row: Readonly<Record<string, string>>) => creditDecision.csv?.toInput(row);

test("makes a valid application of a row, amounts in cents, and leaves out what is protected", () => {
  const application = toInput(ROW);

  expect(check(CreditApplication, application)).toMatchObject({ ok: true });
  expect(application).toEqual({
    id: "17",
    status: "< 0 DM",
    durationMonths: 24,
    creditHistory: "delay in paying off in the past",
    purpose: "radio/television",
    amountCents: 1_850_00,
    savings: "< 100 DM",
    employmentDuration: "1 <= ... < 4 yrs",
    installmentRate: "< 20",
    otherDebtors: "none",
    presentResidence: ">= 7 yrs",
    property: "car or other",
    otherInstallmentPlans: "stores",
    housing: "rent",
    numberCredits: "2-3",
    job: "skilled employee/official",
    peopleLiable: "0 to 2",
    telephone: "no",
  });
});

test("needs every column but the protected ones and the class", () => {
  const needed = Object.keys(ROW).filter((column) => !["personal_status_sex", "age", "foreign_worker", "class"].includes(column));

  expect([...(creditDecision.csv?.columns ?? [])].sort()).toEqual(needed.sort());
  for (const column of needed) {
    const { [column as keyof typeof ROW]: _, ...rest } = ROW;
    expect(() => toInput(rest)).toThrow(`"${column}" is missing`);
  }
});

test.each([
  ["duration", "two years"],
  ["duration", "-3"],
  ["duration", ""],
  ["amount", "1,850"],
  ["amount", "1850.505"],
  ["amount", "1e99"],
  ["stated_monthly_net_income", "plenty"],
])("names the column %s when it says %j", (column, text) => {
  expect(() => toInput({ ...ROW, [column]: text })).toThrow(`The column "${column}" must be`);
});

test("leaves an unknown word to the contract, which says where it is and what is allowed", () => {
  const checked = check(CreditApplication, toInput({ ...ROW, savings: "a lot" }));

  expect(checked).toMatchObject({ ok: false, issues: [{ path: "/savings", message: expect.stringContaining("< 100 DM") }] });
});

test("takes a stated income when there is one", () => {
  expect(toInput({ ...ROW, stated_monthly_net_income: "2150.5" })).toMatchObject({ statedMonthlyNetIncomeCents: 2_150_50 });
  expect(toInput({ ...ROW, stated_monthly_net_income: " " })).not.toHaveProperty("statedMonthlyNetIncomeCents");
});

test.each([
  [{ amount: "0" }, "/amountCents"],
  [{ amount: "100001" }, "/amountCents"],
  [{ duration: "0" }, "/durationMonths"],
  [{ duration: "121" }, "/durationMonths"],
  [{ id: "" }, "/id"],
])("refuses %j at the contract", (differences, path) => {
  expect(check(CreditApplication, toInput({ ...ROW, ...differences }))).toMatchObject({ ok: false, issues: [{ path }] });
});
