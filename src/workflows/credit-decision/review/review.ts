import { askModel, type ChatModel, type QuestionContext } from "../../../index.js";
import type { CreditDecision } from "../decision.js";
import { caseFile, type Files } from "./case-file.js";
import { CreditReview } from "./contract.js";
import { INSTRUCTIONS } from "./instructions.js";
import { moreCareful } from "./more-careful.js";

/** Who looks at a decision: the best there is, and one that costs less. With neither, code decides alone. */
export interface Models {
  readonly premium?: ChatModel;
  readonly standard?: ChatModel;
}

/** Has a model look at a decision. Throws a `ModelFailure` when it gives no review that can be used. */
export async function reviewedBy(
  model: ChatModel,
  decision: CreditDecision,
  files: Files,
  context: QuestionContext,
): Promise<CreditDecision> {
  const question = { model, instructions: INSTRUCTIONS, input: caseFile(files, decision), answer: CreditReview };
  const review = await askModel({ ...question, maxOutputTokens: MOST_TOKENS }, context);
  return moreCareful(decision, review, [...files.score.reasons, ...decision.reasons]);
}

/** More than a memo and flags of full length take. */
const MOST_TOKENS = 2_048;
