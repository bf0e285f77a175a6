import type { FailureCode, ModelUsage, ToolCall } from "walkback";

/** What servers answer with status 200, with their fields as they send them, and what it is. */
export interface ForeignAnswer {
  readonly server: string;
  readonly body: string;
  /** What was asked for (default: text). */
  readonly asked?: "json" | "tools";
  readonly is: { readonly text: string } | { readonly calls: readonly Omit<ToolCall, "id">[] } | FailureCode;
  /** `null` where nothing that can be counted is reported; not looked at when left out. */
  readonly usage?: ModelUsage | null;
}

type Body = Readonly<Record<string, unknown>>;

export const sse = (...events: readonly (Body | string)[]) =>
  events.map((event) => (typeof event === "string" ? event : `data: ${JSON.stringify(event)}\n\n`)).join("");
export const DONE = "data: [DONE]\n\n";
const stream = (...events: readonly (Body | string)[]) => sse(...events, DONE);
const chunk = (choice: Body, rest: Body = {}) => ({
  id: "chatcmpl-9",
  object: "chat.completion.chunk",
  created: 1763752000,
  model: "m",
  choices: [{ index: 0, ...choice }],
  ...rest,
});
const says = (content: unknown, rest: Body = {}) => chunk({ delta: { content }, finish_reason: null }, rest);
const ends = (finish_reason: string, rest: Body = {}) => chunk({ delta: {}, finish_reason }, rest);
const whole = (choice: Body, rest: Body = {}) =>
  JSON.stringify({
    id: "chatcmpl-9",
    object: "chat.completion",
    created: 1763752000,
    model: "m",
    choices: [{ index: 0, ...choice }],
    ...rest,
  });
const paris = { role: "assistant", content: "Paris" };
const counted = (prompt_tokens: number, completion_tokens: number, rest: Body = {}) => ({
  usage: { prompt_tokens, completion_tokens, total_tokens: prompt_tokens + completion_tokens, ...rest },
});
const call = (rest: Body, name: string | null, written: unknown) => ({ type: "function", ...rest, function: { name, arguments: written } });
const weather = (city: string) => ({ name: "look-up", arguments: JSON.stringify({ city }) });
const PARIS = { text: "Paris" };
const FEW = { inputTokens: 9, outputTokens: 2 };
const filter = { hate: { filtered: false, severity: "safe" }, jailbreak: { detected: false, filtered: false } };

