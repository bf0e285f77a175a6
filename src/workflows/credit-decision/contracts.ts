import * as z from "zod";
import { defineContract, type Infer } from "../../index.js";
import { pointsFor } from "./points.js";
import { MIN_FRAUD_CONFIDENCE } from "./policy.js";
import { applicationId, cents, grade, reason, sentence, share } from "./shapes.js";

export const CreditScore = defineContract({
  name: "credit.score",
  version: 1,
  description: "How likely the loan is not to be paid back, from the scorecard alone.",
  schema: z
    .strictObject({
      applicationId,
      points: z.int().min(300).max(850),
      probabilityOfDefault: share,
      reasons: z.array(reason).max(4).readonly(),
    })
    .readonly(),
  rules: {
    "points and probability say the same": ({ points, probabilityOfDefault }) => Math.abs(points - pointsFor(probabilityOfDefault)) <= 1,
  },
});
export type CreditScore = Infer<typeof CreditScore>;

export const CreditIncome = defineContract({
  name: "credit.income",
  version: 1,
  description: "Whether the income is proven. What is not proven counts only against the applicant.",
  schema: z
    .strictObject({
      applicationId,
      status: z.enum(["verified", "unverifiable", "contradicted"]),
      /** The proven income; null unless verified. */
      monthlyNetIncomeCents: cents.nullable(),
      /** The most it can be, by the applicant's own word or papers, proven or not; null when nothing was said. */
      atMostCents: cents.nullable(),
      /** The documents that were accepted. */
      evidence: z.array(z.string()).max(20).readonly(),
      explanation: sentence,
    })
    .readonly(),
  rules: {
    "an income is named exactly when it is verified": ({ status, monthlyNetIncomeCents }) =>
      (status === "verified") === (monthlyNetIncomeCents !== null),
    "a verified or contradicted income has evidence": ({ status, evidence }) => status === "unverifiable" || evidence.length > 0,
    "a proven income is no more than it can be": ({ monthlyNetIncomeCents, atMostCents }) =>
      monthlyNetIncomeCents === null || (atMostCents !== null && monthlyNetIncomeCents <= atMostCents),
  },
});
export type CreditIncome = Infer<typeof CreditIncome>;

export const CreditFraud = defineContract({
  name: "credit.fraud",
  version: 1,
  description: "Signals of fraud and what they add up to. `inconclusive` stands in for a verdict that was not sure enough.",
  schema: z
    .strictObject({
      applicationId,
      verdict: z.enum(["clear", "suspected", "inconclusive"]),
      confidence: share,
      signals: z
        .array(z.strictObject({ name: z.string().regex(/^[a-z][a-z-]*$/), confidence: share, detail: sentence }).readonly())
        .max(20)
        .readonly(),
    })
    .readonly(),
  rules: {
    "a verdict of clear or suspected has a confidence of at least 0.7": ({ verdict, confidence }) =>
      verdict === "inconclusive" || confidence >= MIN_FRAUD_CONFIDENCE || `the confidence is ${confidence}`,
    "a suspicion names its signals": ({ verdict, signals }) => verdict !== "suspected" || signals.length > 0,
  },
});
export type CreditFraud = Infer<typeof CreditFraud>;

export const CreditRisk = defineContract({
  name: "credit.risk",
  version: 1,
  description: "What lending would cost on average, and what the applicant can carry.",
  schema: z
    .strictObject({
      applicationId,
      grade,
      probabilityOfDefault: share,
      requestedCents: cents,
      /** Probability of default × loss given default × the amount asked for. */
      expectedLossCents: cents,
      affordability: z
        .strictObject({
          /** Where the income comes from: proven, admitted by the applicant, or only the declared band of the installment. */
          basis: z.enum(["verified", "admitted", "declared"]),
          verdict: z.enum(["affordable", "reduced", "unaffordable", "unknown"]),
          monthlyInstallmentCents: cents,
          monthlyNetIncomeCents: cents.nullable(),
          /** The declared share of the disposable income, in percent, in the words of the application. */
          declaredShare: z.string().nullable(),
        })
        .readonly(),
      incomeStatus: z.enum(["verified", "unverifiable", "contradicted"]),
      /** The most that may be lent; 0 when nothing may. It is what is reserved. */
      grantableCents: cents,
      reasons: z.array(reason).max(4).readonly(),
    })
    .readonly(),
  rules: {
    "no more can be granted than was asked for": ({ grantableCents, requestedCents }) => grantableCents <= requestedCents,
    "an expected loss is no more than the amount": ({ expectedLossCents, requestedCents }) => expectedLossCents <= requestedCents,
    "nothing can be granted where it is unaffordable": ({ affordability, grantableCents }) =>
      affordability.verdict !== "unaffordable" || grantableCents === 0,
  },
});
export type CreditRisk = Infer<typeof CreditRisk>;
