import { expect, test } from "vitest";
import type { ModelRequest } from "walkback";
import { rawServer } from "../../support/raw-server.js";
import { type Asked, ask, QUESTION } from "./asking.js";
import { type ForeignAnswer, NONE, WHOLE } from "./foreign-answers.js";
import { ERRORS } from "./foreign-errors.js";

const REQUESTS: Readonly<Record<NonNullable<ForeignAnswer["asked"]>, ModelRequest>> = {
  json: { ...QUESTION, answer: { name: "capital", schema: { type: "object", properties: { city: { type: "string" } } } } },
  tools: { ...QUESTION, tools: [{ name: "look-up", description: "Finds a city.", parameters: { type: "object" } }] },
};

/** Asked for a stream and for none: what a server sends is taken for what it is. */
async function answered({ body, asked }: ForeignAnswer): Promise<readonly Asked[]> {
  await using server = await rawServer(body);
  const request = asked ? REQUESTS[asked] : QUESTION;
  return [await ask(server.url, request, { stream: true }), await ask(server.url, request, { stream: false })];
}

test.each(WHOLE)("a whole answer: $server", async (answer) => {
  for (const { reply, failure, heard } of await answered(answer)) {
    expect(failure?.message).toBeUndefined();
    const calls = reply?.toolCalls.map(({ name, arguments: written }) => ({ name, arguments: written }));
    expect("calls" in (answer.is as object) ? { calls } : { text: reply?.text }).toEqual(answer.is);
    expect(new Set(reply?.toolCalls.map(({ id }) => id)).size).toBe(reply?.toolCalls.length);
    if (answer.usage !== undefined) expect(reply?.usage).toEqual(answer.usage);
    if (answer.body.trimStart().startsWith("data") && "text" in (answer.is as object)) expect(heard.join("")).toBe(reply?.text);
  }
});

test.each(NONE)("no answer: $server", async (answer) => {
  for (const { reply, failure } of await answered(answer)) {
    expect([failure?.code, reply]).toEqual([answer.is, undefined]);
    expect(failure?.usageUnknown).toBe(failure?.usage === undefined); // it was taken: somebody pays
    if (answer.usage !== undefined) expect(failure?.usage ?? null).toEqual(answer.usage);
  }
});

test.each(ERRORS)("an error: %s", async (_, status, body, code) => {
  await using server = await rawServer({ status, pieces: [Buffer.from(typeof body === "string" ? body : JSON.stringify(body))] });

  const { failure } = await ask(server.url);

  expect(failure).toMatchObject({ code, usageUnknown: false });
  expect(failure?.message.length).toBeLessThan(500);
});
