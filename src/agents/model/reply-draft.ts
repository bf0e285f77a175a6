import type { ModelReply, ModelUsage } from "./chat-model.js";
import { endingOf, endsWhole } from "./finish-reason.js";
import { callsDraft } from "./reply-calls.js";
import type { WireChoice, WireChunk, WireMessage } from "./wire-chunk.js";

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
  const forms = new Set<"delta" | "message">();
  let text = "";
  let refusal = "";
  let choiceSeen = false;
  let saidTwice = false;
  let usage: ModelUsage | null = null;
  let model: string | null = null;
  let id: string | null = null;

  /** Beside its pieces some servers send the whole message as well. */
  function take({ delta, message }: WireChoice): string {
    if (delta) return takeIn(delta, "delta");
    return message && !forms.has("delta") ? takeIn(message, "message") : "";
  }

  function takeIn(message: WireMessage, form: "delta" | "message"): string {
    const said = saidIn(message);
    if (forms.has("message") && said.text !== "") saidTwice = true;
    forms.add(form);
    text += said.text;
    refusal += said.refusal;
    message.tool_calls?.forEach(calls.add);
    if (message.function_call && !message.tool_calls?.length) calls.add({ id: "function_call", function: message.function_call }, 0);
    return said.text;
  }

  function finishReason(): string | null {
    const told = [...reasons].find((reason) => !endsWhole(reason)) ?? [...reasons].at(-1) ?? null;
    const heldBack = forms.size === 0 && (told === null || endsWhole(told)); // a choice without a message is how an answer is held back
    return heldBack ? "content_filter" : told;
  }

  return {
    add(chunk) {
      id ||= chunk.id || null;
      model ??= chunk.model || null;
      const first = chunk.choices?.find(({ index }) => (index ?? 0) === 0);
      usage = larger(usage, chunk.usage ?? first?.usage ?? chunk.x_groq?.usage);
      if (!first) return "";
      choiceSeen = true;
      reasonsIn(first).forEach((reason) => {
        reasons.add(reason);
      });
      return take(first);
    },
    usage: () => usage,
    finish() {
      if (!choiceSeen) return "empty";
      const toolCalls = calls.calls();
      if (!toolCalls) return { broken: "a call of a tool has no name" };
      if (saidTwice) return { broken: "there is more after the whole message" };
      const reply = { text: text || null, refusal: refusal || null, toolCalls, finishReason: finishReason(), usage, model, requestId: id };
      return isWellFormed(reply) ? reply : { broken: "half a character stands in it" };
    },
  };
}

/** What cannot be put on record is no reply. */
function isWellFormed({ text, refusal, toolCalls, finishReason, model, requestId }: ModelReply): boolean {
  const called = toolCalls.flatMap(({ id, name, arguments: written }) => [id, name, written]);
  return [text, refusal, finishReason, model, requestId, ...called].every((each) => each?.isWellFormed() ?? true);
}

/** A gateway may say `stop` of what its model said was cut off or held back. */
function reasonsIn({ finish_reason, native_finish_reason }: WireChoice): readonly string[] {
  const hidden = native_finish_reason && endingOf(native_finish_reason) && !endsWhole(native_finish_reason) ? [native_finish_reason] : [];
  return [...(finish_reason && finish_reason !== "null" ? [finish_reason] : []), ...hidden];
}

/** Counts grow within a stream, and some servers begin or end it with one that is not complete. */
function larger(before: ModelUsage | null, now: ModelUsage | null | undefined): ModelUsage | null {
  if (!before || !now) return now ?? before;
  return {
    inputTokens: Math.max(before.inputTokens, now.inputTokens),
    outputTokens: Math.max(before.outputTokens, now.outputTokens),
  };
}

function saidIn({ content, refusal }: WireMessage): { readonly text: string; readonly refusal: string } {
  if (!Array.isArray(content)) return { text: content ?? "", refusal: refusal ?? "" };
  const refused = content.map((part) => part.refusal ?? "").join("");
  return { text: content.map((part) => (TEXTS.has(part.type) ? (part.text ?? "") : "")).join(""), refusal: (refusal ?? "") + refused };
}

/** What models think comes in parts of other types. */
const TEXTS: ReadonlySet<string> = new Set(["text", "output_text"]);
