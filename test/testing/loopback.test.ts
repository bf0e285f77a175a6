import { once } from "node:events";
import { connect } from "node:net";
import { describe, expect, test } from "vitest";
import { type ModelRequest, openAIModel } from "walkback";
import { type LoopbackProvider, type LoopbackStep, loopbackProvider, ScriptMismatch } from "walkback/testing";

const question: ModelRequest = { messages: [{ role: "user", text: "Is Rome far?" }], maxOutputTokens: 50 };
const body = { model: "gpt-4.1-mini", messages: [{ role: "user", content: "Is Rome far?" }] };

/** Asks with the client that agents ask with. */
function ask({ environment: { OPENAI_BASE_URL: baseURL, OPENAI_API_KEY: apiKey } }: LoopbackProvider, stream: boolean, request = question) {
  const heard: string[] = [];
  const model = openAIModel({ model: "gpt-4.1-mini", baseURL, apiKey, stream });
  const reply = model.ask(request, { signal: AbortSignal.timeout(20_000), onText: (piece) => heard.push(piece) });
  return reply.then((got) => ({ ...got, heard }));
}

/** Sends this as it stands. */
function post({ url }: LoopbackProvider, content: object | string, headers: Record<string, string> = {}, path = "/chat/completions") {
  const text = typeof content === "string" ? content : JSON.stringify(content);
  return fetch(`${url}${path}`, { method: "POST", headers: { "content-type": "application/json", ...headers }, body: text });
}

const tools = [{ name: "lookup", description: "Looks up.", parameters: { type: "object", properties: {} } }];

describe.each([
  ["JSON", false],
  ["a stream", true],
])("an answer as %s is read by the real client", (_, stream) => {
  const cases: [string, LoopbackStep, object, ModelRequest?][] = [
    ["a text", "It is 1,200 km to Röm 🧳, by road.", { text: "It is 1,200 km to Röm 🧳, by road.", finishReason: "stop" }],
    ["JSON", { json: { km: 1200 } }, { text: '{"km":1200}' }],
    ["a refusal", { refusal: "I'd rather not say." }, { text: null, refusal: "I'd rather not say." }],
    ["a truncated answer", { text: "It is", truncated: true }, { finishReason: "length", usage: { inputTokens: 100, outputTokens: 50 } }],
    ["an answer held back", { filtered: true }, { finishReason: "content_filter" }],
    ["what it took", { text: "Yes.", usage: { inputTokens: 7, outputTokens: 2 } }, { usage: { inputTokens: 7, outputTokens: 2 } }],
    ["its names", { text: "Yes.", requestId: "req_mine", model: "gpt-x" }, { requestId: "req_mine", model: "gpt-x" }],
    [
      "calls of tools",
      {
        toolCalls: [
          { name: "lookup", arguments: { city: "Rome" } },
          { name: "lookup", arguments: '{"city":' },
        ],
      },
      {
        text: null,
        finishReason: "tool_calls",
        toolCalls: [
          { id: "call_1_1", name: "lookup", arguments: '{"city":"Rome"}' },
          { id: "call_1_2", name: "lookup", arguments: '{"city":' },
        ],
      },
      { ...question, tools },
    ],
  ];

  test.each(cases)("%s", async (_name, step, reply, request) => {
    await using provider = await loopbackProvider({ answer: [step] });

    expect(await ask(provider, stream, request)).toMatchObject(reply);
  });

  test("in pieces only where a stream was asked for", async () => {
    await using provider = await loopbackProvider({ answer: () => "It is 1,200 km to Rome, by road." });

    const { heard } = await ask(provider, stream);

    expect(heard).toEqual(stream ? ["It is 1,200 ", "km to Rome, ", "by road."] : []);
  });
});

