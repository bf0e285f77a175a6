import { getEventListeners } from "node:events";
import { setImmediate } from "node:timers/promises";
import { afterEach, describe, expect, test, vi } from "vitest";
import { type ModelRequest, openAIModel } from "walkback";
import { LOOPBACK_FAULTS, LOOPBACK_STREAM_FAULTS, type LoopbackFault, loopbackProvider } from "walkback/testing";
import { type RawAnswer, rawServer } from "../../support/raw-server.js";
import { ask, QUESTION } from "./asking.js";

const ANSWER: ModelRequest = {
  ...QUESTION,
  answer: { name: "capital", schema: { type: "object", properties: { city: { type: "string" } } } },
};
const TOOLS: ModelRequest = { ...QUESTION, tools: [{ name: "look-up", description: "Finds a city.", parameters: { type: "object" } }] };

const message = (rest: object) => ({ role: "assistant", content: null, refusal: null, ...rest });
const completion = (choice: object, rest: object = {}) =>
  JSON.stringify({
    id: "chatcmpl-1",
    object: "chat.completion",
    model: "gpt-x",
    choices: [{ index: 0, finish_reason: "stop", ...choice }],
    ...rest,
  });
const PARIS = completion({ message: message({ content: "Paris" }) }, { usage: { prompt_tokens: 7, completion_tokens: 2 } });

const chunk = (choice: object, rest: object = {}) => ({ id: "chatcmpl-1", model: "gpt-x", choices: [{ index: 0, ...choice }], ...rest });
const events = (...documents: (object | string)[]) =>
  documents.map((each) => `data: ${typeof each === "string" ? each : JSON.stringify(each)}\n\n`).join("");
const stream = (...documents: object[]) => events(...documents, "[DONE]");
const said = (content: unknown) => chunk({ delta: { content } });
const ends = (finish_reason: string | null) => chunk({ delta: {}, finish_reason });
const calling = (...tool_calls: object[]) => chunk({ delta: { tool_calls } });

/** What becomes of a question that is answered with these bytes. */
async function answered(answer: RawAnswer | string, request = QUESTION, options: Parameters<typeof ask>[2] = {}) {
  await using server = await rawServer(answer);
  return await ask(server.url, request, options);
}

