import * as z from "zod";
import { checkCall } from "../../limits/check-options.js";
import { aChatModel, aCount, aFunction, having, someInstructions } from "./option-forms.js";
import type { ModelQuestion } from "./question.js";

const question = {
  model: aChatModel,
  instructions: someInstructions,
  answer: having(["id", "schema", "judge"], "must be a contract, such as defineContract gives"),
  reading: having(["words", "read"], "must be what oneWord gives").optional(),
  maxOutputTokens: aCount.optional(),
  repair: z.boolean("must be true or false").optional(),
};

const something = z.custom((value) => value !== undefined, "must be what the model is shown, plain JSON");

const Question = z.strictObject({ ...question, input: something } satisfies Record<keyof ModelQuestion, z.ZodType>);

const Tier = z.strictObject({
  ...question,
  name: z.string("must name the tier").regex(/\S/, "must name the tier"),
  limits: z.unknown().optional(),
  consumes: z.unknown().optional(),
  produces: z.unknown().optional(),
  input: aFunction.optional(),
  output: aFunction.optional(),
});

const Asking = z.object({ context: having(["spend", "signal", "effects"], "must be the context that execute is given") });

/** What the types cannot say to everyone, of the call of `modelAgent`. Throws `OPTION_INVALID`. */
export function checkModelAgent(definition: unknown): void {
  checkCall(Tier, "modelAgent", definition);
}

/** The same of `askModel`. */
export function checkQuestion(asked: unknown, context: unknown): void {
  checkCall(Question, "askModel", asked);
  checkCall(Asking, "askModel", { context });
}
