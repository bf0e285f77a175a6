import type { JsonObject } from "../../contracts/json-value.js";

/** A tool as a model is told of it. */
export interface OfferedTool {
  readonly name: string;
  readonly description: string;
  /** JSON Schema of its arguments. */
  readonly parameters: JsonObject;
}

/** A call of a tool as the model wrote it. */
export interface ToolCall {
  readonly id: string;
  readonly name: string;
  /** Not necessarily JSON. */
  readonly arguments: string;
}

/** One message of a conversation with a model. Only `system` instructs; what came from outside stands in the others. */
export type ModelMessage =
  | { readonly role: "system"; readonly text: string }
  | { readonly role: "user"; readonly text: string }
  | { readonly role: "assistant"; readonly text: string | null; readonly toolCalls?: readonly ToolCall[] }
  | { readonly role: "tool"; readonly callId: string; readonly text: string };

/** Plain JSON, so that it can be recorded. */
export interface ModelRequest {
  readonly messages: readonly ModelMessage[];
  /** The answer must be JSON of this schema, strictly. */
  readonly answer?: { readonly name: string; readonly schema: JsonObject };
  /** One of these must be called. */
  readonly tools?: readonly OfferedTool[];
  readonly maxOutputTokens: number;
}

export interface ModelUsage {
  readonly inputTokens: number;
  readonly outputTokens: number;
}

/** What a model answered, as it came: plain JSON, not judged yet. */
export interface ModelReply {
  readonly text: string | null;
  readonly refusal: string | null;
  readonly toolCalls: readonly ToolCall[];
  /** In the provider's words: `stop`, `length`, `tool_calls`, `content_filter`. */
  readonly finishReason: string | null;
  /** By the provider's count. */
  readonly usage: ModelUsage | null;
  /** Which model answered, in the provider's words. */
  readonly model: string | null;
  /** By which the provider finds the call again. */
  readonly requestId: string | null;
}

export interface AskOptions {
  readonly signal: AbortSignal;
  /** Called with each piece of the answer's text, when it comes in pieces. */
  readonly onText?: ((text: string) => void) | undefined;
}

/** Who answers: a model behind a provider, or a script. */
export interface ChatModel {
  /** Whose rate limits and prices hold. */
  readonly provider: string;
  /** By which its price is found. */
  readonly model: string;
  available(): boolean;
  /**
   * Asks once and tries nothing again. Resolves with what came back as a whole, refusals and prose included; rejects with a
   * `ModelFailure` for everything else, and with anything at all once the signal is aborted.
   */
  ask(request: ModelRequest, options: AskOptions): Promise<ModelReply>;
}
