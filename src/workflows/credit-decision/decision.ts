import * as z from "zod";
import { defineContract, type Infer, type Rules } from "../../index.js";
import { APPROVE_BELOW } from "./policy.js";
import { flag, MOST_FLAGS, MOST_MEMO } from "./review/flag.js";
import { applicationId, cents, grade, reason, share } from "./shapes.js";
import { words } from "./words.js";

/** What every version of a decision says: all of it decided by code. */
export const DECIDED = {
  applicationId,
  outcome: z.enum(["approve", "decline", "refer"]),
  probabilityOfDefault: share,
  grade,
  requestedCents: cents,
  /** What may be drawn; 0 unless approved. */
  limitCents: cents,
  reasons: z.array(reason).max(8).readonly(),
  /** What must happen before payout. */
  conditions: z.array(reason).max(4).readonly(),
};
const first = z.strictObject(DECIDED).readonly();

const rules: Rules<z.output<typeof first>> = {
  "an approval has a limit, of no more than was asked for": ({ outcome, limitCents, requestedCents }) =>
    outcome !== "approve" || (limitCents > 0 && limitCents <= requestedCents),
  "only an approval has a limit or conditions": ({ outcome, limitCents, conditions }) =>
    outcome === "approve" || (limitCents === 0 && conditions.length === 0),
  "a decline or a referral names a reason": ({ outcome, reasons }) => outcome === "approve" || reasons.length > 0,
  "a risk of 1/6 or more is not approved": ({ outcome, probabilityOfDefault }) =>
    outcome !== "approve" || probabilityOfDefault < APPROVE_BELOW,
};

const FirstCreditDecision = defineContract({
  name: "credit.decision",
  version: 1,
  description: "Approve, decline, or refer to a person.",
  schema: first,
  rules,
});

export const CreditDecision = defineContract({
  name: "credit.decision",
  version: 2,
  description:
    "Approve, decline, or refer to a person. Where a model has looked at it, its memo and flags, which are for the bank's people.",
  schema: z
    .strictObject({
      ...DECIDED,
      /** A model's words; null where none has looked at it. */
      memo: words(MOST_MEMO).nullable(),
      /** What a model found not to fit together, in its words. */
      flags: z.array(flag).max(MOST_FLAGS).readonly(),
    })
    .readonly(),
  rules: {
    ...rules,
    "whoever flags something has written a memo": ({ memo, flags }) => memo !== null || flags.length === 0,
  },
  previous: FirstCreditDecision,
  upcast: (decided) => ({ ...decided, memo: null, flags: [] }),
});
export type CreditDecision = Infer<typeof CreditDecision>;
