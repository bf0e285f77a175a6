import { describe, expect, test } from "vitest";
import { type ModelRequest, openAIModel } from "walkback";
import { LOOPBACK_FAULTS, LOOPBACK_STREAM_FAULTS, type LoopbackFault, type LoopbackReply, loopbackProvider } from "walkback/testing";
import { type ProviderSchema, providerSchema, schemaAbsent } from "./provider-schema.js";

const problemsOf = schemaAbsent === undefined ? providerSchema() : () => ["nothing can be compared"];

/** Of these nothing whole arrives. */
const UNFINISHED: readonly LoopbackFault[] = [
  "silence-before-first-byte",
  "silence-after-first-byte",
  "reset-before-answer",
  "reset-mid-body",
  "reset-mid-stream",
];
/** These are not what the provider describes, and are meant not to be: a web page, a body cut through, a choice with no message. */
const INVALID = {
  json: ["502", "truncated-body", "content-filter"],
  stream: ["502", "truncated-body", "error-event"],
} as const satisfies Record<string, readonly LoopbackFault[]>;

const REPLIES: readonly (readonly [string, LoopbackReply])[] = [
  ["a text", { text: "It is 1,200 km." }],
  ["JSON", { json: { km: 1200 } }],
  ["an empty text", { text: "" }],
  ["calls of tools", { toolCalls: [{ name: "lookup", arguments: { city: "Rome" } }, { name: "lookup" }] }],
  ["a text and a call", { text: "I look.", toolCalls: [{ name: "lookup" }] }],
  ["a refusal", { refusal: "I'd rather not say." }],
  ["a truncated answer", { text: "It is", truncated: true }],
  ["an answer held back", { filtered: true }],
  ["an answer without usage", { text: "Yes.", usage: null }],
];

const content = { model: "gpt-4.1", messages: [{ role: "user", content: "Is Rome far?" }] };
const streamed = { ...content, stream: true, stream_options: { include_usage: true } };

/** What is wrong with the answer to this request, each event of a stream by itself. */
async function problems(answer: LoopbackReply, body: object | string, apiKey?: string): Promise<string[]> {
  await using provider = await loopbackProvider({ answer: () => answer, ...(apiKey === undefined ? {} : { apiKey }) });
  const text = typeof body === "string" ? body : JSON.stringify(body);
  const response = await fetch(`${provider.url}/chat/completions`, { method: "POST", body: text });
  const came = await response.text();
  if (!response.ok) return judged("ErrorResponse", came);
  if (!response.headers.get("content-type")?.startsWith("text/event-stream")) return judged("CreateChatCompletionResponse", came);
  const events = came.split("\n\n").filter((event) => event !== "" && event !== "data: [DONE]");
  expect(events.length).toBeGreaterThan(0);
  return events.flatMap((event) => judged("CreateChatCompletionStreamResponse", event.replace(/^data: /, "")));
}

function judged(schema: ProviderSchema, text: string): string[] {
  try {
    return problemsOf(schema, JSON.parse(text));
  } catch (thrown) {
    return [String(thrown)];
  }
}

describe.skipIf(schemaAbsent).each([
  ["JSON", content, INVALID.json, LOOPBACK_FAULTS.filter((fault) => !LOOPBACK_STREAM_FAULTS.includes(fault))],
  ["a stream", streamed, INVALID.stream, LOOPBACK_FAULTS],
] as const)("by the provider's own schema, in %s,", (_, body, invalid, faults) => {
  test.each(REPLIES)("%s is valid", async (_name, reply) => {
    expect(await problems(reply, body)).toEqual([]);
  });

  const arriving = faults.filter((fault) => !UNFINISHED.includes(fault));
  const isInvalid = (fault: LoopbackFault) => (invalid as readonly LoopbackFault[]).includes(fault);

  test.each(arriving.filter((fault) => !isInvalid(fault)))("%s is valid, however wrong it is", async (fault) => {
    expect(await problems({ fault, json: { km: 1200 } }, body)).toEqual([]);
  });

  test.each(arriving.filter(isInvalid))("%s is not", async (fault) => {
    expect(await problems({ fault, json: { km: 1200 } }, body)).not.toEqual([]);
  });
});

describe.skipIf(schemaAbsent)("by the provider's own schema", () => {
  test.each([
    ["no JSON", "{"],
    ["no messages", { model: "gpt-4.1" }],
    ["no message", { ...content, messages: [] }],
    ["a message without content", { ...content, messages: [{ role: "user" }] }],
    ["no key", content, "sk-mine"],
  ])("the error about %s is valid", async (_, body, apiKey?: string) => {
    expect(await problems({ text: "Yes." }, body, apiKey)).toEqual([]);
  });

  test("what the real client sends is valid", async () => {
    const schema = { type: "object", properties: { km: { type: "integer" } }, required: ["km"], additionalProperties: false };
    const tools = [{ name: "lookup", description: "Looks up.", parameters: { type: "object", properties: {} } }];
    const request: ModelRequest = {
      messages: [
        { role: "system", text: "You know the way." },
        { role: "user", text: "Is Rome far?" },
        { role: "assistant", text: null, toolCalls: [{ id: "call_1", name: "lookup", arguments: "{}" }] },
        { role: "tool", callId: "call_1", text: "1200" },
      ],
      maxOutputTokens: 70,
    };
    await using provider = await loopbackProvider({ answer: () => ({ json: { km: 1200 } }) });

    for (const stream of [false, true]) {
      const model = openAIModel({ model: "gpt-4.1", baseURL: provider.url, apiKey: "any", stream });
      const signal = AbortSignal.timeout(20_000);
      await model.ask({ ...request, answer: { name: "distance", schema } }, { signal });
      await model.ask({ ...request, tools }, { signal });
    }

    expect(provider.requests.flatMap(({ body }) => problemsOf("CreateChatCompletionRequest", body))).toEqual([]);
    expect(provider.requests).toHaveLength(4);
  });
});

if (schemaAbsent !== undefined) test("the provider's own schema", ({ skip }) => skip(schemaAbsent));
