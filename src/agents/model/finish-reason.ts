/** What a finish reason says of an answer. */
type Ending = "whole" | "call" | "cut off" | "held back" | "declined" | "failed";

/**
 * Reads the words of providers, their own ones too when a gateway passes them on (`end_turn`, `MAX_TOKENS`, `content_filter: SAFETY`);
 * undefined for what nobody knows.
 */
export function endingOf(reason: string): Ending | undefined {
  const [word = ""] = reason.toLowerCase().split(":");
  return ENDINGS.get(word.trim());
}

const WORDS: Readonly<Record<Ending, readonly string[]>> = {
  whole: ["stop", "end_turn", "stop_sequence", "eos", "eos_token", "complete"],
  /** `function_call` is what `tool_calls` was called before. */
  call: ["tool_calls", "function_call", "tool_use"],
  "cut off": ["length", "max_tokens", "max_output_tokens", "model_length", "model_context_window_exceeded"],
  "held back": [
    "content_filter",
    "content_filtered",
    "guardrail_intervened",
    "sensitive",
    "error_toxic",
    "safety",
    "recitation",
    "blocklist",
    "prohibited_content",
    "spii",
  ],
  declined: ["refusal"],
  failed: ["error", "network_error", "insufficient_system_resource", "malformed_function_call", "function_call_filter", "abort", "aborted"],
};

const ENDINGS: ReadonlyMap<string, Ending> = new Map(
  (Object.keys(WORDS) as Ending[]).flatMap((ending) => WORDS[ending].map((word) => [word, ending] as const)),
);

/** Whether the answer is all there, as far as the reason tells. */
export function endsWhole(reason: string): boolean {
  return ["whole", "call"].includes(endingOf(reason) ?? "");
}
