import type { ModelReply, ModelUsage } from "./chat-model.js";
import { callsDraft } from "./reply-calls.js";
import { WHOLE_FINISHES, type WireChunk, type WireMessage } from "./wire-chunk.js";

/** A reply that is being put together; a whole completion is one that comes in a single piece. */
export interface ReplyDraft {
  /** Takes a piece in and returns what text there was in it. */
  add(chunk: WireChunk): string;
  /** As the provider counted so far. */
  usage(): ModelUsage | null;
  /** What is wrong with it as a whole, or the reply. */
  finish(): ModelReply | { readonly broken: string } | "empty";
}

/** Only the first choice counts. */
export function replyDraft(): ReplyDraft {
  const calls = callsDraft();
  const reasons = new Set<string>();
  let text = "";
  let refusal = "";
  let choiceSeen = false;
  let messageSeen = false;
  let usage: ModelUsage | null = null;
  let model: string | null = null;
  let id: string | null = null;

  function take(message: WireMessage): string {
    messageSeen = true;
    const said = saidIn(message);
    text += said.text;
    refusal += said.refusal;
    message.tool_calls?.forEach(calls.add);
    if (message.function_call) calls.add({ id: "function_call", function: message.function_call }, 0);
    return said.text;
  }

  function finishReason(): string | null {
    if (!messageSeen) return "content_filter"; // a choice without a message is how an answer is held back
    return [...reasons].find((reason) => !WHOLE_FINISHES.has(reason)) ?? [...reasons].at(-1) ?? null;
  }

  return {
    add(chunk) {
      id ??= chunk.id ?? null;
      model ??= chunk.model || null;
      if (chunk.usage) usage = { inputTokens: chunk.usage.prompt_tokens, outputTokens: chunk.usage.completion_tokens };
      const first = chunk.choices?.find(({ index }) => (index ?? 0) === 0);
      if (!first) return "";
      choiceSeen = true;
      if (first.finish_reason) reasons.add(first.finish_reason);
      const message = first.delta ?? first.message;
      return message ? take(message) : "";
    },
    usage: () => usage,
    finish() {
      if (!choiceSeen) return "empty";
      const toolCalls = calls.calls();
      if (!toolCalls) return { broken: "a call of a tool has no name" };
      if (!text.isWellFormed()) return { broken: "half a character stands in its text" };
      return { text: text || null, refusal: refusal || null, toolCalls, finishReason: finishReason(), usage, model, requestId: id };
    },
  };
}

function saidIn({ content, refusal }: WireMessage): { readonly text: string; readonly refusal: string } {
  if (!Array.isArray(content)) return { text: content ?? "", refusal: refusal ?? "" };
  const refused = content.map((part) => part.refusal ?? "").join("");
  return { text: content.map((part) => (part.type === "text" ? (part.text ?? "") : "")).join(""), refusal: (refusal ?? "") + refused };
}
