import { type Contract, check, describeIssues, type Infer } from "../../contracts/contract.js";
import { type Issue, messageOf } from "../../contracts/failure.js";
import { deepFreeze, seal } from "../../contracts/json.js";
import type { JsonValue } from "../../contracts/json-value.js";
import { type AskedModel, ModelAnswerInvalid, type ModelFailure, ModelProse } from "../../contracts/model-failure.js";
import type { AgentContext } from "../agent.js";
import { callModel, type ModelContext } from "./call-model.js";
import type { ModelRequest } from "./chat-model.js";
import { judgeReply } from "./judge-reply.js";
import type { OneWord } from "./one-word.js";
import { type ModelQuestion, repairOf, requestOf } from "./question.js";
import { checkQuestion } from "./question-options.js";
import { oneLine } from "./redact.js";
import { strictSchema } from "./strict-schema.js";

/** What a question needs of an agent's context. */
export type QuestionContext = ModelContext & Partial<Pick<AgentContext, "feedback">>;

/**
 * Asks a model and comes back with the document of the contract, frozen. Prose, or a document that does not keep the contract,
 * is sent back once with what is wrong; then, and at once for a refusal or an answer that was cut off or held back, a
 * `ModelFailure` is thrown; `OPTION_INVALID` for a question that is none.
 */
export async function askModel<Answer extends Contract>(question: ModelQuestion<Answer>, context: QuestionContext): Promise<Infer<Answer>> {
  checkQuestion(question, context);
  const request = requestOf(question, context.feedback);
  const first = await ask(question, request, context);
  if (first.ok) return first.document;
  if (question.repair === false) throw first.failure;
  const second = await ask(question, repairOf(request, first.text, first.issues), context);
  if (second.ok) return second.document;
  throw second.failure;
}

/** A document, or what is wrong with the answer, for the model to mend. */
type Read<Document> =
  | { readonly ok: true; readonly document: Document }
  | { readonly ok: false; readonly text: string; readonly issues: readonly Issue[]; readonly failure: ModelFailure };

async function ask<Answer extends Contract>(
  question: ModelQuestion<Answer>,
  request: ModelRequest,
  context: QuestionContext,
): Promise<Read<Infer<Answer>>> {
  const reply = await callModel(context, question.model, request);
  const text = reply.text ?? "";
  const failure = judgeReply(request, reply, question.model);
  if (failure?.code === "MODEL_PROSE") return { ok: false, text, issues: [{ path: "", message: "is not JSON" }], failure };
  if (failure) throw failure;
  return question.reading ? readWord(question, question.reading, text) : readJson(question, text);
}

function readWord<Answer extends Contract>(question: ModelQuestion<Answer>, { words, read }: OneWord, text: string): Read<Infer<Answer>> {
  const document = read(text);
  if (document !== undefined) return keeps(question, text, document);
  const { provider, model } = question.model;
  const expected = `one of the words ${words.join(", ")}`;
  const beginning = oneLine(text);
  const failure = new ModelProse(`${model} was asked for ${expected} and wrote: "${beginning}".`, { provider, model, beginning });
  return { ok: false, text, issues: [{ path: "", message: `is not ${expected}, and nothing else` }], failure };
}

/** JSON that cannot be put on record (nested without end, half a character) is no document of any contract. */
function readJson<Answer extends Contract>(question: ModelQuestion<Answer>, text: string): Read<Infer<Answer>> {
  let written: JsonValue;
  try {
    written = seal(JSON.parse(text), Number.POSITIVE_INFINITY).data; // as large as the model may write
  } catch (thrown) {
    return broken(question, text, [{ path: "", message: messageOf(thrown) }]);
  }
  return keeps(question, text, strictSchema(question.answer).restore(written));
}

function keeps<Answer extends Contract>(question: ModelQuestion<Answer>, text: string, document: unknown): Read<Infer<Answer>> {
  const checked = check(question.answer, document);
  return checked.ok ? { ok: true, document: deepFreeze(checked.document) } : broken(question, text, checked.issues);
}

function broken({ answer, model: asked }: ModelQuestion, text: string, found: readonly Issue[]): Read<never> {
  const issues = found.slice(0, ISSUES_SHOWN).map(shortened);
  const details: AskedModel = { provider: asked.provider, model: asked.model };
  const message = `The answer of ${asked.model} does not keep ${answer.id}: ${describeIssues(issues)}.`;
  return { ok: false, text, issues, failure: new ModelAnswerInvalid(message, { ...details, contract: answer.id, issues }) };
}

const ISSUES_SHOWN = 20;

/** Paths and messages quote what the model wrote, however long. */
function shortened(issue: Issue): Issue {
  return { ...issue, path: oneLine(issue.path), message: oneLine(issue.message) };
}
