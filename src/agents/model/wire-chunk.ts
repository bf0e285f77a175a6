import { z } from "zod";

const Call = z.object({
  name: z.string().nullish(),
  /** Some servers write the arguments as an object instead of its text. */
  arguments: z.union([z.string(), z.record(z.string(), z.unknown())]).nullish(),
});

/** Some servers number their calls. */
const CallId = z.union([z.string(), z.number().transform(String)]);

const CallFragment = z.object({ index: z.int().nullish(), id: CallId.nullish(), function: Call.nullish() });

const Message = z.object({
  content: z
    .union([z.string(), z.array(z.object({ type: z.string(), text: z.string().nullish(), refusal: z.string().nullish() }))])
    .nullish(),
  refusal: z.string().nullish(),
  /** Some servers send a single call in place of a list. */
  tool_calls: z.union([z.array(CallFragment), CallFragment.transform((call) => [call])]).nullish(),
  function_call: Call.nullish(),
});

const Count = z.int().nonnegative();

/** What a model thought may be counted in the total alone. A count of nothing at all is none. */
const Usage = z
  .object({ prompt_tokens: Count, completion_tokens: Count.nullish(), total_tokens: Count.nullish().catch(null) })
  .refine(({ completion_tokens, total_tokens }) => (completion_tokens ?? total_tokens ?? null) !== null)
  .transform(({ prompt_tokens, completion_tokens, total_tokens }) => ({
    inputTokens: prompt_tokens,
    outputTokens: Math.max(completion_tokens ?? 0, (total_tokens ?? 0) - prompt_tokens),
  }))
  .refine(({ inputTokens, outputTokens }) => inputTokens + outputTokens > 0)
  .nullish()
  .catch(null);

const Choice = z.object({
  index: z.int().nullish(),
  delta: Message.nullish(),
  message: Message.nullish(),
  finish_reason: z.string().nullish(),
  /** What the model behind a gateway said, before it was put into OpenAI's words. */
  native_finish_reason: z.string().nullish().catch(null),
  usage: Usage,
});

/** What is read of a chat completion, whole (its choices have a `message`) or a piece of a stream (a `delta`). */
export const WireChunk = z.object({
  id: z.string().nullish().catch(null),
  model: z.string().nullish().catch(null),
  choices: z.array(Choice).nullish(),
  usage: Usage,
  x_groq: z.object({ usage: Usage }).nullish().catch(null),
});

export type WireChunk = z.infer<typeof WireChunk>;
export type WireChoice = z.infer<typeof Choice>;
export type WireMessage = z.infer<typeof Message>;
export type WireCallFragment = z.infer<typeof CallFragment>;
