import { expect, test } from "vitest";
import { askModel, completed } from "walkback";
import { type ScriptedStep, scriptedModel } from "walkback/testing";
import { APPROVE, aDesk, INSTRUCTIONS, judge, Opinion } from "./desk.js";

/** What a run that asks one question records and pays when it is answered like this, by 100 and 20 tokens a time. */
async function asked(steps: readonly ScriptedStep[]) {
  await using model = scriptedModel(steps);
  const question = { model, instructions: INSTRUCTIONS, answer: Opinion, repair: false };
  await using desk = await aDesk(
    judge({ execute: async ({ case: it }, context) => completed(await askModel({ ...question, input: it }, context)) }),
  );
  const run = await desk.start();
  const records = await desk.store.journal.list(run.runId);
  return { run, recorded: records.filter(({ effect }) => effect === "model").length, tokens: desk.tokensPaid() };
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
