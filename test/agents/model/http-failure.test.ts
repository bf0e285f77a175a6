import { describe, expect, test } from "vitest";
import { rawServer } from "../../support/raw-server.js";
import { ask } from "./asking.js";

/** What becomes of a question that is answered with an error. */
async function refused(status: number, body: unknown, headers: Readonly<Record<string, string>> = {}) {
  await using server = await rawServer({ status, headers, pieces: [Buffer.from(typeof body === "string" ? body : JSON.stringify(body))] });
  const { failure } = await ask(server.url);
  return { ...failure?.toJSON(), retryable: failure?.retryable, usageUnknown: failure?.usageUnknown };
}

const error = (rest: object) => ({ error: { message: "It did not work.", ...rest } });
const says = (message: string) => error({ message });

describe("an error in place of an answer", () => {
  test.each<[string, number, unknown, string]>([
    ["a wrong key", 401, error({ code: "invalid_api_key" }), "MODEL_AUTHENTICATION"],
    ["a model that is not for this key", 403, error({ code: "model_not_available" }), "MODEL_AUTHENTICATION"],
    ["an unknown model", 404, error({ code: "model_not_found" }), "MODEL_BAD_REQUEST"],
    ["an unknown option", 400, error({ code: "unsupported_parameter" }), "MODEL_BAD_REQUEST"],
    ["what cannot be processed", 422, { detail: [{ loc: ["body", "messages"], msg: "field required" }] }, "MODEL_BAD_REQUEST"],
    ["another method", 405, "", "MODEL_BAD_REQUEST"],
    ["too many requests", 429, error({ code: "rate_limit_exceeded" }), "MODEL_RATE_LIMITED"],
    ["too many requests, and nothing more", 429, "", "MODEL_RATE_LIMITED"],
    ["nothing left to pay with", 429, error({ type: "insufficient_quota", code: "insufficient_quota" }), "MODEL_QUOTA"],
    ["a limit of spending", 400, error({ code: "billing_hard_limit_reached" }), "MODEL_QUOTA"],
    ["payment required", 402, says("Insufficient Balance"), "MODEL_QUOTA"],
    ["no credit with an intermediary", 403, says("Insufficient credits. Add more."), "MODEL_QUOTA"],
    ["a request that took too long", 408, "", "MODEL_UNAVAILABLE"],
    ["a lock", 409, "", "MODEL_UNAVAILABLE"],
    ["an error of the server", 500, error({ type: "server_error" }), "MODEL_UNAVAILABLE"],
    ["a gateway", 502, "<html><h1>502 Bad Gateway</h1></html>", "MODEL_UNAVAILABLE"],
    ["an overload", 503, error({ code: "overloaded" }), "MODEL_UNAVAILABLE"],
    ["a gateway that waited too long", 504, "", "MODEL_UNAVAILABLE"],
    [
      "an overload by its own number",
      529,
      { type: "error", error: { type: "overloaded_error", message: "Overloaded" } },
      "MODEL_UNAVAILABLE",
    ],
    ["a filter before the model", 400, error({ code: "content_filter" }), "MODEL_FILTERED"],
    ["a question that is too long, by its code", 400, error({ code: "context_length_exceeded" }), "MODEL_CONTEXT_LENGTH"],
    ["a text that is too long", 400, error({ code: "string_above_max_length" }), "MODEL_CONTEXT_LENGTH"],
    ["a body that is too large", 413, "<html>413</html>", "MODEL_CONTEXT_LENGTH"],
    [
      "more than the account may send in a minute",
      429,
      says("Request too large for gpt-4o on tokens per min (TPM): Limit 30000, Requested 42100."),
      "MODEL_CONTEXT_LENGTH",
    ],
  ])("%s", async (_, status, body, code) => {
    const failure = await refused(status, body);

    expect(failure).toMatchObject({ code, details: { provider: "openai", model: "gpt-4.1-mini" }, usageUnknown: false });
    expect(failure.retryable).toBe(["MODEL_RATE_LIMITED", "MODEL_UNAVAILABLE"].includes(code));
  });

  test.each([
    ["OpenAI", "This model's maximum context length is 128000 tokens. However, your messages resulted in 130122 tokens."],
    ["OpenAI, of late", "Input tokens exceed the configured limit of 272000 tokens. Your messages resulted in 290037 tokens."],
    ["Ollama", "prompt too long; exceeded max context length by 1119046 tokens"],
    ["llama.cpp", "the request exceeds the available context size. try increasing the context size or enable context shift"],
    ["vLLM", "The prompt (total length 9000) is too long; it exceeds max_model_len of 4096."],
    ["Mistral", "Prompt contains 40000 tokens and 0 draft tokens, too large for model with 32768 maximum context length"],
    ["Anthropic", "prompt is too long: 210000 tokens > 200000 maximum"],
    ["Gemini", "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576)."],
    ["Together", "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 8193. Please reduce the length of the messages."],
    ["xAI", "This model's maximum prompt length is 131072 but the request contains 140000 tokens."],
  ])("knows a question that is too long by the words of %s", async (_, message) => {
    expect(await refused(400, says(message))).toMatchObject({
      code: "MODEL_CONTEXT_LENGTH",
      message: expect.stringContaining(message.slice(0, 20)),
    });
  });

  test.each([
    "max_tokens is too large: 100000. This model supports at most 16384 completion tokens.",
    "Invalid schema for response_format 'answer': In context=(), 'required' is required to be supplied.",
    "Missing required parameter: 'messages[1].tool_call_id'.",
  ])("does not take other errors for that: %s", async (message) => {
    expect(await refused(400, says(message))).toMatchObject({ code: "MODEL_BAD_REQUEST" });
  });

  test.each([
    ["tool_use_failed", "I think that you should rather ask a lawyer."],
    ["json_validate_failed", '{"city": Paris}'],
  ])("is the model's prose when that is what it complains of, and was paid for: %s", async (code, failed_generation) => {
    expect(await refused(400, error({ code, failed_generation }))).toMatchObject({
      code: "MODEL_PROSE",
      details: { beginning: failed_generation },
      usageUnknown: true,
    });
  });

  test.each([
    [{ error: { message: "Said so." } }],
    [{ error: "Said so." }],
    [{ message: "Said so." }],
    [{ detail: "Said so." }],
    [[{ error: { message: "Said so.", code: 429, status: "RESOURCE_EXHAUSTED" } }]],
    [{ error: { message: { text: "Said so." } } }],
    ["Said so."],
    [{ error: { message: `Said\u001b[31m so.\u202e\n\n${" x".repeat(500)}` } }],
  ])("says what the provider said, in one line and not at length: %j", async (body) => {
    const { message } = await refused(400, body);

    expect(message).toMatch(/Said(.{1,6})?so\./);
    expect(message).not.toMatch(/[\p{Cc}\p{Cf}]/u);
    expect(message?.length).toBeLessThan(400);
  });

  test("does not repeat a web page, nor wait for the end of an endless one", async () => {
    await using server = await rawServer({ status: 503, pieces: [Buffer.from(`<html>${"x".repeat(200_000)}`)], ending: "silence" });

    const { failure } = await ask(server.url);

    expect(failure?.message).toBe("openai cannot answer for now (503).");
  });

  test("keeps its class when its body breaks off", async () => {
    await using server = await rawServer({ status: 401, pieces: [Buffer.from('{"error":{"mess')], ending: "reset" });

    expect((await ask(server.url)).failure?.code).toBe("MODEL_AUTHENTICATION");
  });
});

describe("how long to wait", () => {
  test.each([
    ["seconds", { "retry-after": "7" }, 7_000],
    ["milliseconds, the exact ones of two", { "retry-after": "2", "retry-after-ms": "1250" }, 1_250],
    ["at most half a minute", { "retry-after": "1000000000" }, 30_000],
    ["nothing when it makes no sense", { "retry-after": "soon" }, undefined],
    ["nothing when it is not told", {}, undefined],
  ])("is %s", async (_, headers, retryAfterMs) => {
    for (const status of [429, 503]) expect((await refused(status, "", headers)).details?.["retryAfterMs"]).toBe(retryAfterMs);
  });

  test("is the time until a date", async () => {
    const { details } = await refused(429, "", { "retry-after": new Date(Date.now() + 20_000).toUTCString() });

    expect(details?.["retryAfterMs"]).toBeGreaterThan(1_000);
    expect(details?.["retryAfterMs"]).toBeLessThanOrEqual(20_000);
  });
});
