import { z } from "zod";

const Call = z.object({
  name: z.string().nullish(),
  /** Some servers write the arguments as an object instead of its text. */
  arguments: z.union([z.string(), z.record(z.string(), z.unknown())]).nullish(),
});

const CallFragment = z.object({ index: z.int().nullish(), id: z.string().nullish(), function: Call.nullish() });

const Message = z.object({
  content: z
    .union([z.string(), z.array(z.object({ type: z.string(), text: z.string().nullish(), refusal: z.string().nullish() }))])
    .nullish(),
  refusal: z.string().nullish(),
  tool_calls: z.array(CallFragment).nullish(),
  function_call: Call.nullish(),
});

const Choice = z.object({
  index: z.int().nullish(),
  delta: Message.nullish(),
  message: Message.nullish(),
  finish_reason: z.string().nullish(),
});

const Usage = z.object({ prompt_tokens: z.int().nonnegative(), completion_tokens: z.int().nonnegative() });

/** What is read of a chat completion, whole (its choices have a `message`) or a piece of a stream (a `delta`). */
export const WireChunk = z.object({
  id: z.string().nullish().catch(null),
  model: z.string().nullish().catch(null),
  choices: z.array(Choice).nullish(),
  usage: Usage.nullish().catch(null),
});

/** The finish reasons of an answer that is all there; `function_call` is what `tool_calls` was called before. */
export const WHOLE_FINISHES: ReadonlySet<string> = new Set(["stop", "tool_calls", "function_call"]);

export type WireChunk = z.infer<typeof WireChunk>;
export type WireMessage = z.infer<typeof Message>;
export type WireCallFragment = z.infer<typeof CallFragment>;
