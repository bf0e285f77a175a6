import { expect, test } from "vitest";
import { rawServer } from "../../support/raw-server.js";
import { ask, QUESTION } from "./asking.js";

const HALF = "an \ud83d";
const TOOLS = { ...QUESTION, tools: [{ name: "look-up", description: "Finds a city.", parameters: { type: "object" } }] };
const call = (id: string, name: string, written: string) => ({ tool_calls: [{ index: 0, id, function: { name, arguments: written } }] });

/** A chat completion with this message, whole or as the only piece of a stream. */
function body(message: object, streamed: boolean, head: object): string {
  const said = { [streamed ? "delta" : "message"]: { role: "assistant", content: null, ...message } };
  const document = JSON.stringify({ id: "c-1", model: "m-1", ...head, choices: [{ index: 0, finish_reason: "stop", ...said }] });
  return streamed ? `data: ${document}\n\ndata: [DONE]\n\n` : document;
}

test.each<[string, object, object]>([
  ["the text", { content: HALF }, {}],
  ["a part of the content", { content: [{ type: "text", text: HALF }] }, {}],
  ["the refusal", { refusal: HALF }, {}],
  ["the id of a call", call(HALF, "look-up", "{}"), {}],
  ["the name of a call", call("c1", HALF, "{}"), {}],
  ["the arguments of a call", call("c1", "look-up", `{"city":"${HALF}"}`), {}],
  ["the name of the model", { content: "Paris" }, { model: HALF }],
  ["the id of the answer", { content: "Paris" }, { id: HALF }],
])("half a character in %s is no answer, streamed or whole", async (_where, message, head) => {
  for (const stream of [true, false]) {
    await using server = await rawServer(body(message, stream, head));

    const { failure } = await ask(server.url, TOOLS, { stream });

    expect(failure?.toJSON()).toMatchObject({ code: "MODEL_MALFORMED", details: { reason: "half a character stands in it" } });
  }
});

test("a character whose halves come in two pieces is whole", async () => {
  const piece = (content: string, finish_reason: string | null = null) =>
    `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content }, finish_reason }] })}\n\n`;
  await using server = await rawServer(`${piece("\ud83d")}${piece("\ude00", "stop")}data: [DONE]\n\n`);

  expect((await ask(server.url)).reply?.text).toBe("\u{1f600}");
});