describe("what is sent", () => {
  const whole = { messages: QUESTION.messages, answer: ANSWER.answer, maxOutputTokens: 77 } as ModelRequest;

  test("is a chat completion with the schema held strictly, and counted", async () => {
    await using server = await rawServer(stream(said('{"city":"Paris"}'), ends("stop")));

    await ask(server.url, whole, { apiKey: "sk-mine-alone", temperature: 0, headers: { "X-Team": "credit" }, modelKwargs: { seed: 7 } });

    expect(server.requests).toHaveLength(1);
    expect(server.requests[0]?.headers).toMatchObject({ authorization: "Bearer sk-mine-alone", "x-team": "credit" });
    expect(server.requests[0]?.body).toMatchObject({
      model: "gpt-4.1-mini",
      messages: [{ role: "user", content: "What is the capital of France?" }],
      max_tokens: 77,
      temperature: 0,
      seed: 7,
      stream: true,
      stream_options: { include_usage: true },
      response_format: { type: "json_schema", json_schema: { name: "capital", strict: true, schema: ANSWER.answer?.schema } },
    });
  });

  test("asks for no stream when told so, and offers tools of which one must be called", async () => {
    await using server = await rawServer(completion({ message: message({ content: "no" }) }));

    await ask(server.url, TOOLS, { stream: false });

    expect(server.requests[0]?.body).toMatchObject({
      tools: [{ type: "function", function: { name: "look-up", description: "Finds a city.", parameters: { type: "object" } } }],
      tool_choice: "required",
    });
    expect(server.requests[0]?.body["stream"]).toBeFalsy();
  });

  test("holds a conversation as it was, with arguments that are no JSON", async () => {
    await using server = await rawServer(
      stream(calling({ index: 0, id: "c3", function: { name: "look-up", arguments: "{}" } }), ends("tool_calls")),
    );
    const call = { id: "c1", name: "look-up", arguments: '{"city": Par' };

    await ask(server.url, {
      ...TOOLS,
      messages: [
        { role: "system", text: "Be brief." },
        ...QUESTION.messages,
        { role: "assistant", text: null, toolCalls: [call] },
        { role: "tool", callId: "c1", text: "These are no arguments." },
        { role: "assistant", text: "Well." },
      ],
    });

    expect(server.requests[0]?.body["messages"]).toEqual([
      { role: "system", content: "Be brief." },
      { role: "user", content: "What is the capital of France?" },
      {
        role: "assistant",
        content: "",
        tool_calls: [{ id: "c1", type: "function", function: { name: "look-up", arguments: '{"city": Par' } }],
      },
      { role: "tool", tool_call_id: "c1", content: "These are no arguments." },
      { role: "assistant", content: "Well." },
    ]);
  });

  test.each(["o3-mini", "gpt-5", "gpt-5.2-pro", "gpt-5-codex"])(
    "names the tokens as a reasoning model wants them, on the same protocol: %s",
    async (model) => {
      await using server = await rawServer(stream(said("Paris"), ends("stop")));

      const { reply } = await ask(server.url, { ...QUESTION, messages: [{ role: "system", text: "Be brief." }] }, { model });

      expect(reply?.text).toBe("Paris");
      expect(server.requests[0]?.body).toMatchObject({ max_completion_tokens: 100, messages: [{ role: "developer" }] });
      expect(server.requests[0]?.body).not.toHaveProperty("max_tokens");
    },
  );

  test.each([true, false])("may ask for an answer with a schema or a tool (stream: %s)", async (streamed) => {
    await using server = await rawServer(
      completion({
        message: message({ content: null, tool_calls: [{ id: "c", function: { name: "look-up", arguments: "{}" } }] }),
        finish_reason: "tool_calls",
      }),
    );

    const { reply } = await ask(server.url, { ...TOOLS, ...ANSWER }, { stream: streamed });

    expect(reply?.toolCalls).toEqual([{ id: "c", name: "look-up", arguments: "{}" }]);
  });

  test("is never sent on to another address", async () => {
    await using elsewhere = await rawServer(PARIS);

    const { failure } = await answered({ status: 307, headers: { location: `${elsewhere.url}/chat/completions` }, pieces: [] });

    expect(failure).toMatchObject({ code: "MODEL_BAD_REQUEST", details: { status: 307 } });
    expect(elsewhere.requests).toEqual([]);
  });
});

