import { describe, expect, test } from "vitest";
import { askModel, type ChatModel, completed, type ModelReply } from "walkback";
import { type ScriptedStep, scriptedModel } from "walkback/testing";
import { APPROVE, aDesk, INSTRUCTIONS, judge, Opinion } from "./desk.js";

/** What a run that asks one question records and pays when it is answered like this, by 100 and 20 tokens a time. */
async function asked(steps: readonly ScriptedStep[]) {
  await using model = scriptedModel(steps);
  return await askedOf(model);
}

async function askedOf(model: ChatModel) {
  const question = { model, instructions: INSTRUCTIONS, answer: Opinion, repair: false };
  await using desk = await aDesk(
    judge({ execute: async ({ case: it }, context) => completed(await askModel({ ...question, input: it }, context)) }),
  );
  const run = await desk.start();
  const records = await desk.store.journal.list(run.runId);
  const failure = "failure" in run ? run.failure : undefined;
  return { run, failure, recorded: records.filter(({ effect }) => effect === "model").length, tokens: desk.tokensPaid() };
}

test.each<[string, ScriptedStep]>([
  ["with nothing in it", { text: "" }],
  ["that does not say how it ended", { text: "{", finishReason: null }],
])("a reply %s is paid for, not recorded, and asked for again", async (_, step) => {
  const { run, recorded, tokens } = await asked([step, { json: APPROVE }]);
  const { recorded: once } = await asked([{ json: APPROVE }]);

  expect([run.status, tokens]).toEqual(["completed", 240]);
  expect([recorded, once]).toEqual([1, 1]);
});

test.each<[string, ScriptedStep]>([
  ["a refusal", { refusal: "No." }],
  ["a truncated answer", { text: "{", finishReason: "length" }],
  ["prose", "Approve it."],
])("%s is paid for and recorded, and not asked for again", async (_, step) => {
  const { run, recorded, tokens } = await asked([step]);

  expect(run.status).toBe("rolled-back");
  expect([recorded, tokens]).toEqual([1, 120]);
});

test("a reply that is larger than a record is paid for, and given up", async () => {
  const { failure, recorded, tokens } = await asked([{ json: { ...APPROVE, note: "x".repeat(1_100_000) } }]);

  expect(failure).toMatchObject({ code: "MODEL_TOO_LARGE" });
  expect([recorded, tokens]).toEqual([0, 120]);
});

describe("a model of one's own", () => {
  const REPLY: ModelReply = {
    text: JSON.stringify(APPROVE),
    refusal: null,
    toolCalls: [],
    finishReason: "stop",
    usage: { inputTokens: 100, outputTokens: 20 },
    model: null,
    requestId: null,
  };
  const replying = (reply: unknown): ChatModel => ({
    provider: "own",
    model: "scripted",
    available: () => true,
    ask: async () => reply as ModelReply, // what a program without types may give
  });

  test("answers with a reply, and what more it gives is not kept", async () => {
    const { run, recorded, tokens } = await askedOf(replying({ ...REPLY, raw: () => "the response" }));

    expect([run.status, recorded, tokens]).toEqual(["completed", 1, 120]);
  });

  test.each<[string, unknown, string]>([
    ["nothing", undefined, "must be an object"],
    ["a text alone", "Approve it.", "must be an object"],
    ["no refusal", { ...REPLY, refusal: undefined }, "/refusal: must be text or null"],
    ["a number for a text", { ...REPLY, text: 5 }, "/text: must be text or null"],
    ["calls that are no list", { ...REPLY, toolCalls: {} }, "/toolCalls: must be a list"],
    ["a call with arguments that are no text", { ...REPLY, toolCalls: [{ id: "1", name: "t", arguments: {} }] }, "/toolCalls/0/arguments"],
    ["half a character", { ...REPLY, text: "\ud800" }, "/text: has half a character in it"],
    ["half a character in its model", { ...REPLY, model: "\udfff" }, "/model: has half a character in it"],
  ])("says what is wrong when its reply is none: %s", async (_what, reply, reason) => {
    const { failure, recorded } = await askedOf(replying(reply));

    expect(failure).toMatchObject({
      code: "MODEL_MALFORMED",
      message: expect.stringContaining("ChatModel"),
      details: { provider: "own", model: "scripted", reason: expect.stringContaining(reason) },
    });
    expect(recorded).toBe(0);
  });

  test("pays what its reply reports, and the most that it can have taken where that is no count", async () => {
    const { tokens } = await askedOf(replying({ ...REPLY, text: 5 }));
    const counted = await askedOf(replying({ ...REPLY, usage: { inputTokens: Number.NaN, outputTokens: -4 } }));

    expect(tokens).toBe(240); // a try and a retry
    expect(counted.failure).toMatchObject({ code: "MODEL_MALFORMED", details: { reason: expect.stringContaining("/usage/inputTokens") } });
    expect(counted.tokens).toBeGreaterThan(2 * 1024);
  });
});
