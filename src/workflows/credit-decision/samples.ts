import type { Sample } from "../../index.js";
import type { CreditApplication, Evidence } from "./application.js";

/** An ordinary application that is approved once the income is proven. Made up, like everything in this file. */
const ORDINARY: Omit<CreditApplication, "id"> = {
  status: ">= 200 DM / salary for at least 1 year",
  durationMonths: 18,
  creditHistory: "all credits at this bank paid back duly",
  purpose: "furniture/equipment",
  amountCents: 3_200_00,
  savings: "100 <= ... < 500 DM",
  employmentDuration: "4 <= ... < 7 yrs",
  installmentRate: "20 <= ... < 25",
  otherDebtors: "none",
  presentResidence: "4 <= ... < 7 yrs",
  property: "car or other",
  otherInstallmentPlans: "none",
  housing: "rent",
  numberCredits: "1",
  job: "skilled employee/official",
  peopleLiable: "0 to 2",
  telephone: "yes (under customer name)",
  submittedOn: "2026-10-12",
};

const EMPLOYER = "Brandt Werkzeugbau GmbH";
const payslip = (documentId: string, issuedOn: string, monthlyNetIncomeCents: number, issuer = EMPLOYER): Evidence => ({
  documentId,
  kind: "payslip",
  issuer,
  issuedOn,
  monthlyNetIncomeCents,
  contentHash: `sha256-of-${documentId}`,
});
const twoPayslips = (id: string, monthlyNetIncomeCents: number) => [
  payslip(`${id}-aug`, "2026-08-31", monthlyNetIncomeCents),
  payslip(`${id}-sep`, "2026-09-30", monthlyNetIncomeCents),
];
const taxAssessment = (documentId: string, monthlyNetIncomeCents: number): Evidence => ({
  documentId,
  kind: "tax-assessment",
  issuer: "Finanzamt Kassel",
  issuedOn: "2026-05-20",
  monthlyNetIncomeCents,
});

const sample = (title: string, id: string, differences: Partial<CreditApplication> = {}, inject?: readonly string[]): Sample => ({
  title,
  input: { ...ORDINARY, ...differences, id },
  ...(inject && { inject }),
});

/** Every outcome, and one run that fails at its last step and is walked back. */
export const SAMPLES: readonly Sample[] = [
  sample("A good risk with a proven income", "A-1001", {
    statedMonthlyNetIncomeCents: 2_900_00,
    employer: EMPLOYER,
    evidence: twoPayslips("A-1001", 2_900_00),
  }),
  sample("A good risk who says nothing of an income", "A-1002", {
    purpose: "car (used)",
    amountCents: 4_800_00,
    durationMonths: 30,
    creditHistory: "existing credits paid back duly till now",
  }),
  sample("A high income, but no proof of it", "A-1003", {
    statedMonthlyNetIncomeCents: 9_500_00,
    amountCents: 11_500_00,
    durationMonths: 36,
    purpose: "car (used)",
  }),
  sample("Self-employed, with a tax assessment", "A-1004", {
    purpose: "business",
    amountCents: 7_500_00,
    durationMonths: 24,
    job: "manager/self-empl./highly qualif. employee",
    savings: ">= 1000 DM",
    statedMonthlyNetIncomeCents: 4_100_00,
    evidence: [taxAssessment("A-1004-2025", 4_000_00)],
  }),
  sample("An income that carries less than was asked for", "A-1005", {
    amountCents: 6_000_00,
    durationMonths: 15,
    statedMonthlyNetIncomeCents: 950_00,
    employer: EMPLOYER,
    evidence: twoPayslips("A-1005", 950_00),
  }),
  sample("A bad risk", "A-1006", {
    status: "< 0 DM",
    creditHistory: "critical account/other credits elsewhere",
    purpose: "others",
    amountCents: 9_800_00,
    durationMonths: 42,
    savings: "unknown/no savings account",
    employmentDuration: "< 1 yr",
    otherInstallmentPlans: "bank",
  }),
  sample("A good risk whose own words make it unaffordable", "A-1007", {
    amountCents: 9_000_00,
    durationMonths: 12,
    statedMonthlyNetIncomeCents: 1_050_00,
  }),
  sample("On the border: for a person to decide", "A-1008", {
    status: "0 <= ... < 200 DM",
    creditHistory: "existing credits paid back duly till now",
    purpose: "others",
    employmentDuration: "1 <= ... < 4 yrs",
    savings: "unknown/no savings account",
  }),
  sample("Payslips that show less than was stated", "A-1009", {
    statedMonthlyNetIncomeCents: 3_600_00,
    employer: EMPLOYER,
    evidence: twoPayslips("A-1009", 2_450_00),
  }),
  sample("A signal of fraud too weak for a verdict", "A-1010", { channel: { applicationsLast24Hours: 4, identityCheck: "passed" } }),
  sample("One payslip handed in twice, by an applicant without employment", "A-1011", {
    employmentDuration: "unemployed",
    statedMonthlyNetIncomeCents: 3_000_00,
    evidence: [
      { ...payslip("A-1011-aug", "2026-08-31", 3_000_00), contentHash: "sha256-of-one-file" },
      { ...payslip("A-1011-sep", "2026-09-30", 3_000_00), contentHash: "sha256-of-one-file" },
    ],
  }),
  sample("A good risk whose decision fails: everything is walked back", "A-1012", { amountCents: 2_700_00 }, ["fail:decide-credit"]),
];