describe("what comes back", () => {
  test("is told with who answered, what it took and by which the provider finds it", async () => {
    const answer = { pieces: [Buffer.from(PARIS)], headers: { "x-request-id": "req_7" } };

    expect((await answered(answer, QUESTION, { stream: false })).reply).toEqual({
      text: "Paris",
      refusal: null,
      toolCalls: [],
      finishReason: "stop",
      usage: { inputTokens: 7, outputTokens: 2 },
      model: "gpt-x",
      requestId: "req_7",
    });
  });

  test("is heard in the pieces in which it comes, and counted in the last", async () => {
    const usage = { choices: [], usage: { prompt_tokens: 7, completion_tokens: 2 } };

    const { reply, heard } = await answered(stream(said(""), said("Ly"), said("on"), ends("stop"), usage));

    expect(heard).toEqual(["Ly", "on"]);
    expect(reply).toMatchObject({ text: "Lyon", usage: { inputTokens: 7, outputTokens: 2 }, requestId: "chatcmpl-1" });
  });

  test("puts several calls together that come in fragments", async () => {
    const fragments = [
      calling({ index: 0, id: "c1", function: { name: "look-up", arguments: "" } }),
      calling({ index: 1, id: "c2", function: { name: "finish", arguments: '{"a"' } }, { index: 0, function: { arguments: '{"city":' } }),
      calling({ index: 0, function: { arguments: '"Par' } }, { index: 1, id: "", function: { name: "", arguments: ":1}" } }),
      calling({ index: 0, id: "c1", function: { name: "look-up", arguments: 'is"}' } }),
    ];

    expect((await answered(stream(...fragments, ends("tool_calls")), TOOLS)).reply?.toolCalls).toEqual([
      { id: "c1", name: "look-up", arguments: '{"city":"Paris"}' },
      { id: "c2", name: "finish", arguments: '{"a":1}' },
    ]);
  });

  test.each([
    [
      "all have the same index",
      [
        calling({ index: 0, id: "a", function: { name: "look-up", arguments: "{}" } }),
        calling({ index: 0, id: "b", function: { name: "look-up", arguments: "{}" } }),
      ],
    ],
    [
      "none has an index",
      [calling({ id: "a", function: { name: "look-up", arguments: "{}" } }, { id: "b", function: { name: "look-up", arguments: "{}" } })],
    ],
  ])("keeps calls apart when %s", async (_, fragments) => {
    expect((await answered(stream(...fragments, ends("tool_calls")), TOOLS)).reply?.toolCalls.map(({ id }) => id)).toEqual(["a", "b"]);
  });

  test.each([
    ["a call that ended with stop", stream(calling({ index: 0, id: "c", function: { name: "look-up", arguments: "{}" } }), ends("stop"))],
    [
      "a function call of old",
      completion({ message: message({ function_call: { name: "look-up", arguments: "{}" } }), finish_reason: "function_call" }),
    ],
    [
      "arguments as an object",
      completion({ message: message({ tool_calls: [{ function: { name: "look-up", arguments: {} } }] }), finish_reason: "tool_calls" }),
    ],
  ])("is a call of a tool also as %s", async (_, body) => {
    expect((await answered(body, TOOLS)).reply?.toolCalls).toEqual([{ id: expect.any(String), name: "look-up", arguments: "{}" }]);
  });

  test.each([
    ["a completion to who asked for a stream", PARIS, true],
    ["a stream to who asked for none", stream(said("Paris"), ends("stop")), false],
    [
      "content in parts",
      completion({
        message: message({
          content: [
            { type: "text", text: "Pa" },
            { type: "thinking", thinking: [] },
            { type: "text", text: "ris" },
          ],
        }),
      }),
      true,
    ],
    [
      "content in parts of a stream",
      stream(said([{ type: "text", text: "Par" }]), said([{ type: "text", text: "is" }]), ends("stop")),
      true,
    ],
    ["lines that end as on Windows", stream(said("Paris"), ends("stop")).replaceAll("\n", "\r\n"), true],
    ["lines that end as on old Macs", stream(said("Paris"), ends("stop")).replaceAll("\n", "\r"), true],
    ["comments, ids and names of events", `: busy\n\nid: 1\nevent: chunk\nretry: 5\n${stream(said("Paris"), ends("stop"))}`, true],
    ["fields without a space", stream(said("Paris"), ends("stop")).replaceAll("data: ", "data:"), true],
    ["no line feed after the end", stream(said("Paris"), ends("stop")).trimEnd(), true],
    ["a byte order mark", `\uFEFF${PARIS}`, true],
    [
      "pieces that are empty and reasons that are none",
      stream(
        chunk({ delta: { content: "Paris" }, finish_reason: "" }),
        { choices: [] },
        { choices: null },
        chunk({ finish_reason: "stop" }),
      ),
      true,
    ],
    ["whole messages in a stream", stream(chunk({ message: { content: "Paris" }, finish_reason: "stop" })), true],
    ["more after the end", `${stream(said("Paris"), ends("stop"))}data: {"error":{}}\n\n`, true],
    [
      "other choices beside it",
      completion({ message: message({ content: "Paris" }) }).replace(
        '"choices":[',
        '"choices":[{"index":1,"message":{"content":"Lyon"},"finish_reason":"length"},',
      ),
      true,
    ],
    [
      "other choices in the stream",
      stream(chunk({ index: 1, delta: { content: "Lyon" } }), said("Paris"), chunk({ index: 1, finish_reason: "length" }), ends("stop")),
      true,
    ],
  ])("is Paris: %s", async (_, body, streamed) => {
    expect((await answered(body, QUESTION, { stream: streamed })).reply).toMatchObject({ text: "Paris", finishReason: "stop" });
  });

  test.each([
    ["null", PARIS.replace(/"usage":\{.*?\}/, '"usage":null')],
    ["not there", completion({ message: message({ content: "Paris" }) })],
    ["no count", completion({ message: message({ content: "Paris" }) }, { usage: { prompt_tokens: -1, completion_tokens: "2" } })],
  ])("has no usage when it is %s", async (_, body) => {
    expect((await answered(body)).reply).toMatchObject({ text: "Paris", usage: null });
  });
});