describe("a request is checked as the provider checks it", () => {
  test.each([
    ["no key", {}, 401, { code: null }],
    ["another key", { authorization: "Bearer sk-another-key-1234" }, 401, { code: "invalid_api_key" }],
    ["the key", { authorization: "Bearer sk-mine" }, 200, undefined],
  ])("%s", async (_, headers, status, error) => {
    await using provider = await loopbackProvider({ answer: () => "Fine.", apiKey: "sk-mine" });

    const response = await post(provider, body, headers);

    expect(response.status).toBe(status);
    expect(await response.json()).toMatchObject(error ? { error } : { object: "chat.completion" });
  });

  test.each([
    ["no JSON", "{", 400, { param: null, code: null }],
    ["no messages", { model: "gpt-4.1" }, 400, { param: "messages", code: "missing_required_parameter" }],
    ["empty messages", { ...body, messages: [] }, 400, { param: "messages", code: "empty_array" }],
    ["no model", { messages: body.messages }, 400, { param: "model", code: "missing_required_parameter" }],
    ["a message without content", { ...body, messages: [{ role: "user" }] }, 400, { param: "messages[0].content" }],
    ["a role there is not", { ...body, messages: [{ role: "boss", content: "Go." }] }, 400, { param: "messages[0].role" }],
  ])("%s", async (_, content, status, error) => {
    await using provider = await loopbackProvider({ answer: () => "Fine." });

    const response = await post(provider, content);

    expect(response.status).toBe(status);
    expect(await response.json()).toMatchObject({ error });
    expect(provider.requests).toMatchObject([{ number: 1, body: content }]);
  });

  test("another address", async () => {
    await using provider = await loopbackProvider({ answer: [] });

    expect((await post(provider, body, {}, "/completions")).status).toBe(404);
    expect((await fetch(`${provider.url}/chat/completions`)).status).toBe(404);
  });
});

describe("what came", () => {
  test("stands in the requests: when, with which headers, what, and as a model would be asked", async () => {
    await using provider = await loopbackProvider({ answer: () => "Fine.", apiKey: "sk-mine" });
    const before = Date.now();
    const request: ModelRequest = {
      messages: [
        { role: "system", text: "You know the way." },
        { role: "user", text: "Is Rome far?" },
        { role: "assistant", text: "I look.", toolCalls: [{ id: "call_1", name: "lookup", arguments: '{"city":"Rome"}' }] },
        { role: "tool", callId: "call_1", text: "1200" },
      ],
      tools,
      maxOutputTokens: 70,
    };

    await ask(provider, true, request);

    const [received] = provider.requests;
    expect(received).toMatchObject({
      number: 1,
      method: "POST",
      path: "/v1/chat/completions",
      headers: { authorization: "Bearer sk-mine" },
      body: { model: "gpt-4.1-mini", stream: true },
      asked: request,
      hungUp: false,
    });
    expect(received?.at.getTime()).toBeGreaterThanOrEqual(before);
  });

  test("decides the answer where a function gives it", async () => {
    await using provider = await loopbackProvider({
      answer: ({ number, asked }) => (number === 2 ? { refusal: "Not twice." } : `${number}: ${asked?.messages.length}`),
    });

    expect([await ask(provider, false), await ask(provider, true)]).toMatchObject([{ text: "1: 1" }, { refusal: "Not twice." }]);
  });

  test("tells who went away before the answer was whole", async () => {
    await using provider = await loopbackProvider({
      answer: [{ text: "Late.", delayMs: 3_600_000 }, { fault: "silence-after-first-byte" }, "Fine."],
    });
    const stop = new AbortController();
    const model = openAIModel({ model: "gpt-4.1-mini", baseURL: provider.url, apiKey: "any" });
    const waiting = [model.ask(question, { signal: stop.signal }), model.ask(question, { signal: stop.signal })];
    await expect.poll(() => provider.requests.length, { timeout: 10_000 }).toBe(2);

    stop.abort();
    await Promise.allSettled(waiting);
    await ask(provider, true);

    await expect.poll(() => provider.requests.map(({ hungUp }) => hungUp), { timeout: 10_000 }).toEqual([true, true, false]);
  });
});

