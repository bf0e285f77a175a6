import { expect, test } from "vitest";
import { judgeReply, type ModelReply, type ModelRequest } from "walkback";

const ASKED = { provider: "openai", model: "gpt-4.1" };
const TEXT: ModelRequest = { messages: [{ role: "user", text: "Well?" }], maxOutputTokens: 100 };
const JSON_ONLY: ModelRequest = { ...TEXT, answer: { name: "answer", schema: { type: "object" } } };
const TOOLS: ModelRequest = { ...TEXT, tools: [{ name: "finish", description: "", parameters: {} }] };
const CALL = { id: "c", name: "finish", arguments: "{" };

const reply = (rest: Partial<ModelReply>): ModelReply => ({
  text: null,
  refusal: null,
  toolCalls: [],
  finishReason: "stop",
  usage: { inputTokens: 10, outputTokens: 3 },
  model: "gpt-4.1",
  requestId: null,
  ...rest,
});

test.each<[string, ModelRequest, Partial<ModelReply>]>([
  ["text", TEXT, { text: "Yes." }],
  ["JSON of any kind", JSON_ONLY, { text: ' {"a":1}\n' }],
  ["a call", TOOLS, { toolCalls: [CALL], finishReason: "tool_calls" }],
  ["a call that ended with stop, with words beside it", TOOLS, { text: "I look.", toolCalls: [CALL] }],
  ...["STOP", "eos", "eos_token", "end_turn", "stop_sequence", "COMPLETE"].map(
    (finishReason): [string, ModelRequest, Partial<ModelReply>] => [
      `a text that ended with ${finishReason}`,
      TEXT,
      { text: "Yes.", finishReason },
    ],
  ),
  ["a call in the words of another protocol", TOOLS, { toolCalls: [CALL], finishReason: "tool_use" }],
])("can be used: %s", (_, request, rest) => {
  expect(judgeReply(request, reply(rest), ASKED)).toBeUndefined();
});

test.each<[string, ModelRequest, Partial<ModelReply>, string]>([
  ["a refusal, whatever else there is", TEXT, { text: "Yes.", refusal: "No." }, "MODEL_REFUSED"],
  ["a truncated text", TEXT, { text: "Yes.", finishReason: "length" }, "MODEL_TRUNCATED"],
  ["truncated JSON that happens to be JSON", JSON_ONLY, { text: '{"a":1}', finishReason: "length" }, "MODEL_TRUNCATED"],
  ["a truncated call", TOOLS, { toolCalls: [CALL], finishReason: "length" }, "MODEL_TRUNCATED"],
  ["what was held back", TEXT, { text: "Ye", finishReason: "content_filter" }, "MODEL_FILTERED"],
  ...["max_tokens", "MAX_TOKENS", "model_length", "model_context_window_exceeded"].map(
    (finishReason): [string, ModelRequest, Partial<ModelReply>, string] => [
      finishReason,
      TEXT,
      { text: "Yes.", finishReason },
      "MODEL_TRUNCATED",
    ],
  ),
  ...["SAFETY", "content_filter: RECITATION", "sensitive"].map((finishReason): [string, ModelRequest, Partial<ModelReply>, string] => [
    finishReason,
    TEXT,
    { text: "Yes.", finishReason },
    "MODEL_FILTERED",
  ]),
  ["a finish that is a refusal", TEXT, { text: "I would", finishReason: "refusal" }, "MODEL_REFUSED"],
  ...["error", "network_error", "insufficient_system_resource", "function_call_filter: MALFORMED_FUNCTION_CALL"].map(
    (finishReason): [string, ModelRequest, Partial<ModelReply>, string] => [
      finishReason,
      TEXT,
      { text: "Yes.", finishReason },
      "MODEL_STREAM_FAILED",
    ],
  ),
  ["no finish reason", TEXT, { text: "Yes.", finishReason: null }, "MODEL_MALFORMED"],
  ["an unknown finish reason", TOOLS, { toolCalls: [CALL], finishReason: "tired" }, "MODEL_MALFORMED"],
  ["a call that is missing", TOOLS, { text: "Yes.", finishReason: "tool_calls" }, "MODEL_MALFORMED"],
  ["a call that was not offered", JSON_ONLY, { toolCalls: [CALL], finishReason: "tool_calls" }, "MODEL_MALFORMED"],
  ["nothing", TEXT, { text: null }, "MODEL_EMPTY"],
  ["white space", JSON_ONLY, { text: " \n" }, "MODEL_EMPTY"],
  ["prose", JSON_ONLY, { text: 'Here it is: {"a":1}' }, "MODEL_PROSE"],
  ["JSON in place of a call", TOOLS, { text: '{"a":1}' }, "MODEL_PROSE"],
])("cannot be used: %s", (_, request, rest, code) => {
  expect(judgeReply(request, reply(rest), ASKED)).toMatchObject({ code, details: ASKED, usage: { inputTokens: 10, outputTokens: 3 } });
});

test("says that nobody knows what it took when the provider did not", () => {
  const failure = judgeReply(TEXT, reply({ usage: null }), ASKED);

  expect([failure?.usage, failure?.usageUnknown]).toEqual([undefined, true]);
});

test("names who was asked and nothing else of it, and shows words in one short line", () => {
  const failure = judgeReply(TOOLS, reply({ text: `Oh\n\u001b[31m${"no ".repeat(500)}` }), { ...ASKED, ask: "x" } as typeof ASKED);

  expect(failure?.details).toEqual({ ...ASKED, beginning: expect.stringMatching(/^Oh \[31mno no .*…$/) });
  expect(failure?.message.length).toBeLessThan(400);
});