describe("what is no answer", () => {
  const text = said("Paris");

  test.each<[string, RawAnswer | string, string, ModelRequest?]>([
    ["nothing at all", "", "MODEL_EMPTY"],
    ["white space", " \n\n ", "MODEL_EMPTY"],
    ["status 204", { status: 204, pieces: [] }, "MODEL_EMPTY"],
    ["a stream of nothing", events("[DONE]"), "MODEL_EMPTY"],
    ["no choices", '{"choices":[]}', "MODEL_EMPTY"],
    ["a blank text", completion({ message: message({ content: " \n" }) }), "MODEL_EMPTY"],
    ["no content", completion({ message: message({}) }), "MODEL_EMPTY"],
    ["half of the JSON", PARIS.slice(0, -20), "MODEL_MALFORMED"],
    ["a web page", "<!doctype html><html><body>Sign in</body></html>", "MODEL_MALFORMED"],
    ["another document", '{"hello":"world"}', "MODEL_MALFORMED"],
    ["a list", '[{"choices":[]}]', "MODEL_MALFORMED"],
    ["a piece of a stream alone", JSON.stringify(chunk({ delta: { content: "Paris" }, finish_reason: "stop" })), "MODEL_MALFORMED"],
    ["choices that are none", '{"choices":{"0":{"message":{"content":"Paris"},"finish_reason":"stop"}}}', "MODEL_MALFORMED"],
    ["content that is none", completion({ message: message({ content: 42 }) }), "MODEL_MALFORMED"],
    ["bytes that are no UTF-8", { pieces: [Buffer.from(PARIS.replace("Paris", "Par\u00EFs"), "latin1")] }, "MODEL_MALFORMED"],
    ["half a character", PARIS.replace("Paris", "\\ud83d"), "MODEL_MALFORMED"],
    ["no finish reason", completion({ message: message({ content: "Paris" }), finish_reason: null }), "MODEL_MALFORMED"],
    ["a finish reason that nobody knows", stream(text, ends("tired")), "MODEL_MALFORMED"],
    ["a stream that does not say how it ended", stream(text), "MODEL_MALFORMED"],
    [
      "arguments nested without end",
      completion({
        message: message({ tool_calls: [{ function: { name: "look-up", arguments: { a: "DEEP" } } }] }),
        finish_reason: "tool_calls",
      }).replace('"DEEP"', `${"[".repeat(200_000)}${"]".repeat(200_000)}`),
      "MODEL_MALFORMED",
      TOOLS,
    ],
    ["a line of no stream", `data: ${JSON.stringify(text)}\n\nParis\n\n${stream(ends("stop"))}`, "MODEL_MALFORMED"],
    ["an event of no JSON", events(text, "{Paris", ends("stop"), "[DONE]"), "MODEL_MALFORMED"],
    ["a call without a name", stream(calling({ index: 0, function: { arguments: "{}" } }), ends("tool_calls")), "MODEL_MALFORMED", TOOLS],
    ["the end of a call without a call", stream(text, ends("tool_calls")), "MODEL_MALFORMED", TOOLS],
    [
      "a call that was not offered",
      stream(calling({ index: 0, id: "c", function: { name: "x", arguments: "{}" } }), ends("tool_calls")),
      "MODEL_MALFORMED",
    ],
    ["a stream without its end", events(text, ends("stop")), "MODEL_DISCONNECTED"],
    ["half of its end", events(text, ends("stop"), "[DO").trimEnd(), "MODEL_DISCONNECTED"],
    ["a connection that is reset", { pieces: [Buffer.from(events(text))], ending: "reset" }, "MODEL_DISCONNECTED"],
    ["a connection that is reset in JSON", { pieces: [Buffer.from(PARIS.slice(0, 50))], ending: "reset" }, "MODEL_DISCONNECTED"],
    [
      "less than was announced",
      { headers: { "content-length": "9999" }, pieces: [Buffer.from(PARIS)], ending: "reset" },
      "MODEL_DISCONNECTED",
    ],
    ["cut off at its most tokens", stream(text, ends("length")), "MODEL_TRUNCATED"],
    ["cut off, and then ended", stream(text, ends("length"), ends("stop")), "MODEL_TRUNCATED"],
    [
      "a call that was cut off",
      stream(calling({ index: 0, id: "c", function: { name: "look-up", arguments: '{"ci' } }), ends("length")),
      "MODEL_TRUNCATED",
      TOOLS,
    ],
    ["a filter", stream(text, ends("content_filter")), "MODEL_FILTERED"],
    ["a choice without a message", completion({}), "MODEL_FILTERED"],
    ["a choice with nothing in the stream", stream(chunk({ finish_reason: "stop" })), "MODEL_FILTERED"],
    ["a refusal", completion({ message: message({ refusal: "No." }) }), "MODEL_REFUSED", ANSWER],
    [
      "a refusal in pieces",
      stream(chunk({ delta: { refusal: "I can" } }), chunk({ delta: { refusal: "not." } }), ends("stop")),
      "MODEL_REFUSED",
      ANSWER,
    ],
    ["a refusal among the parts", completion({ message: message({ content: [{ type: "refusal", refusal: "No." }] }) }), "MODEL_REFUSED"],
    ["prose in place of a tool", completion({ message: message({ content: "Paris" }) }), "MODEL_PROSE", TOOLS],
    ["prose in place of JSON", completion({ message: message({ content: "Paris" }) }), "MODEL_PROSE", ANSWER],
    ["JSON in a fence", completion({ message: message({ content: '```json\n{"city":"Paris"}\n```' }) }), "MODEL_PROSE", ANSWER],
    ["half of the JSON that it says is whole", stream(said('{"city":"Par'), ends("stop")), "MODEL_PROSE", ANSWER],
    ["an error in the stream", events(text, { error: { message: "Overloaded", type: "server_error" } }), "MODEL_STREAM_FAILED"],
    ["an error that is text", events(text, { error: "gone" }, ends("stop"), "[DONE]"), "MODEL_STREAM_FAILED"],
    ["an event named error", `${events(text)}event: error\ndata: {"message":"gone"}\n\n${stream(ends("stop"))}`, "MODEL_STREAM_FAILED"],
    ["an event named error that is no JSON", `event: error\ndata: gone\n\n${stream(ends("stop"))}`, "MODEL_STREAM_FAILED"],
    ["an error with status 200", '{"error":{"message":"Something went wrong"}}', "MODEL_STREAM_FAILED"],
    ["an error beside an answer", PARIS.replace("{", '{"error":{"message":"x"},'), "MODEL_STREAM_FAILED"],
    ["a rate limit with status 200", '{"error":{"message":"Slow down","code":429}}', "MODEL_RATE_LIMITED"],
    ["a provider that is away, with status 200", '{"error":{"message":"Bad gateway","code":502}}', "MODEL_UNAVAILABLE"],
    ["an empty account, in the stream", events({ error: { message: "No quota", code: "insufficient_quota" } }), "MODEL_QUOTA"],
    [
      "a question that is too long, in the stream",
      events({ error: { message: "x", code: "context_length_exceeded" } }),
      "MODEL_CONTEXT_LENGTH",
    ],
  ])("%s", async (_, body, code, request) => {
    for (const streamed of [true, false]) {
      const { failure, reply } = await answered(body, request, { stream: streamed });

      expect({ code: failure?.code, reply }).toEqual({ code, reply: undefined });
      expect(failure?.usageUnknown !== (failure?.usage !== undefined)).toBe(true); // it was taken: somebody pays
    }
  });

  test("is paid for as the provider counted, even when its end was lost", async () => {
    const usage = { choices: [], usage: { prompt_tokens: 7, completion_tokens: 2 } };

    const { failure } = await answered(events(said("Paris"), ends("stop"), usage));

    expect(failure).toMatchObject({ code: "MODEL_DISCONNECTED", usage: { inputTokens: 7, outputTokens: 2 }, usageUnknown: false });
  });

  test.each([
    ["JSON", completion({ message: message({ content: "x".repeat(10 * 1024 * 1024) }) })],
    ["a stream", stream(...Array.from({ length: 1_000 }, () => said("x".repeat(10 * 1024))), ends("stop"))],
    ["one line without an end", `data: ${"x".repeat(10 * 1024 * 1024)}`],
    ["empty lines", "\n".repeat(10 * 1024 * 1024)],
  ])("ten megabytes: %s", async (_, body) => {
    const pieces = body.match(/.{1,65536}/gs)?.map((piece) => Buffer.from(piece)) ?? [];
    await using server = await rawServer({ pieces, ending: "silence" });

    const { failure } = await ask(server.url);

    expect(failure).toMatchObject({ code: "MODEL_TOO_LARGE", details: { maxBytes: 2 * 1024 * 1024 }, usageUnknown: true });
    await expect.poll(() => server.hungUp).toBe(1);
  });

  test("can be as large as it is allowed to be", async () => {
    const bytes = Buffer.byteLength(PARIS);

    expect((await answered(PARIS, QUESTION, { maxAnswerBytes: bytes })).reply?.text).toBe("Paris");
    expect((await answered(PARIS, QUESTION, { maxAnswerBytes: bytes - 1 })).failure?.code).toBe("MODEL_TOO_LARGE");
  });
});

