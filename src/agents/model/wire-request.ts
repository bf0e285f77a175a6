import type { BaseMessage } from "@langchain/core/messages";
import type { BaseChatOpenAIFields } from "@langchain/openai";
import type { ModelMessage, ModelRequest, OfferedTool, ToolCall } from "./chat-model.js";

/**
 * Sends a request through a LangChain client made for it alone. What it answers is of no interest: its `fetch` has read it.
 * The class for chat completions is taken and not `ChatOpenAI`, which sends some models to another protocol by their name.
 */
export async function send(request: ModelRequest, fields: BaseChatOpenAIFields, signal: AbortSignal): Promise<void> {
  const { ChatOpenAICompletions } = await import("@langchain/openai");
  const client = new ChatOpenAICompletions({ ...fields, maxTokens: request.maxOutputTokens, maxRetries: 0 });
  const classes = await import("@langchain/core/messages");
  const messages = request.messages.map((message) => messageOf(message, classes));
  const options = { ...optionsOf(request), signal };
  if (!fields.streaming) {
    await client.invoke(messages, options);
    return;
  }
  for await (const _ of await client.stream(messages, options));
}

type MessageClasses = typeof import("@langchain/core/messages");

/** In LangChain's words. */
function messageOf(message: ModelMessage, { AIMessage, HumanMessage, SystemMessage, ToolMessage }: MessageClasses): BaseMessage {
  switch (message.role) {
    case "system":
      return new SystemMessage(message.text);
    case "user":
      return new HumanMessage(message.text);
    case "tool":
      return new ToolMessage({ content: message.text, tool_call_id: message.callId });
    case "assistant": {
      const said = new AIMessage(message.text ?? "");
      // Set afterwards, since the constructor would parse the arguments: they go back as the model wrote them, JSON or not.
      if (message.toolCalls?.length) said.additional_kwargs.tool_calls = message.toolCalls.map(callOf);
      return said;
    }
  }
}

/** What the answer has to be. */
function optionsOf({ answer, tools }: ModelRequest) {
  return {
    ...(answer && {
      response_format: { type: "json_schema" as const, json_schema: { ...answer, schema: { ...answer.schema }, strict: true } },
    }),
    ...(tools && { tools: tools.map(toolOf), tool_choice: "required" as const }),
  };
}

function callOf({ id, name, arguments: written }: ToolCall) {
  return { id, type: "function" as const, function: { name, arguments: written } };
}

function toolOf({ name, description, parameters }: OfferedTool) {
  return { type: "function" as const, function: { name, description, parameters: { ...parameters } } };
}
