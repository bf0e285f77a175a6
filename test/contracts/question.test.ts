import { expect, test } from "vitest";
import { Answer } from "../../src/contracts/question.js";

test.each([
  ["try again", { decision: "retry" }],
  ["skip it, with a reason", { decision: "skip", reason: "the customer called" }],
  ["reject it, with a reason", { decision: "reject", reason: "fraud" }],
  ["go on with this output", { decision: "use", output: { points: 700 } }],
  ["go on with an output that is null", { decision: "use", output: null }],
  ["approved", { decision: "approve" }],
  ["done by hand", { decision: "done" }],
])("reads an answer in our own words: %s", (_what, answer) => {
  expect(Answer.parse(answer)).toEqual(answer);
});

test.each([
  ["accept means retry", { type: "accept", args: null }, { decision: "retry" }],
  ["accept needs no args", { type: "accept" }, { decision: "retry" }],
  ["ignore means reject", { type: "ignore", args: null }, { decision: "reject", reason: "ignored in the inbox" }],
  [
    "a response is the reason to skip",
    { type: "response", args: "the customer called" },
    { decision: "skip", reason: "the customer called" },
  ],
  [
    "an edit gives the output to use",
    { type: "edit", args: { action: "assess-risk", args: { inputs: {}, output: { grade: "B" } } } },
    { decision: "use", output: { grade: "B" } },
  ],
])("reads an answer of the Agent Inbox, alone or in a list of one: %s", (_what, answer, decision) => {
  expect(Answer.parse(answer)).toEqual(decision);
  expect(Answer.parse([answer])).toEqual(decision);
});

test.each<[string, unknown]>([
  ["nothing", undefined],
  ["null", null],
  ["prose", "please retry"],
  ["an empty object", {}],
  ["an unknown decision", { decision: "perhaps" }],
  ["an unknown type", { type: "perhaps" }],
  ["skip without a reason", { decision: "skip" }],
  ["skip with an empty reason", { decision: "skip", reason: "" }],
  ["reject without a reason", { decision: "reject" }],
  ["use without an output", { decision: "use" }],
  ["use with an output that is not JSON", { decision: "use", output: { cents: 1n } }],
  ["a response that says nothing", { type: "response", args: "" }],
  ["a response that is no text", { type: "response", args: { text: "x" } }],
  ["an edit without an output", { type: "edit", args: { action: "a", args: {} } }],
  ["an empty list", []],
  ["two answers in one", [{ type: "accept" }, { type: "ignore" }]],
  ["our words in a list", [{ decision: "retry" }]],
])("refuses what is no answer: %s", (_what, answer) => {
  expect(Answer.safeParse(answer).success).toBe(false);
});
