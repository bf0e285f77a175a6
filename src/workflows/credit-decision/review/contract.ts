import * as z from "zod";
import { defineContract, type Infer } from "../../../index.js";
import { isPlainText } from "../words.js";
import { CONCERN_CODES, GROUND_CODES } from "./codes.js";
import { ABOUT, MOST_FINDING, MOST_FLAGS, MOST_MEMO, SEVERITIES } from "./flag.js";

/** What a model answers about a decision. It crosses no edge: the decision takes over its memo and flags, and no more than code allows. */
export const CreditReview = defineContract({
  name: "credit.review",
  version: 1,
  description: "A memo on a credit decision, what does not fit together in its evidence, and whether to be more careful.",
  schema: z
    .strictObject({
      memo: z.string().min(1).max(MOST_MEMO).describe("Why the decision is what it is, in two to six sentences for the bank's people."),
      flags: z
        .array(
          z
            .strictObject({
              about: z.enum(ABOUT).describe("By whose evidence it was found."),
              severity: z.enum(SEVERITIES).describe("serious: nobody should approve this before a person has looked at it."),
              code: z.enum(CONCERN_CODES),
              finding: z.string().min(1).max(MOST_FINDING).describe("What does not fit together, in one sentence that names both sides."),
            })
            .readonly(),
        )
        .max(MOST_FLAGS)
        .readonly(),
      advice: z.enum(["keep", "refer", "decline"]).describe("keep leaves the decision as it is."),
      reasons: z
        .array(z.enum([...CONCERN_CODES, ...GROUND_CODES]))
        .max(4)
        .readonly()
        .describe("Why to refer or decline; empty with keep."),
    })
    .readonly(),
  rules: {
    "memo and findings are plain text: words, and no control characters or characters that cannot be seen": ({ memo, flags }) =>
      [memo, ...flags.map(({ finding }) => finding)].every(isPlainText),
  },
});
export type CreditReview = Infer<typeof CreditReview>;
