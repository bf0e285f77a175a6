import type { ModelReply, ModelRequest, ToolCall } from "../agents/model/chat-model.js";

/** A call of a tool: arguments that are no text are written as JSON. */
export interface ScriptedToolCall {
  readonly name: string;
  readonly arguments?: unknown;
  readonly id?: string;
}

/** A model's answer, as much of it as matters. */
export interface ScriptedReply extends Partial<Omit<ModelReply, "toolCalls">> {
  /** The text, as JSON. */
  readonly json?: unknown;
  readonly toolCalls?: readonly ScriptedToolCall[];
  /** The answer ended at the most tokens it could have. */
  readonly truncated?: boolean;
  /** The provider held the answer back. */
  readonly filtered?: boolean;
}

/** Who answers, and for which time. */
export interface Answering {
  readonly model: string;
  readonly number: number;
}

/** Fills in what the script left out. An answer takes 100 tokens in and 20 out; a truncated one as many as it could have. */
export function replyOf(scripted: ScriptedReply, { maxOutputTokens }: Pick<ModelRequest, "maxOutputTokens">, by: Answering): ModelReply {
  const toolCalls = (scripted.toolCalls ?? []).map((call, index) => toolCallOf(call, `call_${by.number}_${index + 1}`));
  const outputTokens = scripted.truncated ? maxOutputTokens : Math.min(20, maxOutputTokens);
  return {
    text: scripted.text ?? (scripted.json === undefined ? null : JSON.stringify(scripted.json)),
    refusal: scripted.refusal ?? null,
    toolCalls,
    finishReason: finishReasonOf(scripted, toolCalls),
    usage: scripted.usage === undefined ? { inputTokens: 100, outputTokens } : scripted.usage,
    model: scripted.model === undefined ? by.model : scripted.model,
    requestId: scripted.requestId === undefined ? `req_${by.number}` : scripted.requestId,
  };
}

function toolCallOf({ name, arguments: given = {}, id }: ScriptedToolCall, ownId: string): ToolCall {
  return { id: id ?? ownId, name, arguments: typeof given === "string" ? given : JSON.stringify(given) };
}

function finishReasonOf({ finishReason, truncated, filtered }: ScriptedReply, toolCalls: readonly ToolCall[]): string | null {
  if (finishReason !== undefined) return finishReason;
  if (truncated) return "length";
  if (filtered) return "content_filter";
  return toolCalls.length > 0 ? "tool_calls" : "stop";
}

/** A text in the pieces in which a stream brings it: of twelve characters, and larger ones where it would be more than a thousand. */
export function piecesOf(text: string): string[] {
  const size = Math.max(12, Math.ceil(text.length / 1_000));
  return text.match(new RegExp(`.{1,${size}}`, "gsu")) ?? [];
}
