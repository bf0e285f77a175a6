import {
  type AskedModel,
  ModelEmpty,
  type ModelFailure,
  ModelFiltered,
  ModelMalformed,
  ModelProse,
  ModelRefused,
  ModelStreamFailed,
  ModelTruncated,
} from "../../contracts/model-failure.js";
import type { ModelReply, ModelRequest } from "./chat-model.js";
import { endingOf } from "./finish-reason.js";
import { jsonOf } from "./json-of.js";
import { oneLine } from "./redact.js";

/**
 * Why a reply cannot be used for what was asked; undefined when it can: whole, and text, JSON or calls of tools as the request wants.
 * Whether the JSON keeps its contract and the calls their arguments is not judged here. What may be incomplete is never taken for
 * an answer.
 */
export function judgeReply(request: ModelRequest, reply: ModelReply, { provider, model }: AskedModel): ModelFailure | undefined {
  const asked = { provider, model };
  const paid = reply.usage ? { usage: reply.usage } : { usageUnknown: true };
  const { text, refusal, toolCalls, finishReason } = reply;
  const malformed = (reason: string) =>
    new ModelMalformed(`${model} gave no answer that can be read: ${reason}.`, { ...asked, reason }, paid);
  const prose = (found: string) => {
    const wanted = request.tools ? "to call a tool" : "for JSON alone";
    const beginning = oneLine(found);
    return new ModelProse(`${model} wrote prose though it was asked ${wanted}: "${beginning}".`, { ...asked, beginning }, paid);
  };

  const ending = finishReason === null ? undefined : endingOf(finishReason);
  if (refusal !== null || ending === "declined") {
    const said = oneLine(refusal ?? text ?? "");
    return new ModelRefused(`${model} declined to answer: "${said}".`, { ...asked, refusal: said }, paid);
  }
  if (ending === "cut off") return truncated(request, asked, paid);
  if (ending === "held back") return new ModelFiltered(`${provider} held the answer of ${model} back.`, asked, paid);
  if (finishReason === null) return malformed("it does not say whether it is whole");
  if (ending === "failed") {
    const reason = oneLine(finishReason);
    return new ModelStreamFailed(`${provider} gave up within the answer of ${model} ("${reason}").`, { ...asked, error: reason }, paid);
  }
  if (ending === undefined) return malformed(`it ended for a reason that is not known ("${oneLine(finishReason)}")`);
  if (toolCalls.length > 0) return request.tools ? undefined : malformed("it calls a tool, and none was offered");
  if (ending === "call") return malformed("it ended with a call of a tool, and there is none in it");
  if (text === null || text.trim() === "") return new ModelEmpty(`${model} answered with nothing.`, asked, paid);
  if (request.tools || (request.answer && jsonOf(text) === undefined)) return prose(text);
  return undefined;
}

function truncated({ maxOutputTokens }: ModelRequest, asked: AskedModel, paid: object): ModelTruncated {
  const message = `The answer of ${asked.model} was cut off; it may have ${maxOutputTokens} tokens. Raise maxOutputTokens.`;
  return new ModelTruncated(message, { ...asked, maxOutputTokens }, paid);
}
