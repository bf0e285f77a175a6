import type { ModelReply, ModelRequest } from "../../agents/model/chat-model.js";

type ReplyFault = (reply: ModelReply, request: ModelRequest) => ModelReply;

/** What a model can get wrong. The provider sends each of them as a whole answer, and its form is as it should be. */
export const REPLY_FAULTS = {
  /** The text is JSON that stops half-way, though the model says that it is done. */
  "truncated-json": (reply) => said(reply, half(textOf(reply))),
  /** JSON of another shape than the one asked for: the answer is wrapped once more. */
  "wrong-schema": (reply) => said(reply, JSON.stringify({ result: textOf(reply) })),
  "prose-around-json": (reply) => said(reply, `Here is my answer:\n\n\`\`\`json\n${textOf(reply)}\n\`\`\`\n\nTell me if you need more.`),
  /** Nothing but prose, though JSON or a call of a tool was asked for. */
  prose: (reply) => said(reply, "I have looked at everything, and all of it seems fine to me."),
  /** Ten megabytes of text. */
  "huge-answer": (reply) => said(reply, "0123456789abcdef".repeat(640 * 1_024)),
  refusal: (reply) => ({ ...said(reply, null), refusal: "I'm sorry, but I can't help with that." }),
  /** No text, no refusal, no call of a tool. */
  empty: (reply) => said(reply, ""),
  /** The answer ended at the most tokens it could have. */
  "finish-length": (reply, { maxOutputTokens }) => ({
    ...said(reply, half(textOf(reply))),
    finishReason: "length",
    usage: { inputTokens: reply.usage?.inputTokens ?? 0, outputTokens: maxOutputTokens },
  }),
  /** The arguments of the tool calls stop half-way. */
  "malformed-arguments": (reply, request) => calling(reply, request, ({ name }) => ({ name, arguments: '{"id": "A-1' })),
  /** The model calls a tool that nobody offered. */
  "unknown-tool": (reply, request) => calling(reply, request, () => ({ name: "no_such_tool", arguments: "{}" })),
} as const satisfies Record<string, ReplyFault>;

/** What the model would have said: the text, the calls of its tools as text, or something that looks like an answer. */
function textOf({ text, toolCalls: [call] }: ModelReply): string {
  return text ?? call?.arguments ?? '{"answer":"yes","reason":"nothing was asked"}';
}

function said(reply: ModelReply, text: string | null): ModelReply {
  return { ...reply, text, toolCalls: [], finishReason: "stop" };
}

const half = (text: string) => text.slice(0, Math.ceil(text.length / 2));

type Call = { readonly name: string; readonly arguments: string };

/** The reply's own tool calls, or one of the first tool offered, changed. */
function calling(reply: ModelReply, { tools = [] }: ModelRequest, change: (call: Call) => Call): ModelReply {
  const own = reply.toolCalls.length > 0 ? reply.toolCalls : [{ id: "call_1", name: tools[0]?.name ?? "any", arguments: "{}" }];
  const toolCalls = own.map((call) => ({ ...call, ...change(call) }));
  return { ...reply, text: null, toolCalls, finishReason: "tool_calls" };
}
