import * as z from "zod";
import { defineContract, type Infer } from "../../index.js";

const MAX_CENTS = 100_000_00;
const cents = z.int("must be a whole number of cents").nonnegative("must not be negative");
const name = z.string().min(1, "must not be empty").max(120, "must be at most 120 characters");
const isoDate = z.iso.date("must be a date like 2026-05-31");

/** The words of the South German Credit data (Groemping 2019), which corrected those of Statlog German Credit. */
export const WORDS = {
  status: ["no checking account", "< 0 DM", "0 <= ... < 200 DM", ">= 200 DM / salary for at least 1 year"],
  creditHistory: [
    "delay in paying off in the past",
    "critical account/other credits elsewhere",
    "no credits taken/all credits paid back duly",
    "existing credits paid back duly till now",
    "all credits at this bank paid back duly",
  ],
  purpose: [
    "others",
    "car (new)",
    "car (used)",
    "furniture/equipment",
    "radio/television",
    "domestic appliances",
    "repairs",
    "education",
    "vacation",
    "retraining",
    "business",
  ],
  savings: ["unknown/no savings account", "< 100 DM", "100 <= ... < 500 DM", "500 <= ... < 1000 DM", ">= 1000 DM"],
  employmentDuration: ["unemployed", "< 1 yr", "1 <= ... < 4 yrs", "4 <= ... < 7 yrs", ">= 7 yrs"],
  /** The installment as a share of the disposable income, in percent. */
  installmentRate: [">= 35", "25 <= ... < 35", "20 <= ... < 25", "< 20"],
  otherDebtors: ["none", "co-applicant", "guarantor"],
  presentResidence: ["< 1 yr", "1 <= ... < 4 yrs", "4 <= ... < 7 yrs", ">= 7 yrs"],
  property: ["unknown / no property", "car or other", "building soc. savings agr./life insurance", "real estate"],
  otherInstallmentPlans: ["bank", "stores", "none"],
  housing: ["for free", "rent", "own"],
  numberCredits: ["1", "2-3", "4-5", ">= 6"],
  job: [
    "unemployed/unskilled - non-resident",
    "unskilled - resident",
    "skilled employee/official",
    "manager/self-empl./highly qualif. employee",
  ],
  peopleLiable: ["3 or more", "0 to 2"],
  telephone: ["no", "yes (under customer name)"],
} as const;

/** A paper that speaks for an income. `contentHash` names its content, whatever the document is called. */
const evidence = z
  .strictObject({
    documentId: name,
    kind: z.enum(["payslip", "bank-statement", "tax-assessment", "employer-letter"]),
    issuer: name,
    issuedOn: isoDate,
    monthlyNetIncomeCents: cents.max(MAX_CENTS * 10),
    contentHash: name.exactOptional(),
  })
  .readonly();
export type Evidence = z.output<typeof evidence>;

/** What the channel through which the application came can say about it. */
const channel = z
  .strictObject({
    applicationsLast24Hours: z.int().nonnegative().max(10_000).exactOptional(),
    identityCheck: z.enum(["passed", "unreadable", "failed"]).exactOptional(),
    accountHolderMatches: z.boolean().exactOptional(),
  })
  .readonly();

/** Kept apart so that it is plain to see that nobody reads it: not an agent, not the scorecard, not a rule. */
const protectedAttributes = z
  .strictObject({
    personalStatusSex: name.exactOptional(),
    age: z.int().min(0).max(150).exactOptional(),
    nationality: name.exactOptional(),
    foreignWorker: z.enum(["yes", "no"]).exactOptional(),
  })
  .readonly();

/**
 * One application for an installment loan. No agent reads `protected`, nor `job` (its words mix skill with residence) and
 * `peopleLiable` (family). `remarks` are for people.
 */
export const CreditApplication = defineContract({
  name: "credit.application",
  version: 1,
  description: "An application for an installment loan, in the words of the South German Credit data; money in cents of a mark (DEM).",
  schema: z
    .strictObject({
      id: z.string().min(1, "must not be empty").max(64, "must be at most 64 characters"),
      status: z.enum(WORDS.status),
      durationMonths: z.int("must be a whole number of months").min(1, "must be at least 1 month").max(120, "must be at most 120 months"),
      creditHistory: z.enum(WORDS.creditHistory),
      purpose: z.enum(WORDS.purpose),
      amountCents: cents.positive("must be more than 0").max(MAX_CENTS, "must be at most 100,000 DM"),
      savings: z.enum(WORDS.savings),
      employmentDuration: z.enum(WORDS.employmentDuration),
      installmentRate: z.enum(WORDS.installmentRate),
      otherDebtors: z.enum(WORDS.otherDebtors),
      presentResidence: z.enum(WORDS.presentResidence),
      property: z.enum(WORDS.property),
      otherInstallmentPlans: z.enum(WORDS.otherInstallmentPlans),
      housing: z.enum(WORDS.housing),
      numberCredits: z.enum(WORDS.numberCredits),
      job: z.enum(WORDS.job),
      peopleLiable: z.enum(WORDS.peopleLiable),
      telephone: z.enum(WORDS.telephone),
      submittedOn: isoDate.exactOptional(),
      statedMonthlyNetIncomeCents: cents.max(MAX_CENTS * 10).exactOptional(),
      employer: name.exactOptional(),
      evidence: z.array(evidence).max(20, "must be at most 20 documents").readonly().exactOptional(),
      channel: channel.exactOptional(),
      remarks: z.string().max(2_000, "must be at most 2,000 characters").exactOptional(),
      protected: protectedAttributes.exactOptional(),
    })
    .readonly(),
  rules: {
    "an application with evidence says on which day it was submitted": ({ evidence, submittedOn }) =>
      evidence === undefined || evidence.length === 0 || submittedOn !== undefined,
  },
});
export type CreditApplication = Infer<typeof CreditApplication>;