export const WHOLE: readonly ForeignAnswer[] = [
  {
    server: "OpenAI, logprobs, annotations, service tier",
    body: whole(
      {
        message: { ...paris, refusal: null, annotations: [], audio: null },
        logprobs: { content: [{ token: "Paris", logprob: -0.1 }], refusal: null },
        finish_reason: "stop",
      },
      {
        ...counted(9, 2, { completion_tokens_details: { reasoning_tokens: 0, audio_tokens: 0 } }),
        service_tier: "default",
        system_fingerprint: null,
      },
    ),
    is: PARIS,
    usage: FEW,
  },
  {
    server: "OpenAI, a stream with obfuscation and usage at its end",
    body: stream(
      chunk(
        { delta: { role: "assistant", content: "", refusal: null }, logprobs: null, finish_reason: null },
        { usage: null, obfuscation: "x1" },
      ),
      says("Paris", { usage: null, obfuscation: "x" }),
      ends("stop", { usage: null }),
      { ...chunk({}), choices: [], ...counted(9, 2) },
    ),
    is: PARIS,
    usage: FEW,
  },
  {
    server: "OpenAI, several choices",
    body: JSON.stringify({
      choices: [0, 1].map((index) => ({ index, message: { role: "assistant", content: index ? "Lyon" : "Paris" }, finish_reason: "stop" })),
    }),
    is: PARIS,
  },
  {
    server: "OpenAI, a function of old in a stream",
    asked: "tools",
    body: stream(
      chunk({ delta: { role: "assistant", content: null, function_call: { name: "look-up", arguments: "" } }, finish_reason: null }),
      chunk({ delta: { function_call: { arguments: '{"city":"Paris"}' } }, finish_reason: null }),
      ends("function_call"),
    ),
    is: { calls: [weather("Paris")] },
  },
  {
    server: "Azure, filter results before and after",
    body: stream(
      {
        choices: [],
        created: 0,
        id: "",
        model: "",
        object: "",
        prompt_filter_results: [{ prompt_index: 0, content_filter_results: filter }],
      },
      chunk({ delta: { content: "Paris" }, content_filter_results: filter, finish_reason: null }),
      chunk({ delta: {}, content_filter_results: {}, finish_reason: "stop" }),
      chunk({
        content_filter_offsets: { check_offset: 1, start_offset: 1, end_offset: 9 },
        content_filter_results: { error: { code: "content_filter_error", message: "The contents are not filtered" } },
        finish_reason: null,
      }),
      { choices: [], ...counted(9, 2) },
    ),
    is: PARIS,
    usage: FEW,
  },
  {
    server: "vLLM, with what it thought",
    body: whole(
      { message: { ...paris, reasoning_content: "Hm.", tool_calls: [] }, logprobs: null, finish_reason: "stop", stop_reason: null },
      { ...counted(9, 2), prompt_logprobs: null, kv_transfer_params: null },
    ),
    is: PARIS,
    usage: FEW,
  },
  {
    server: "SGLang",
    body: whole(
      { message: { ...paris, reasoning_content: null, tool_calls: null }, finish_reason: "stop", matched_stop: 151645 },
      counted(9, 2),
    ),
    is: PARIS,
  },
  {
    server: "llama.cpp",
    body: stream(
      says(null),
      says("Paris"),
      { ...ends("stop"), timings: { prompt_n: 9, predicted_ms: 1.5 } },
      { choices: [], ...counted(9, 2) },
    ),
    is: PARIS,
    usage: FEW,
  },
  {
    server: "Ollama, a call that ends with stop",
    asked: "tools",
    body: stream(
      chunk({
        delta: { role: "assistant", content: "", tool_calls: [call({ index: 0, id: "call_5" }, "look-up", '{"city":"Paris"}')] },
        finish_reason: null,
      }),
      chunk({ delta: { role: "assistant", content: "" }, finish_reason: "stop" }),
    ),
    is: { calls: [weather("Paris")] },
  },
  {
    server: "LM Studio",
    body: whole({ logprobs: null, finish_reason: "stop", message: paris }, { ...counted(9, 2), stats: {}, system_fingerprint: "m" }),
    is: PARIS,
  },
  {
    server: "Groq, usage of its own",
    body: stream(
      says("", { x_groq: { id: "req_1" } }),
      says("Paris"),
      ends("stop", { x_groq: { id: "req_1", usage: { queue_time: 0.1, ...counted(9, 2).usage } } }),
    ),
    is: PARIS,
    usage: FEW,
  },
  {
    server: "Mistral, what it thought in parts",
    body: whole(
      {
        message: {
          role: "assistant",
          tool_calls: null,
          content: [
            { type: "thinking", thinking: [{ type: "text", text: "Hm." }] },
            { type: "text", text: "Paris" },
          ],
        },
        finish_reason: "stop",
      },
      counted(9, 2),
    ),
    is: PARIS,
  },
  {
    server: "DeepSeek, what it thought, and comments",
    body: `: keep-alive\n\n${stream(chunk({ delta: { role: "assistant", content: null, reasoning_content: "Hm." }, finish_reason: null }), chunk({ delta: { content: "Paris", reasoning_content: null }, finish_reason: null }), chunk({ delta: { content: "", reasoning_content: null }, finish_reason: "stop" }, counted(9, 2, { prompt_cache_hit_tokens: 0, prompt_cache_miss_tokens: 9 })))}`,
    is: PARIS,
    usage: FEW,
  },
  {
    server: "OpenRouter, comments and its own reason",
    body: `: OPENROUTER PROCESSING\n\n: OPENROUTER PROCESSING\n\n${stream({ provider: "Azure", ...says("Paris") }, chunk({ delta: { role: "assistant", content: "" }, finish_reason: "stop", native_finish_reason: "completed", logprobs: null }), chunk({ delta: { role: "assistant", content: "" }, finish_reason: null, native_finish_reason: null }, counted(9, 2, { cost: 0.1, is_byok: false })))}`,
    is: PARIS,
    usage: FEW,
  },
  {
    server: "Together, its end of sequence",
    body: whole(
      { finish_reason: "eos", logprobs: null, seed: 7, text: "", message: { ...paris, tool_calls: [] } },
      { prompt: [], ...counted(9, 2) },
    ),
    is: PARIS,
  },
  {
    server: "TGI, its end of sequence",
    body: stream(says("Paris"), chunk({ delta: { role: "assistant", content: "" }, logprobs: null, finish_reason: "eos_token" })),
    is: PARIS,
  },
  {
    server: "TGI, a call that is no list, with a number",
    asked: "tools",
    body: whole(
      {
        message: { role: "assistant", tool_calls: [call({ id: 0 }, "look-up", { city: "Paris" })] },
        logprobs: null,
        finish_reason: "eos_token",
      },
      counted(9, 2),
    ),
    is: { calls: [weather("Paris")] },
  },
  {
    server: "TGI, a call in a stream that is no list",
    asked: "tools",
    body: stream(
      chunk({ delta: { role: "assistant", tool_calls: call({ index: 0, id: "" }, "look-up", '{"city":') } }),
      chunk({ delta: { role: "assistant", tool_calls: call({ index: 0, id: "" }, null, '"Paris"}') } }),
      chunk({ delta: {}, finish_reason: "stop" }),
    ),
    is: { calls: [weather("Paris")] },
  },
  {
    server: "Fireworks and Cerebras",
    body: stream(
      chunk({ delta: { role: "assistant" } }),
      says("Paris"),
      ends("stop", { ...counted(9, 2), time_info: { queue_time: 0.1 } }),
    ),
    is: PARIS,
    usage: FEW,
  },
  {
    server: "Gemini, calls side by side without ids, all with one index",
    asked: "tools",
    body: stream(
      ...["Paris", "Lyon"].map((city) =>
        chunk({ delta: { role: "assistant", tool_calls: [call({ index: 0, id: "" }, "look-up", JSON.stringify({ city }))] } }),
      ),
      ends("stop"),
    ),
    is: { calls: [weather("Paris"), weather("Lyon")] },
  },
  {
    server: "LMDeploy, calls one after the other with one index",
    asked: "tools",
    body: stream(
      ...["Paris", "Lyon"].flatMap((city) => [
        chunk({ delta: { tool_calls: [call({ index: 0, id: `call-${city}` }, "look-up", "")] } }),
        chunk({ delta: { tool_calls: [call({ index: 0, id: "" }, null, JSON.stringify({ city }))] } }),
      ]),
      ends("tool_calls"),
    ),
    is: { calls: [weather("Paris"), weather("Lyon")] },
  },
  { server: "Gemini, a reason in its own words", body: whole({ message: paris, finish_reason: "STOP" }, counted(9, 2)), is: PARIS },
  {
    server: "Gemini, what it thought is counted in the total alone",
    body: whole({ message: paris, finish_reason: "stop" }, { usage: { prompt_tokens: 9, completion_tokens: 2, total_tokens: 111 } }),
    is: PARIS,
    usage: { inputTokens: 9, outputTokens: 102 },
  },
  {
    server: "Gemini, no count of the answer",
    body: whole({ message: paris, finish_reason: "stop" }, { usage: { prompt_tokens: 9, total_tokens: 111 } }),
    is: PARIS,
    usage: { inputTokens: 9, outputTokens: 102 },
  },
  {
    server: "xAI, what it thought beside the answer",
    body: whole(
      { message: { ...paris, refusal: null }, finish_reason: "stop" },
      {
        usage: {
          prompt_tokens: 10120,
          completion_tokens: 1499,
          total_tokens: 14428,
          completion_tokens_details: { reasoning_tokens: 2809 },
        },
        citations: null,
      },
    ),
    is: PARIS,
    usage: { inputTokens: 10120, outputTokens: 4308 },
  },
  { server: "Anthropic's own reason", body: stream(says("Paris"), ends("end_turn")), is: PARIS },
  {
    server: "Anthropic's own reason for a call",
    asked: "tools",
    body: whole({
      message: { role: "assistant", content: "I look.", tool_calls: [call({ id: "toolu_1" }, "look-up", '{"city":"Paris"}')] },
      finish_reason: "tool_use",
    }),
    is: { calls: [weather("Paris")] },
  },
  {
    server: "Perplexity, an empty delta beside the message",
    body: whole(
      { finish_reason: "stop", message: paris, delta: { role: "assistant", content: "" } },
      { ...counted(9, 2, { search_context_size: "low" }), citations: ["https://example.org"], search_results: [] },
    ),
    is: PARIS,
    usage: FEW,
  },
  {
    server: "Perplexity, the whole message beside each delta",
    body: stream(
      ...["Pa", "ris"].map((content, at) =>
        chunk(
          {
            delta: { role: "assistant", content },
            message: { role: "assistant", content: "Paris".slice(0, at ? 5 : 2) },
            finish_reason: at ? "stop" : null,
          },
          counted(9, at + 1),
        ),
      ),
    ).replaceAll("\n", "\r\n"),
    is: PARIS,
    usage: FEW,
  },
  {
    server: "the whole message once more at the end of a stream",
    body: stream(says("Par"), says("is"), chunk({ message: paris, finish_reason: "stop" })),
    is: PARIS,
  },
  {
    server: "Cloudflare",
    body: whole(
      { message: { ...paris, reasoning_content: null, tool_calls: [] }, logprobs: null, finish_reason: "stop", stop_reason: null },
      { ...counted(9, 2), prompt_logprobs: null },
    ),
    is: PARIS,
  },
  {
    server: "LiteLLM",
    body: stream(says("Paris", { citations: null }), ends("stop"), chunk({ delta: {} }, counted(9, 2))),
    is: PARIS,
    usage: FEW,
  },
  {
    server: "Moonshot, usage in the choice",
    body: stream(says("Paris"), chunk({ delta: {}, finish_reason: "stop", usage: counted(9, 2).usage })),
    is: PARIS,
    usage: FEW,
  },
  {
    server: "DashScope, a reason that is the word null",
    body: stream(chunk({ delta: { content: "Paris" }, finish_reason: "null" }), ends("stop")),
    is: PARIS,
  },
  {
    server: "GLM, empty heartbeats and a negative index",
    asked: "tools",
    body: `data:\n\n${stream(chunk({ delta: { tool_calls: [call({ index: -1, id: "call_4" }, "look-up", '{"city":"Paris"}')] }, finish_reason: "tool_calls" }), "data: \n\n", ends("tool_calls", counted(9, 2)))}`,
    is: { calls: [weather("Paris")] },
    usage: FEW,
  },
  {
    server: "MiniMax",
    body: whole(
      { finish_reason: "stop", message: { ...paris, name: "MM", audio_content: "" } },
      { ...counted(9, 2), input_sensitive: false, output_sensitive: false, base_resp: { status_code: 0, status_msg: "" } },
    ),
    is: PARIS,
  },
  { server: "Cohere", body: whole({ finish_reason: "COMPLETE", message: paris, logprobs: null }, counted(9, 2)), is: PARIS },
  { server: "pings", body: `event: ping\ndata: {"type":"ping"}\n\n${stream(says("Paris"), ends("stop"))}`, is: PARIS },
  {
    server: "a count before the answer, and one that is not complete after it",
    body: stream(
      { choices: [], ...counted(9, 1) },
      says("Paris"),
      ends("stop", { usage: { prompt_tokens: 9, completion_tokens: 2, total_tokens: 11 } }),
      { choices: [], usage: { prompt_tokens: 0, completion_tokens: 2, total_tokens: 2 } },
    ),
    is: PARIS,
    usage: FEW,
  },
  { server: "counts of nothing at all", body: whole({ message: paris, finish_reason: "stop" }, counted(0, 0)), is: PARIS, usage: null },
  { server: "more after the end", body: `${stream(says("Paris"), ends("stop"))}data: {"choices":[],"cost":"0"}\n\n`, is: PARIS },
  {
    server: "a call without arguments",
    asked: "tools",
    body: whole({
      message: { role: "assistant", content: null, tool_calls: [call({ id: "c" }, "look-up", "")] },
      finish_reason: "tool_calls",
    }),
    is: { calls: [{ name: "look-up", arguments: "" }] },
  },
  {
    server: "a call of both protocols",
    asked: "tools",
    body: whole({
      message: {
        role: "assistant",
        content: null,
        tool_calls: [call({ id: "c" }, "look-up", '{"city":"Paris"}')],
        function_call: weather("Paris"),
      },
      finish_reason: "tool_calls",
    }),
    is: { calls: [weather("Paris")] },
  },
  {
    server: "the name of the tool in place of ids",
    asked: "tools",
    body: whole({
      message: {
        role: "assistant",
        tool_calls: ["Paris", "Lyon"].map((city) => call({ id: "look-up" }, "look-up", JSON.stringify({ city }))),
      },
      finish_reason: "tool_calls",
    }),
    is: { calls: [weather("Paris"), weather("Lyon")] },
  },
];