describe("a question that is given up", () => {
  test("before it was sent costs nothing", async () => {
    await using server = await rawServer(PARIS);

    const { failure } = await ask(server.url, QUESTION, { signal: AbortSignal.abort() });

    expect(failure).toMatchObject({ code: "MODEL_DISCONNECTED", usageUnknown: false });
    expect(server.requests).toEqual([]);
  });

  test.each<[string, LoopbackFault]>([
    ["before", "silence-before-first-byte"],
    ["after", "silence-after-first-byte"],
  ])("%s the first byte hangs up, and nobody knows what it took", async (_, fault) => {
    await using provider = await loopbackProvider({ answer: () => ({ text: "Paris is the capital.", fault }) });
    const controller = new AbortController();

    const asked = ask(provider.url, QUESTION, { signal: controller.signal });
    await expect.poll(() => provider.requests.length).toBe(1);
    controller.abort(new Error("Time is up."));
    const { failure } = await asked;

    expect(failure).toMatchObject({ code: "MODEL_DISCONNECTED", usageUnknown: true });
    expect(failure?.toJSON().causes).toEqual(["Error: Time is up."]);
    await expect.poll(() => provider.requests[0]?.hungUp).toBe(true);
  });
});

test("an error that is known by its status costs nothing, also when its body never ends", async () => {
  await using server = await rawServer({ status: 503, pieces: [Buffer.from('{"error":')], ending: "silence" });
  const controller = new AbortController();

  const sent = vi.spyOn(globalThis, "fetch");

  const asked = ask(server.url, QUESTION, { signal: controller.signal });
  await expect.poll(() => sent.mock.settledResults[0]?.type).toBe("fulfilled");
  controller.abort();
  const { failure } = await asked;

  expect(failure).toMatchObject({ code: "MODEL_UNAVAILABLE", details: { status: 503 }, usageUnknown: false });
});

