import type { ModelReply } from "../../agents/model/chat-model.js";
import { piecesOf } from "../scripted-reply.js";

/** What goes over the wire, and how it ends. */
export interface WireAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** The body as it is written: whole, or one event of a stream after the other. */
  readonly pieces: readonly string[];
  /** Left out: as it should. `silence`: nothing follows, and the connection stays open. `reset`: the connection is broken. */
  readonly ends?: "silence" | "reset";
  /** Not even the status is sent. */
  readonly headless?: boolean;
}

/** How an answer was asked for, and which one it is. */
export interface Asked {
  readonly stream: boolean;
  readonly includeUsage: boolean;
  readonly number: number;
  readonly at: Date;
  readonly authorization: string | undefined;
}

export const DONE = "data: [DONE]\n\n";
export const eventOf = (data: object) => `data: ${JSON.stringify(data)}\n\n`;

/** The reply as the provider would send it. */
export function wireAnswerOf(reply: ModelReply, asked: Asked): WireAnswer {
  const headers = { "openai-version": "2020-10-01", ...(reply.requestId === null ? {} : { "x-request-id": reply.requestId }) };
  if (!asked.stream) return jsonAnswer(200, completionOf(reply, asked), headers);
  const pieces = [...chunksOf(reply, asked).map(eventOf), DONE];
  return { status: 200, headers: { ...headers, "content-type": "text/event-stream; charset=utf-8" }, pieces };
}

export function jsonAnswer(status: number, body: object, headers: WireAnswer["headers"] = {}): WireAnswer {
  const text = JSON.stringify(body);
  const own = { "content-type": "application/json", "content-length": String(Buffer.byteLength(text)) };
  return { status, headers: { ...headers, ...own }, pieces: [text] };
}

function completionOf(reply: ModelReply, asked: Asked): object {
  const calls = reply.toolCalls.map(({ id, name, arguments: given }) => ({ id, type: "function", function: { name, arguments: given } }));
  const message = {
    role: "assistant",
    content: reply.text,
    refusal: reply.refusal,
    annotations: [],
    ...(calls.length > 0 ? { tool_calls: calls } : {}),
  };
  return {
    ...envelope(reply, asked, "chat.completion"),
    choices: [{ index: 0, message, logprobs: null, finish_reason: reply.finishReason }],
    ...(reply.usage ? { usage: usageOf(reply.usage) } : {}),
  };
}

/** The reply in pieces: who speaks, what is said, why it ended, and what it took where that was asked for. */
function chunksOf(reply: ModelReply, asked: Asked): object[] {
  const base = { ...envelope(reply, asked, "chat.completion.chunk"), ...(asked.includeUsage ? { usage: null } : {}) };
  const chunk = (delta: object, finish: string | null = null) => ({
    ...base,
    choices: [{ index: 0, delta, logprobs: null, finish_reason: finish }],
  });
  const opening = chunk({ role: "assistant", content: reply.text === null ? null : "", refusal: null });
  const chunks = [opening, ...deltasOf(reply).map((delta) => chunk(delta)), chunk({}, reply.finishReason)];
  return asked.includeUsage && reply.usage ? [...chunks, { ...base, choices: [], usage: usageOf(reply.usage) }] : chunks;
}

function deltasOf({ text, refusal, toolCalls }: ModelReply): object[] {
  return [
    ...piecesOf(text ?? "").map((content) => ({ content })),
    ...piecesOf(refusal ?? "").map((piece) => ({ refusal: piece })),
    ...toolCalls.flatMap(({ id, name, arguments: given }, index) => [
      { tool_calls: [{ index, id, type: "function", function: { name, arguments: "" } }] },
      ...piecesOf(given).map((piece) => ({ tool_calls: [{ index, function: { arguments: piece } }] })),
    ]),
  ];
}

function envelope({ model }: ModelReply, { number, at }: Asked, object: string): object {
  const created = Math.floor(at.getTime() / 1_000);
  return { id: `chatcmpl-${number}`, object, created, model: model ?? "unknown", service_tier: "default" };
}

function usageOf({ inputTokens, outputTokens }: NonNullable<ModelReply["usage"]>): object {
  return {
    prompt_tokens: inputTokens,
    completion_tokens: outputTokens,
    total_tokens: inputTokens + outputTokens,
    prompt_tokens_details: { cached_tokens: 0, audio_tokens: 0 },
    completion_tokens_details: { reasoning_tokens: 0, audio_tokens: 0, accepted_prediction_tokens: 0, rejected_prediction_tokens: 0 },
  };
}
