import type { CreditDecision } from "../decision.js";
import type { Reason } from "../shapes.js";
import { inOneLine } from "../words.js";
import { CONCERNS, type ConcernCode } from "./codes.js";
import type { CreditReview } from "./contract.js";

/**
 * A decision after a review: with the memo and the flags, and an approval perhaps no approval any more. No review makes anything
 * of a decision that is none, or changes a number, but for the limit of what is not approved, which is 0. A decline rests on
 * `grounds`, what the files hold against the applicant, in their own words; where the review names none of them it is a referral.
 */
export function moreCareful(decision: CreditDecision, review: CreditReview, grounds: readonly Reason[]): CreditDecision {
  const flags = review.flags.map((flag) => ({ ...flag, finding: inOneLine(flag.finding) }));
  const reviewed = { ...decision, memo: inOneLine(review.memo), flags };
  if (decision.outcome !== "approve") return reviewed;
  const isSerious = flags.some(({ severity }) => severity === "serious");
  if (review.advice === "keep" && !isSerious) return reviewed;
  const named = grounds.filter(({ code }) => review.reasons.some((reason) => reason === code));
  if (review.advice === "decline" && named.length > 0) return withdrawn(reviewed, "decline", named);
  return referred(reviewed, concernsOf(review));
}

/** What was to be approved goes to a person. */
export function referred(decision: CreditDecision, reasons: readonly Reason[]): CreditDecision {
  return withdrawn(decision, "refer", reasons);
}

function withdrawn(decision: CreditDecision, outcome: "refer" | "decline", reasons: readonly Reason[]): CreditDecision {
  return { ...decision, outcome, limitCents: 0, reasons: [...reasons], conditions: [] };
}

/** What it names and what it flags as serious, once each, in our own words. */
function concernsOf({ reasons, flags }: CreditReview): readonly Reason[] {
  const serious = flags.flatMap(({ severity, code }) => (severity === "serious" ? [code] : []));
  const codes = new Set([...reasons, ...serious].filter(isConcern).slice(0, MOST_REASONS));
  return [...(codes.size > 0 ? codes : (["other"] as const))].map((code) => ({ code, text: CONCERNS[code] }));
}

const MOST_REASONS = 8;

function isConcern(code: string): code is ConcernCode {
  return Object.hasOwn(CONCERNS, code);
}