describe("a script", () => {
  test("is checked step by step, and answers what it does not expect with an error that nobody tries again", async () => {
    const provider = await loopbackProvider({ answer: ["Fine.", { expect: { text: "Paris" }, text: "No." }] });
    await ask(provider, true);

    const refused = await post(provider, body);

    expect([refused.status, await refused.json()]).toMatchObject([400, { error: { code: "script_mismatch" } }]);
    await expect(provider.close()).rejects.toMatchObject({
      name: "ScriptMismatch",
      details: { script: "the loopback provider", step: 2, steps: 2, expected: 'a request with text "Paris"' },
    });
  });

  test("fails when it is closed before its end", async () => {
    const unasked = async () => {
      await using provider = await loopbackProvider({ answer: ["Fine.", "Fine."] });
      await ask(provider, false);
    };

    await expect(unasked()).rejects.toBeInstanceOf(ScriptMismatch);
  });

  test("takes no step for a request that is refused", async () => {
    await using provider = await loopbackProvider({ answer: ["Fine."], apiKey: "sk-mine" });

    expect((await post(provider, body)).status).toBe(401);
    expect(await ask(provider, false)).toMatchObject({ text: "Fine." });
  });

  test("may have functions among its steps; what they throw comes out at the end", async () => {
    const provider = await loopbackProvider({
      answer: [
        ({ number }) => `${number}`,
        () => {
          throw new TypeError("no such answer");
        },
      ],
    });

    expect(await ask(provider, false)).toMatchObject({ text: "1" });
    expect((await post(provider, body)).status).toBe(400);
    expect(() => provider.assertConsumed()).toThrow(TypeError);
    await expect(provider.close()).rejects.toThrow("no such answer");
  });
});

test("closes at once though clients wait, and lets them know", async () => {
  const provider = await loopbackProvider({ answer: () => ({ fault: "silence-before-first-byte" }) });
  const waiting = [post(provider, body), post(provider, body)].map((response) => response.catch((thrown: Error) => thrown.message));
  await expect.poll(() => provider.requests.length, { timeout: 10_000 }).toBe(2);

  await provider.close();

  expect(await Promise.all(waiting)).toEqual(["fetch failed", "fetch failed"]);
  expect(provider.requests.map(({ hungUp }) => hungUp)).toEqual([false, false]);
});

test("an answer that cannot be sent comes out at the end", async () => {
  const provider = await loopbackProvider({ answer: () => ({ text: "Fine.", headers: { "x-note": "two\nlines" } }) });

  await expect(post(provider, body)).rejects.toThrow("fetch failed");

  await expect(provider.close()).rejects.toMatchObject({ code: "ERR_INVALID_CHAR" });
});

test("a client that goes away in the middle of its request is no failure", async () => {
  await using provider = await loopbackProvider({ answer: () => "Fine." });
  const socket = connect(Number(new URL(provider.url).port), "127.0.0.1");
  socket.write('POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n{"model"');
  await once(socket, "ready");

  socket.destroy();
  await once(socket, "close");

  expect((await post(provider, body)).status).toBe(200);
  expect(provider.requests).toHaveLength(1);
});

describe("a recording", () => {
  test("is sent as it stands, without what was of its connection", async () => {
    const recording = {
      status: 429,
      headers: { "Retry-After": "7", "Content-Length": "3", "Content-Encoding": "gzip" },
      body: '{"error":{}}',
    };
    await using provider = await loopbackProvider({ answer: [recording] });

    const response = await post(provider, body);

    expect([response.status, await response.text()]).toEqual([429, '{"error":{}}']);
    expect(Object.fromEntries(response.headers)).toMatchObject({ "retry-after": "7", "content-type": "application/json" });
  });

  test("of a stream is one, also where its headers were not kept", async () => {
    await using provider = await loopbackProvider({ answer: [{ status: 200, body: "data: [DONE]\n\n" }] });

    expect((await post(provider, body)).headers.get("content-type")).toContain("text/event-stream");
  });
});
