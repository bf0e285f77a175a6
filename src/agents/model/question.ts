import type { Contract, InferInput } from "../../contracts/contract.js";
import type { Issue } from "../../contracts/failure.js";
import { MAX_OUTPUT_TOKENS } from "./call-model.js";
import type { ChatModel, ModelMessage, ModelRequest } from "./chat-model.js";
import type { OneWord } from "./one-word.js";
import { fromOutside, opening } from "./opening.js";
import { strictSchema } from "./strict-schema.js";

/** One question to a model, and the contract that its answer has to keep. */
export interface ModelQuestion<Answer extends Contract = Contract> {
  readonly model: ChatModel;
  /** Fixed text: what comes from outside belongs into `input`. */
  readonly instructions: string;
  /** Plain JSON; shown to the model as data. */
  readonly input: unknown;
  /** What the answer is: its description and the sentences of its rules are told to the model. */
  readonly answer: Answer;
  /** How an answer of one word is read, for a model that cannot be held to a schema; a JSON document is asked for when left out. */
  readonly reading?: OneWord<InferInput<Answer>> | undefined;
  /** 1024 when left out. */
  readonly maxOutputTokens?: number | undefined;
  /** Whether an answer that does not keep the contract is sent back, once, with what is wrong with it; `true` when left out. */
  readonly repair?: boolean | undefined;
}

/** Asks for the first time. `feedback` is what the gate found wrong with the answer of the round before. */
export function requestOf(question: ModelQuestion, feedback: readonly Issue[] = []): ModelRequest {
  const { input, answer, reading, maxOutputTokens = MAX_OUTPUT_TOKENS } = question;
  const messages = opening(instructionsOf(question), input, feedback);
  if (reading) return { messages, maxOutputTokens };
  const { name, schema } = strictSchema(answer);
  return { messages, answer: { name, schema }, maxOutputTokens };
}

/** Asks again: the same conversation with the model's own answer and what is wrong with it, none of which is an instruction. */
export function repairOf(request: ModelRequest, answer: string, issues: readonly Issue[]): ModelRequest {
  const messages: ModelMessage[] = [
    ...request.messages,
    { role: "assistant", text: answer.slice(0, SHOWN_AGAIN).toWellFormed() },
    { role: "user", text: JSON.stringify({ feedback: issues }) },
  ];
  return { ...request, messages };
}

/** Enough to see what went wrong; a wrong answer may be as long as it likes, and is paid for when it is shown. */
const SHOWN_AGAIN = 4_000;

function instructionsOf({ instructions, answer, reading }: ModelQuestion): string {
  const form = reading ? `exactly one of these words: ${reading.words.join(", ")}` : "one JSON document";
  const rules = answer.ruleNames.map((rule) => `\n- ${rule}`).join("");
  return [
    instructions,
    fromOutside(),
    `Answer with ${form}, and nothing else.`,
    ...(answer.description === undefined ? [] : [`What the answer is: ${answer.description}`]),
    ...(rules === "" ? [] : [`What must hold of it:${rules}`]),
  ].join("\n\n");
}