describe("a provider that cannot be reached", () => {
  test("costs nothing when nothing was sent", async () => {
    const server = await rawServer();
    await server[Symbol.asyncDispose]();

    const { failure } = await ask(server.url);

    expect(failure).toMatchObject({ code: "MODEL_UNAVAILABLE", retryable: true, usageUnknown: false });
    expect(failure?.message).toContain("ECONNREFUSED");
  });

  test("may have taken what was sent", async () => {
    await using provider = await loopbackProvider({ answer: () => ({ text: "Paris", fault: "reset-before-answer" }) });

    const { failure } = await ask(provider.url);

    expect(failure).toMatchObject({ code: "MODEL_DISCONNECTED", retryable: true, usageUnknown: true });
    expect(provider.requests).toHaveLength(1);
  });

  test("is a request that cannot be made when it is one", async () => {
    await using server = await rawServer(PARIS);

    const { failure } = await ask(server.url, { ...QUESTION, tools: [{ name: "t", description: "", parameters: { most: 1n as never } }] });

    expect(failure).toMatchObject({ code: "MODEL_BAD_REQUEST", retryable: false, usageUnknown: false });
    expect(server.requests).toEqual([]);
  });
});

describe("the key", () => {
  const KEY = "sk-proj-0123456789abcdefghijklmnopqrstuvwxyz";
  const options = { apiKey: KEY, headers: { "X-Gateway-Token": "gate-9f8e7d6c5b4a" } };
  const text = (asked: Awaited<ReturnType<typeof ask>>) =>
    JSON.stringify([asked.reply, asked.failure?.toJSON(), asked.heard, String(asked.failure?.stack)]);

  test.each([
    ["an answer", completion({ message: message({ content: `It is ${KEY}!` }) })],
    ["a secret header", completion({ message: message({ content: "It is gate-9f8e7d6c5b4a!" }) })],
    ["a refusal", completion({ message: message({ refusal: `Not with ${KEY}` }) })],
    [
      "the arguments of a tool",
      completion({
        message: message({ tool_calls: [{ id: KEY, function: { name: KEY, arguments: `{"key":"${KEY}"}` } }] }),
        finish_reason: "tool_calls",
      }),
    ],
    ["the model's name and the completion's", PARIS.replace("gpt-x", KEY).replace("chatcmpl-1", KEY)],
    ["a finish reason", completion({ message: message({ content: "x" }), finish_reason: KEY })],
    ["an error in the stream", events({ error: { message: `Bad ${KEY}`, code: KEY, type: KEY } })],
    ["an error's body", { status: 401, pieces: [Buffer.from(JSON.stringify({ error: { message: `Wrong: ${KEY}`, code: KEY } }))] }],
    ["an error's body of no JSON", { status: 500, pieces: [Buffer.from(`Key ${KEY} broke us`)] }],
    [
      "a provider's prose",
      { status: 400, pieces: [Buffer.from(JSON.stringify({ error: { code: "tool_use_failed", failed_generation: KEY } }))] },
    ],
    ["a header", { headers: { "x-request-id": KEY }, pieces: [Buffer.from(PARIS)] }],
  ])("never stands in what comes back: %s", async (_, body) => {
    const asked = text(await answered(body, TOOLS, options));

    expect(asked).not.toContain(KEY);
    expect(asked).not.toContain("gate-9f8e7d6c5b4a");
  });

  test("is not shown by its ends, as OpenAI does it", async () => {
    const said =
      "Incorrect API key provided: sk-proj-********************************wxyz. You can find your API key at https://platform.openai.com/account/api-keys.";
    const error = { message: said, type: "invalid_request_error", param: null, code: "invalid_api_key" };
    const body = { status: 401, pieces: [Buffer.from(JSON.stringify({ error }, null, 4))] };

    const { failure } = await answered(body, QUESTION, options);

    expect(failure).toMatchObject({
      code: "MODEL_AUTHENTICATION",
      message: expect.stringContaining('"Incorrect API key provided: [redacted]. You can find your API key at https://platform.openai.com'),
    });
    expect(JSON.stringify(failure)).not.toMatch(/sk-|wxyz/);
  });

  test("is not told letter by letter, nor its beginning", async () => {
    const letters = [...`I know: ${KEY}, ${KEY}. And s, sk and ${KEY.slice(0, 30)}`].map(said);

    const asked = await answered(stream(...letters, ends("stop")), QUESTION, options);

    expect(asked.reply?.text).toBe("I know: [redacted], [redacted]. And s, sk and [redacted]");
    expect(asked.heard.join("")).toBe(asked.reply?.text);
  });

  test("does not keep a placeholder out of answers", async () => {
    expect((await answered(PARIS, QUESTION, { apiKey: "Paris" })).reply?.text).toBe("Paris");
  });
});

