import * as z from "zod";
import { describeIssues } from "../../contracts/contract.js";
import { type AskedModel, ModelMalformed, ModelTooLarge } from "../../contracts/model-failure.js";
import { issuesOf } from "../../limits/check-options.js";
import { MAX_RECORDED_BYTES } from "../record.js";
import type { ModelReply } from "./chat-model.js";
import { oneLine } from "./redact.js";
import { lostWith } from "./wire-site.js";

/** A reply as the port has it and as it can be put on record, whoever wrote the model. Throws `MODEL_MALFORMED` or `MODEL_TOO_LARGE`. */
export function checkReply(reply: unknown, { provider, model }: AskedModel): ModelReply {
  const { data, error } = Reply.safeParse(reply);
  if (data && Buffer.byteLength(JSON.stringify(data)) > MAX_RECORDED_BYTES) throw tooLarge(data, { provider, model });
  if (data) return data;
  const reason = oneLine(describeIssues(issuesOf(error)));
  const message = `The ask of ${model} (${provider}) gave what is no ModelReply, as ChatModel wants one: ${reason}.`;
  const { data: paid } = Paid.safeParse(reply);
  throw new ModelMalformed(message, { provider, model, reason }, lostWith(paid?.usage ?? null));
}

function tooLarge({ usage }: ModelReply, asked: AskedModel): ModelTooLarge {
  const message = `The answer of ${asked.model} has more than ${MAX_RECORDED_BYTES} bytes, more than can be put on record. Lower maxOutputTokens.`;
  return new ModelTooLarge(message, { ...asked, maxBytes: MAX_RECORDED_BYTES }, lostWith(usage));
}

const textOr = (otherwise: string) =>
  z.string(`must be text${otherwise}`).refine((text) => text.isWellFormed(), "has half a character in it");
const Text = textOr("");
const Maybe = textOr(" or null").nullable();
const Count = z.int("must be a whole number, 0 or more").min(0, "must be a whole number, 0 or more");
const Usage = z.object({ inputTokens: Count, outputTokens: Count }, "must be { inputTokens, outputTokens } or null").nullable();
const Call = z.object({ id: Text, name: Text, arguments: Text }, "must be { id, name, arguments }");
const Paid = z.object({ usage: Usage });

const Reply: z.ZodType<ModelReply> = z.object(
  {
    text: Maybe,
    refusal: Maybe,
    toolCalls: z.array(Call, "must be a list"),
    finishReason: Maybe,
    usage: Usage,
    model: Maybe,
    requestId: Maybe,
  },
  "must be an object",
);
