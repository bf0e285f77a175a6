import * as z from "zod";
import type { ModelMessage, ModelRequest, ToolCall } from "../../agents/model/chat-model.js";
import type { JsonObject } from "../../contracts/json-value.js";

const Text = z.union([z.string(), z.array(z.looseObject({ text: z.string().optional() }))]);
const Call = z.looseObject({ id: z.string(), function: z.looseObject({ name: z.string(), arguments: z.string() }) });
const Message = z.discriminatedUnion("role", [
  z.looseObject({ role: z.enum(["system", "developer", "user"]), content: Text }),
  z.looseObject({ role: z.literal("assistant"), content: Text.nullish(), tool_calls: z.array(Call).optional() }),
  z.looseObject({ role: z.literal("tool"), content: Text, tool_call_id: z.string() }),
]);
const Parameters = z.custom<JsonObject>((value) => typeof value === "object" && value !== null && !Array.isArray(value));
const Tool = z.looseObject({
  type: z.literal("function"),
  function: z.looseObject({ name: z.string(), description: z.string().optional(), parameters: Parameters.optional() }),
});

/** As much of a request for chat completions as an answer depends on. */
export const WireRequest = z.looseObject({
  model: z.string(),
  messages: z.array(Message).min(1),
  stream: z.boolean().nullish(),
  stream_options: z.looseObject({ include_usage: z.boolean().optional() }).nullish(),
  tools: z.array(Tool).optional(),
  response_format: z
    .looseObject({ type: z.string(), json_schema: z.looseObject({ name: z.string(), schema: Parameters.optional() }).optional() })
    .optional(),
  max_tokens: z.int().positive().nullish(),
  max_completion_tokens: z.int().positive().nullish(),
});
export type WireRequest = z.infer<typeof WireRequest>;

/** What a `ChatModel` was asked that sent this. */
export function modelRequestOf({ messages, tools, response_format, ...wire }: WireRequest): ModelRequest {
  const schema = response_format?.json_schema;
  return {
    messages: messages.map(messageOf),
    ...(schema ? { answer: { name: schema.name, schema: schema.schema ?? {} } } : {}),
    ...(tools
      ? { tools: tools.map(({ function: { name, description = "", parameters = {} } }) => ({ name, description, parameters })) }
      : {}),
    maxOutputTokens: wire.max_completion_tokens ?? wire.max_tokens ?? MOST_TOKENS,
  };
}

/** Where the request does not say. */
const MOST_TOKENS = 4_096;

function messageOf(message: z.infer<typeof Message>): ModelMessage {
  switch (message.role) {
    case "system":
    case "developer":
      return { role: "system", text: textOf(message.content) };
    case "user":
      return { role: "user", text: textOf(message.content) };
    case "tool":
      return { role: "tool", callId: message.tool_call_id, text: textOf(message.content) };
    case "assistant": {
      const text = message.content === undefined || message.content === null ? null : textOf(message.content);
      return { role: "assistant", text, ...(message.tool_calls ? { toolCalls: message.tool_calls.map(toolCallOf) } : {}) };
    }
  }
}

function textOf(content: z.infer<typeof Text>): string {
  return typeof content === "string" ? content : content.map(({ text = "" }) => text).join("");
}

function toolCallOf({ id, function: { name, arguments: given } }: z.infer<typeof Call>): ToolCall {
  return { id, name, arguments: given };
}
