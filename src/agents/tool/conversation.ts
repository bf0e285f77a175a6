import { sha256 } from "../../contracts/json.js";
import type { ModelMessage, ModelReply, ModelRequest } from "../model/chat-model.js";

/** A conversation with a model that only grows, and names each question in it by what was said before. */
export interface Conversation {
  readonly messages: readonly ModelMessage[];
  /** What the next question is on record as: what is new in it, and a hash of all before. */
  readonly asked: { readonly after?: string; readonly messages: readonly ModelMessage[] };
  /** Names all that was said so far. */
  readonly hash: string;
}

/** `setting` is what holds for every question besides its messages. */
export function beginConversation(messages: readonly ModelMessage[], setting: Omit<ModelRequest, "messages">): Conversation {
  const asked = { ...setting, messages };
  return { messages, asked, hash: sha256(JSON.stringify(asked)) };
}

/** The model's turn: its answer is on record with the question, so it is not said again in the next one. */
export function answered(conversation: Conversation, { text, toolCalls }: ModelReply): Conversation {
  const reply: ModelMessage = { role: "assistant", text, ...(toolCalls.length > 0 ? { toolCalls } : {}) };
  const hash = grown(conversation, reply);
  return { messages: [...conversation.messages, reply], asked: { after: hash, messages: [] }, hash };
}

/** Our turn. */
export function told(conversation: Conversation, message: ModelMessage): Conversation {
  const { messages, asked } = conversation;
  return {
    messages: [...messages, message],
    asked: { ...asked, messages: [...asked.messages, message] },
    hash: grown(conversation, message),
  };
}

function grown({ hash }: Conversation, message: ModelMessage): string {
  return sha256(JSON.stringify([hash, message]));
}
