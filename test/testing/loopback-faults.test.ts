import { setTimeout as delay } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { type ModelRequest, openAIModel } from "walkback";
import { LOOPBACK_FAULTS, LOOPBACK_STREAM_FAULTS, type LoopbackFault, type LoopbackProvider, loopbackProvider } from "walkback/testing";

const good = { json: { decision: "approve", reason: "nothing speaks against it" } };
const goodText = JSON.stringify(good.json);
const met = new Set<LoopbackFault>();

/** A provider that has this fault in store once. */
function faulty(fault: LoopbackFault) {
  met.add(fault);
  return loopbackProvider({ answer: [{ fault, ...good }] });
}

function post({ url }: LoopbackProvider, stream: boolean, options: RequestInit = {}) {
  const content = JSON.stringify({ model: "gpt-4.1", messages: [{ role: "user", content: "Go." }], stream });
  const headers = { authorization: "Bearer sk-loopback-0123456789" };
  return fetch(`${url}/chat/completions`, { method: "POST", headers, body: content, ...options });
}

/** What arrives at a client, and how it ends. */
async function arrivalOf(fault: LoopbackFault, stream: boolean) {
  const provider = await faulty(fault);
  const came = await arrival(provider, stream);
  await provider.close();
  return { ...came, hungUp: provider.requests[0]?.hungUp };
}

async function arrival(provider: LoopbackProvider, stream: boolean) {
  const response = await post(provider, stream).catch(() => undefined);
  let text = "";
  try {
    for await (const piece of response?.body?.pipeThrough(new TextDecoderStream()) ?? []) text += piece;
    return {
      ended: response ? "whole" : "broken",
      status: response?.status,
      headers: Object.fromEntries(response?.headers ?? []),
      text: timeless(text),
    };
  } catch {
    return { ended: "broken", status: response?.status, headers: {}, text: timeless(text) };
  }
}

const timeless = (text: string) => text.replaceAll(/"created":\d+/g, '"created":0');

/** A good answer, as it looks when nothing goes wrong. */
async function wholeText(stream: boolean) {
  await using provider = await loopbackProvider({ answer: [good] });
  return (await arrival(provider, stream)).text;
}

const events = (text: string) => text.split("\n\n").filter((event) => event !== "");
/** A machine that is busy may lose to the reset what came before it. */
const LOST = { retry: 3 };
const JSON_AND_STREAM = [
  ["JSON", false],
  ["a stream", true],
] as const;

describe("instead of an answer the provider says", () => {
  const errors: [LoopbackFault, number, object, object?][] = [
    ["429-retry-after-seconds", 429, { code: "rate_limit_exceeded" }, { "retry-after": "2" }],
    ["429-retry-after-absurd", 429, { code: "rate_limit_exceeded" }, { "retry-after": "1000000000" }],
    ["429-retry-after-ms", 429, { code: "rate_limit_exceeded" }, { "retry-after": "1", "retry-after-ms": "250" }],
    ["429-insufficient-quota", 429, { type: "insufficient_quota", code: "insufficient_quota" }],
    ["401", 401, { code: "invalid_api_key", message: expect.stringContaining("sk-loopb**********6789.") }],
    ["404", 404, { code: "model_not_found" }],
    ["context-length", 400, { code: "context_length_exceeded" }],
    ["500", 500, { type: "server_error" }],
    ["503", 503, { type: "server_error" }],
    ["529", 529, { type: "overloaded_error" }],
  ];

  test.each(errors)("%s", async (fault, status, error, headers = {}) => {
    for (const [, stream] of JSON_AND_STREAM) {
      const came = await arrivalOf(fault, stream);

      expect(came).toMatchObject({ ended: "whole", status, headers });
      expect(JSON.parse(came.text)).toMatchObject({ error });
    }
  });

  test("429 until a time, as a date", async () => {
    const { status, headers } = await arrivalOf("429-retry-after-date", false);

    expect(status).toBe(429);
    expect(Date.parse(headers["retry-after"] ?? "") - Date.now()).toBeLessThanOrEqual(10_000);
    expect(headers["retry-after"]).toMatch(/ GMT$/);
  });

  test("502 in the words of a gateway", async () => {
    expect(await arrivalOf("502", true)).toMatchObject({ status: 502, text: expect.stringContaining("<h1>502 Bad Gateway</h1>") });
  });
});

describe.each(JSON_AND_STREAM)("a model answers badly, in %s", (_, stream) => {
  const request: ModelRequest = { messages: [{ role: "user", text: "Go." }], maxOutputTokens: 40 };
  const tools = [{ name: "lookup", description: "Looks up.", parameters: { type: "object", properties: {} } }];
  const badly: [LoopbackFault, object, ModelRequest?][] = [
    ["truncated-json", { text: goodText.slice(0, Math.ceil(goodText.length / 2)), finishReason: "stop" }],
    ["wrong-schema", { text: JSON.stringify({ result: goodText }), finishReason: "stop" }],
    ["prose-around-json", { text: `Here is my answer:\n\n\`\`\`json\n${goodText}\n\`\`\`\n\nTell me if you need more.` }],
    ["prose", { text: expect.stringMatching(/^I have looked/), toolCalls: [], finishReason: "stop" }],
    ["refusal", { text: null, refusal: "I'm sorry, but I can't help with that.", finishReason: "stop" }],
    ["finish-length", { text: goodText.slice(0, 30), finishReason: "length", usage: { inputTokens: 100, outputTokens: 40 } }],
    ["malformed-arguments", { toolCalls: [{ name: "lookup", arguments: '{"id": "A-1' }] }, { ...request, tools }],
    ["unknown-tool", { toolCalls: [{ name: "no_such_tool", arguments: "{}" }] }, { ...request, tools }],
  ];

  test.each(badly)("%s", async (fault, reply, asked = request) => {
    await using provider = await faulty(fault);
    const model = openAIModel({ model: "gpt-4.1", baseURL: provider.url, apiKey: "any", stream });

    expect(await model.ask(asked, { signal: AbortSignal.timeout(20_000) })).toMatchObject(reply);
  });

  test("empty", async () => {
    const { text } = await arrivalOf("empty", stream);

    expect(text).toContain('"content":""');
    expect(text).toContain('"finish_reason":"stop"');
    expect(text.match(/"content":"[^"]/)).toBeNull();
  });

  test("huge-answer", async () => {
    const { ended, text } = await arrivalOf("huge-answer", stream);

    expect(ended).toBe("whole");
    expect(text.length).toBeGreaterThan(10 * 1_024 * 1_024);
  });
});

