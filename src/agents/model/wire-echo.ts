import type { ModelReply } from "./chat-model.js";
import { jsonOf } from "./json-of.js";

/** The reply once more as a provider would send it, whole and without the key: what LangChain and those who listen to it get to see. */
export function echoOf(reply: ModelReply, streaming: boolean): Response {
  const calls = reply.toolCalls.map(({ id, name, arguments: written }, index) => ({
    index,
    id,
    type: "function",
    function: { name, arguments: parsable(written) },
  }));
  const message = { role: "assistant", content: reply.text, refusal: reply.refusal, ...(calls.length > 0 ? { tool_calls: calls } : {}) };
  const choice = { index: 0, finish_reason: reply.finishReason, [streaming ? "delta" : "message"]: message };
  const head = { id: reply.requestId, object: streaming ? "chat.completion.chunk" : "chat.completion", model: reply.model };
  const completion = { ...head, choices: [choice], usage: usageOf(reply) };
  if (!streaming) return Response.json(completion);
  return new Response(`data: ${JSON.stringify(completion)}\n\ndata: [DONE]\n\n`, { headers: { "content-type": "text/event-stream" } });
}

function usageOf({ usage }: ModelReply): object | null {
  if (!usage) return null;
  const { inputTokens, outputTokens } = usage;
  return { prompt_tokens: inputTokens, completion_tokens: outputTokens, total_tokens: inputTokens + outputTokens };
}

/** LangChain prints a warning for arguments that are no JSON. */
function parsable(written: string): string {
  return jsonOf(written) === undefined ? JSON.stringify({ written }) : written;
}