describe("quiet", () => {
  afterEach(() => vi.restoreAllMocks());

  test("nothing is printed, whatever comes back, and nothing is tried again", async () => {
    vi.stubEnv("OPENAI_LOG", "debug");
    const printed = (["log", "info", "warn", "error", "debug"] as const).map((method) => vi.spyOn(console, method));
    const odd = [
      stream(said([{ type: "text", text: "x" }]), ends("stop")),
      `event: thread.message\ndata: {no\n\n`,
      completion({
        message: message({ tool_calls: [{ id: "c", function: { name: "look-up", arguments: "{" } }] }),
        finish_reason: "tool_calls",
      }),
    ];
    let asked = 0;
    for (const streamed of [true, false])
      for (const request of [QUESTION, ANSWER, TOOLS]) {
        for (const body of odd) await answered(body, request, { stream: streamed });
        const faults = LOOPBACK_FAULTS.filter(
          (fault) => !fault.startsWith("silence") && (streamed || !LOOPBACK_STREAM_FAULTS.includes(fault)),
        );
        await using provider = await loopbackProvider({ answer: ({ number }) => ({ text: "Paris", fault: faults[number - 1] ?? "500" }) });
        for (const _ of faults) await ask(provider.url, request, { stream: streamed });
        expect(provider.requests).toHaveLength(faults.length);
        asked += faults.length;
      }

    expect(asked).toBeGreaterThan(100);
    expect(printed.flatMap((spy) => spy.mock.calls)).toEqual([]);
  });

  test("one attempt may ask as often as it likes", async () => {
    await using server = await rawServer(PARIS);
    const warnings: Error[] = [];
    const hear = (warning: Error) => warnings.push(warning);
    const { signal } = new AbortController();
    process.on("warning", hear);

    for (let time = 0; time < 15; time++) await ask(server.url, QUESTION, { signal });
    await setImmediate();
    process.off("warning", hear);

    expect(warnings).toEqual([]);
    expect(getEventListeners(signal, "abort")).toEqual([]);
  });
});

describe("options", () => {
  test.each([
    [{}, "openai", false],
    [{ apiKey: "sk-mine" }, "openai", true],
    [{ baseURL: "https://api.openai.com/v1" }, "openai", false],
    [{ baseURL: "http://localhost:11434/v1" }, "localhost:11434", true],
    [{ baseURL: "https://api.deepseek.com", provider: "deepseek", apiKey: " sk-mine\n" }, "deepseek", true],
  ])("%j: provider %s, available %s", (options, provider, available) => {
    const model = openAIModel({ model: "gpt-4.1", ...options });

    expect([model.provider, model.model, model.available()]).toEqual([provider, "gpt-4.1", available]);
  });

  test("come from the environment when they are left out", async () => {
    await using server = await rawServer(PARIS);
    vi.stubEnv("OPENAI_API_KEY", "sk-of-the-environment");
    vi.stubEnv("OPENAI_BASE_URL", server.url);

    const model = openAIModel({ model: "gpt-4.1" });
    const { text } = await model.ask(QUESTION, { signal: new AbortController().signal });

    expect([text, server.requests[0]?.headers.authorization]).toEqual(["Paris", "Bearer sk-of-the-environment"]);
  });
});