describe("a good answer as JSON meets with", () => {
  const faults: [LoopbackFault, string, number][] = [
    ["reset-mid-body", "broken", 200],
    ["truncated-body", "whole", 200],
  ];

  test.each(faults)("%s", LOST, async (fault, ended, status) => {
    const came = await arrivalOf(fault, false);
    const text = await wholeText(false);

    expect(came).toMatchObject({ ended, status, hungUp: false });
    expect(text.startsWith(came.text) && came.text !== text).toBe(true);
  });

  test("content-filter", async () => {
    const { text } = await arrivalOf("content-filter", false);

    expect(JSON.parse(text).choices).toEqual([{ index: 0, logprobs: null, finish_reason: "content_filter" }]);
  });

  test("retry-after-on-200", async () => {
    const { status, headers, text } = await arrivalOf("retry-after-on-200", false);

    expect([status, headers["retry-after"]]).toEqual([200, "5"]);
    expect(JSON.parse(text).choices[0].message.content).toBe(goodText);
  });

  test.each(LOOPBACK_STREAM_FAULTS)("never with %s, which needs a stream", async (fault) => {
    await expect(arrivalOf(fault, false)).rejects.toMatchObject({ code: "OPTION_INVALID", details: { option: "fault" } });
  });
});

describe("a good answer as a stream meets with", () => {
  const cut: [LoopbackFault, string][] = [
    ["reset-mid-body", "broken"],
    ["reset-mid-stream", "broken"],
    ["truncated-body", "whole"],
    ["ends-early", "whole"],
  ];

  test.each(cut)("%s", LOST, async (fault, ended) => {
    const came = await arrivalOf(fault, true);

    expect(came).toMatchObject({ ended, status: 200, hungUp: false });
    expect(events(came.text).length).toBeLessThan(events(await wholeText(true)).length);
    expect(came.text).not.toContain('"finish_reason":"stop"');
    expect(came.text).not.toContain("[DONE]");
  });

  test("truncated-body in the middle of an event, and ends-early between two", async () => {
    const last = async (fault: LoopbackFault) => (await arrivalOf(fault, true)).text;

    expect((await last("truncated-body")).endsWith("\n\n")).toBe(false);
    expect((await last("ends-early")).endsWith("\n\n")).toBe(true);
  });

  test("error-event", async () => {
    const { status, text } = await arrivalOf("error-event", true);

    expect(status).toBe(200);
    expect(events(text).length).toBeGreaterThan(2);
    expect(JSON.parse(events(text).at(-1)?.slice("data: ".length) ?? "")).toMatchObject({ error: { type: "server_error" } });
  });

  test("no-done, though all of it is there", async () => {
    const { text } = await arrivalOf("no-done", true);

    expect(text).toContain('"finish_reason":"stop"');
    expect(`${text}data: [DONE]\n\n`.length).toBe((await wholeText(true)).length);
  });

  test("content-filter", async () => {
    const { text } = await arrivalOf("content-filter", true);

    expect(events(text)).toHaveLength(2);
    expect(JSON.parse(events(text)[0]?.slice("data: ".length) ?? "").choices).toEqual([
      { index: 0, delta: {}, logprobs: null, finish_reason: "content_filter" },
    ]);
  });

  test("retry-after-on-200", async () => {
    expect((await arrivalOf("retry-after-on-200", true)).headers).toMatchObject({ "retry-after": "5" });
  });
});

describe.each(JSON_AND_STREAM)("the way there, for %s,", (_, stream) => {
  test("is silent before the first byte", async () => {
    await using provider = await faulty("silence-before-first-byte");

    const stop = new AbortController();
    const waiting = post(provider, stream, { signal: stop.signal }).catch(() => "given up");
    await expect.poll(() => provider.requests.length, { timeout: 10_000 }).toBe(1);

    expect(await Promise.race([waiting, delay(200, "silent")])).toBe("silent");
    stop.abort();

    await expect.poll(() => provider.requests.map(({ hungUp }) => hungUp), { timeout: 10_000 }).toEqual([true]);
  });

  test("is silent after the first byte", async () => {
    await using provider = await faulty("silence-after-first-byte");
    const response = await post(provider, stream);
    let text = "";
    const reading = (async () => {
      for await (const piece of response.body?.pipeThrough(new TextDecoderStream()) ?? []) text += piece;
    })().catch(() => "broken off when the provider closes");

    await expect.poll(() => text.length, { timeout: 10_000 }).toBeGreaterThan(0);
    expect(await Promise.race([reading, delay(200, "silent")])).toBe("silent");
    expect(await wholeText(stream)).not.toBe(text);
  });

  test("breaks before the answer", async () => {
    expect(await arrivalOf("reset-before-answer", stream)).toMatchObject({ ended: "broken", status: undefined, hungUp: false });
  });
});

test("no fault was left out", () => {
  expect([...met].toSorted()).toEqual(LOOPBACK_FAULTS.toSorted());
});