export const NONE: readonly ForeignAnswer[] = [
  {
    server: "OpenAI, a refusal in a stream",
    asked: "json",
    body: stream(
      chunk({ delta: { role: "assistant", content: "", refusal: null } }),
      chunk({ delta: { refusal: "I'm sorry, " } }),
      chunk({ delta: { refusal: "no." } }),
      ends("stop"),
    ),
    is: "MODEL_REFUSED",
  },
  {
    server: "OpenAI, all of it thought",
    body: whole({ message: { role: "assistant", content: "", refusal: null }, finish_reason: "length" }, counted(9, 100)),
    is: "MODEL_TRUNCATED",
    usage: { inputTokens: 9, outputTokens: 100 },
  },
  {
    server: "OpenAI, sound alone",
    body: whole({
      message: { role: "assistant", content: null, refusal: null, audio: { id: "audio_1", data: "AAAA", transcript: "Paris" } },
      finish_reason: "stop",
    }),
    is: "MODEL_EMPTY",
  },
  {
    server: "Azure, held back in the middle",
    body: stream(
      says("Par"),
      chunk({ delta: {}, content_filter_results: { hate: { filtered: true, severity: "high" } }, finish_reason: "content_filter" }),
    ),
    is: "MODEL_FILTERED",
  },
  {
    server: "Gemini, nothing left to answer with",
    body: whole({ finish_reason: "length" }, { usage: { prompt_tokens: 9, total_tokens: 109 } }),
    is: "MODEL_TRUNCATED",
    usage: { inputTokens: 9, outputTokens: 100 },
  },
  { server: "Gemini, its own word for length", body: stream(says("Par"), ends("MAX_TOKENS")), is: "MODEL_TRUNCATED" },
  {
    server: "Gemini, its own word for a filter",
    body: whole({ message: { role: "assistant" }, finish_reason: "SAFETY" }),
    is: "MODEL_FILTERED",
  },
  {
    server: "Gemini, a filter and why",
    body: whole({ message: { role: "assistant" }, finish_reason: "content_filter: PROHIBITED_CONTENT" }),
    is: "MODEL_FILTERED",
  },
  {
    server: "Gemini, a call that it could not read",
    asked: "tools",
    body: whole({ message: { role: "assistant" }, finish_reason: "function_call_filter: MALFORMED_FUNCTION_CALL" }),
    is: "MODEL_STREAM_FAILED",
  },
  {
    server: "Gemini, an error in a list",
    body: stream(
      says("Par"),
      `data: ${JSON.stringify([{ error: { code: 503, message: "The model is overloaded.", status: "UNAVAILABLE" } }])}\n\n`,
    ),
    is: "MODEL_UNAVAILABLE",
  },
  { server: "Anthropic, its own word for length", body: whole({ message: paris, finish_reason: "max_tokens" }), is: "MODEL_TRUNCATED" },
  {
    server: "Anthropic, its own word for a refusal",
    body: whole({ message: { role: "assistant", content: "I would" }, finish_reason: "refusal" }),
    is: "MODEL_REFUSED",
  },
  { server: "Mistral, the model's length", body: whole({ message: paris, finish_reason: "model_length" }), is: "MODEL_TRUNCATED" },
  { server: "DeepSeek, no capacity", body: stream(says("Par"), ends("insufficient_system_resource")), is: "MODEL_STREAM_FAILED" },
  {
    server: "GLM, sensitive",
    body: whole({ message: { role: "assistant", content: "" }, finish_reason: "sensitive" }),
    is: "MODEL_FILTERED",
  },
  { server: "GLM, its network", body: whole({ message: paris, finish_reason: "network_error" }), is: "MODEL_STREAM_FAILED" },
  { server: "vLLM, given up", body: whole({ message: paris, finish_reason: "abort" }), is: "MODEL_STREAM_FAILED" },
  {
    server: "OpenRouter, an error beside the choice",
    body: stream(says("Par"), {
      ...chunk({ delta: { content: "" }, finish_reason: "error" }),
      error: { code: 502, message: "Provider disconnected unexpectedly" },
    }),
    is: "MODEL_UNAVAILABLE",
  },
  {
    server: "OpenRouter, an error in the choice",
    body: whole(
      {
        message: paris,
        finish_reason: "stop",
        error: { code: 502, message: "Upstream idle timeout exceeded", metadata: { provider_name: "X" } },
      },
      counted(9, 2),
    ),
    is: "MODEL_UNAVAILABLE",
    usage: FEW,
  },
  {
    server: "OpenRouter, an error in a choice of a stream",
    body: stream(says("Par"), chunk({ delta: {}, finish_reason: "stop", error: { code: 500, message: "Gone" } })),
    is: "MODEL_UNAVAILABLE",
  },
  {
    server: "OpenRouter, an error and no choices",
    body: stream({ id: "gen-1", choices: [], error: { code: 429, message: "Worker local total request limit reached (33/32)" } }),
    is: "MODEL_RATE_LIMITED",
  },
  {
    server: "OpenRouter, cut off by the word of the model",
    body: whole({ message: paris, finish_reason: "stop", native_finish_reason: "MAX_TOKENS" }),
    is: "MODEL_TRUNCATED",
  },
  {
    server: "OpenRouter, half JSON and no usage",
    asked: "json",
    body: JSON.stringify({
      choices: [{ index: 0, message: { role: "assistant", content: '{"events": [{"title": "partial' }, finish_reason: "error" }],
      usage: { prompt_tokens: null, completion_tokens: null, total_tokens: 0 },
    }),
    is: "MODEL_STREAM_FAILED",
    usage: null,
  },
  {
    server: "Groq, an error in its own field",
    body: stream(says("Par"), ends("stop", { x_groq: { id: "req_1", error: "over_capacity" } })),
    is: "MODEL_STREAM_FAILED",
  },
  {
    server: "Groq, an error event",
    body: `${sse(says("Par"))}event: error\ndata: {"error":{"message":"Tool call validation failed","type":"invalid_request_error","code":"tool_use_failed","failed_generation":"no","status_code":400}}\n\n`,
    is: "MODEL_PROSE",
  },
  {
    server: "vLLM, an error in a stream",
    body: stream(says("Par"), {
      error: { object: "error", message: "Internal server error", type: "InternalServerError", param: null, code: 500 },
    }),
    is: "MODEL_UNAVAILABLE",
  },
  {
    server: "LMDeploy, an error that is no field",
    body: stream(says("Paris"), ends("stop"), { object: "error", message: "Engine stopped", type: "server_error", code: 500 }),
    is: "MODEL_UNAVAILABLE",
  },
  {
    server: "TGI, an error in a stream",
    body: sse(says("Par"), { error: "Request failed during generation: Server error: CUDA out of memory", error_type: "generation" }),
    is: "MODEL_STREAM_FAILED",
  },
  { server: "FastAPI, an error with status 200", body: '{"detail":"Not authenticated"}', is: "MODEL_STREAM_FAILED" },
  {
    server: "Anthropic, overloaded",
    body: `${sse(says("Par"))}event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}\n\n`,
    is: "MODEL_STREAM_FAILED",
  },
  {
    server: "MiniMax, nothing left",
    body: '{"id":"05","choices":null,"created":1,"model":"m","base_resp":{"status_code":1008,"status_msg":"insufficient balance"}}',
    is: "MODEL_QUOTA",
  },
  {
    server: "DashScope, held back in the stream",
    body: stream(says("Par"), {
      error: { code: "data_inspection_failed", message: "Output data may contain inappropriate content.", type: "data_inspection_failed" },
    }),
    is: "MODEL_FILTERED",
  },
  {
    server: "Cloudflare, no answer",
    body: '{"result":null,"success":false,"errors":[{"code":3040,"message":"No more data centers to forward the request to"}],"messages":[]}',
    is: "MODEL_STREAM_FAILED",
  },
  {
    server: "Ollama's own protocol",
    body: '{"model":"m","message":{"role":"assistant","content":"Par"},"done":false}\n{"model":"m","message":{"role":"assistant","content":"is"},"done":true}\n',
    is: "MODEL_MALFORMED",
  },
  {
    server: "Ollama's own protocol, whole",
    body: '{"model":"m","message":{"role":"assistant","content":"Paris"},"done":true,"done_reason":"stop"}',
    is: "MODEL_MALFORMED",
  },
  { server: "text-generation-webui, no end", body: sse(says("Paris"), ends("stop")), is: "MODEL_DISCONNECTED" },
  {
    server: "text completions of old",
    body: JSON.stringify({ object: "text_completion", choices: [{ index: 0, text: "Paris", finish_reason: "stop" }] }),
    is: "MODEL_FILTERED",
  },
  {
    server: "a whole message again and again",
    body: stream(...["Pa", "Paris"].map((content) => chunk({ message: { role: "assistant", content } })), ends("stop")),
    is: "MODEL_MALFORMED",
  },
  { server: "a reason that nobody knows", body: whole({ message: paris, finish_reason: "tired" }), is: "MODEL_MALFORMED" },
  { server: "a reason that is the word null", body: whole({ message: paris, finish_reason: "null" }), is: "MODEL_MALFORMED" },
  {
    server: "thoughts before the JSON",
    asked: "json",
    body: whole({ message: { role: "assistant", content: '<think>Hm.</think>{"city":"Paris"}' }, finish_reason: "stop" }),
    is: "MODEL_PROSE",
  },
  {
    server: "half a list",
    asked: "json",
    body: whole({ message: { role: "assistant", content: '[{"city":"Paris"},' }, finish_reason: "stop" }),
    is: "MODEL_PROSE",
  },
  {
    server: "a call written as text",
    asked: "tools",
    body: whole({ message: { role: "assistant", content: '<tool_call>{"name":"look-up"}</tool_call>' }, finish_reason: "stop" }),
    is: "MODEL_PROSE",
  },
  { server: "a bare number", body: "123", is: "MODEL_MALFORMED" },
  { server: "an empty object", body: "{}", is: "MODEL_MALFORMED" },
  { server: "an empty object in a stream", body: stream({}), is: "MODEL_EMPTY" },
  { server: "a list that breaks off", body: '[{"choices":[', is: "MODEL_MALFORMED" },
  {
    server: "half a character in a call",
    asked: "tools",
    body: whole({
      message: { role: "assistant", tool_calls: [call({ id: "c" }, "look-up", '{"city":"\ud83d"}')] },
      finish_reason: "tool_calls",
    }),
    is: "MODEL_MALFORMED",
  },
];
