import type { Contract, Infer, InferInput } from "../../contracts/contract.js";
import type { ContractMap, Inputs, LiveTier } from "../agent.js";
import { completed } from "../completion.js";
import { askModel } from "./ask-model.js";
import type { ModelQuestion } from "./question.js";
import { checkModelAgent } from "./question-options.js";
import { strictSchema } from "./strict-schema.js";

/** A tier whose work is one question to a model. */
export interface ModelAgentDefinition<Consumes extends ContractMap, Produces extends Contract, Answer extends Contract>
  extends Omit<ModelQuestion<Answer>, "input">,
    Pick<LiveTier, "name" | "limits"> {
  /** As the agent has it: types what `input` and `output` are given, where TypeScript does not know the agent yet (inside of `defineAgent`). */
  readonly consumes?: Consumes;
  /** As the agent has it; types what `output` gives. */
  readonly produces?: Produces;
  /** What the model is shown; all that the agent consumes when left out. */
  input?(inputs: Inputs<Consumes>): unknown;
  /** Makes the agent's product of the answer. Numbers and limits belong here: code decides, the model explains. */
  output(answer: Infer<Answer>, inputs: Inputs<Consumes>): InferInput<Produces>;
}

/**
 * Makes a tier of a question to a model: `defineAgent({ …, tiers: [modelAgent({ name: "premium", model, … }), …] })`. Without
 * `output` the answer is what the agent produces. The tier is passed over while its model is not available, and fails with
 * a `ModelFailure` where there is no answer, so that the next one is asked. Throws `OPTION_INVALID`, and `CONTRACT_INVALID` for a
 * contract that a model cannot be held to.
 */
export function modelAgent<Consumes extends ContractMap, Produces extends Contract, Answer extends Contract>(
  definition: ModelAgentDefinition<Consumes, Produces, Answer>,
): LiveTier<Consumes, Produces>;
export function modelAgent<Consumes extends ContractMap, Produces extends Contract>(
  definition: Omit<ModelAgentDefinition<Consumes, Produces, Produces>, "output">,
): LiveTier<Consumes, Produces>;
export function modelAgent<Consumes extends ContractMap, Answer extends Contract>(
  definition: Omit<ModelAgentDefinition<Consumes, Contract, Answer>, "output"> &
    Partial<Pick<ModelAgentDefinition<Consumes, Contract, Answer>, "output">>,
): LiveTier<Consumes> {
  checkModelAgent(definition);
  const { name, limits, input, output, consumes, produces, ...question } = definition;
  if (!question.reading) strictSchema(question.answer);
  return Object.freeze({
    name,
    limits,
    available: () => question.model.available(),
    execute: async (inputs: Inputs<Consumes>, context: Parameters<LiveTier["execute"]>[1]) => {
      const answer = await askModel({ ...question, input: input ? input(inputs) : inputs }, context);
      return completed(output ? output(answer, inputs) : answer);
    },
  });
}
