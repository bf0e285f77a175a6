import { describe, expect, test } from "vitest";
import { ModelRefused, type ModelRequest } from "walkback";

import { type Expectation, type ScriptedStep, ScriptMismatch, scriptedModel } from "walkback/testing";
import { aTravelAgency } from "../agents/support.js";

const never = () => new AbortController().signal;

const question: ModelRequest = {
  messages: [
    { role: "system", text: "You check trips." },
    { role: "user", text: '{"trip":"to Rome"}' },
  ],
  maxOutputTokens: 50,
};
const withTools: ModelRequest = {
  ...question,
  tools: [
    { name: "lookup", description: "Looks up.", parameters: {} },
    { name: "finish", description: "Ends.", parameters: {} },
  ],
};

/** What a script of this one step answers. */
function answerTo(step: ScriptedStep, request = question) {
  return scriptedModel([step]).ask(request, { signal: never() });
}

describe("a step of the script", () => {
  test("is a text, and what it leaves out is filled in", async () => {
    expect(await answerTo("Fine.")).toEqual({
      text: "Fine.",
      refusal: null,
      toolCalls: [],
      finishReason: "stop",
      usage: { inputTokens: 100, outputTokens: 20 },
      model: "scripted",
      requestId: "req_1",
    });
  });

  test.each([
    ["JSON", { json: { risk: "low" } }, { text: '{"risk":"low"}', finishReason: "stop" }],
    ["a refusal", { refusal: "I cannot." }, { text: null, refusal: "I cannot.", finishReason: "stop" }],
    ["a truncated answer", { text: "{", truncated: true }, { finishReason: "length", usage: { inputTokens: 100, outputTokens: 50 } }],
    ["an answer held back", { filtered: true }, { text: null, finishReason: "content_filter" }],
    ["an answer without usage or an end", { text: "", usage: null, finishReason: null }, { text: "", usage: null, finishReason: null }],
  ])("is %s", async (_, step, reply) => {
    expect(await answerTo(step)).toMatchObject(reply);
  });

  test("is a call of tools, its arguments as JSON or as the model is said to have written them", async () => {
    const { toolCalls, finishReason } = await answerTo({
      toolCalls: [
        { name: "lookup", arguments: { id: 7 } },
        { name: "lookup", arguments: '{"id":' },
        { name: "finish", id: "mine" },
      ],
    });

    expect(finishReason).toBe("tool_calls");
    expect(toolCalls).toEqual([
      { id: "call_1_1", name: "lookup", arguments: '{"id":7}' },
      { id: "call_1_2", name: "lookup", arguments: '{"id":' },
      { id: "mine", name: "finish", arguments: "{}" },
    ]);
  });

  test("is a failure to throw, alone or with the rest of a step", async () => {
    const refused = new ModelRefused("No.", { provider: "scripted", model: "scripted", refusal: "No." });

    await expect(answerTo(refused)).rejects.toBe(refused);
    await expect(answerTo({ expect: { text: "Rome" }, throws: refused })).rejects.toBe(refused);
  });

  test("is a function of the request", async () => {
    const model = scriptedModel([
      ({ messages }, number) => `${number}: ${messages.length} messages`,
      async () => ({ refusal: "Not twice." }),
      () => new Error("gone"),
    ]);
    const ask = () => model.ask(question, { signal: never() });

    expect(await ask()).toMatchObject({ text: "1: 2 messages" });
    expect(await ask()).toMatchObject({ refusal: "Not twice.", requestId: "req_2" });
    await expect(ask()).rejects.toThrow("gone");
    model.assertConsumed();
  });

  test("tells its text in pieces, also when it does not end well", async () => {
    const heard: string[] = [];
    const text = "Über die Reise nach Rom ist 🧳 alles gesagt.";
    const model = scriptedModel([text, { text, throws: new Error("cut off") }]);
    const ask = () => model.ask(question, { signal: never(), onText: (piece) => heard.push(piece) });

    await ask();
    const once = heard.splice(0);
    await expect(ask()).rejects.toThrow("cut off");

    expect(once.join("")).toBe(text);
    expect(once.length).toBeGreaterThan(2);
    expect(heard).toEqual(once);
  });

  test.each([
    ["hangs", { hangs: true }],
    ["takes its time", { text: "Fine.", delayMs: 3_600_000 }],
  ])("%s until the signal is aborted", async (_, step) => {
    const attempt = new AbortController();
    const answer = scriptedModel([step]).ask(question, { signal: attempt.signal });

    attempt.abort(new Error("given up"));

    await expect(answer).rejects.toSatisfy((thrown: Error) => thrown.message === "given up" || thrown.name === "AbortError");
  });
});

describe("what a step expects", () => {
  const met: [string, Expectation, ModelRequest][] = [
    ["a part of the last message", { text: "Rome", role: "user" }, question],
    ["a pattern in the last message", { text: /"to \w+"/ }, question],
    ["a part of the instructions", { instructions: "check trips" }, question],
    ["the tools, in any order", { tools: ["finish", "lookup"] }, withTools],
    ["no tools and no schema", { tools: [], answer: null }, question],
    ["the name of the schema", { answer: "verdict" }, { ...question, answer: { name: "verdict", schema: {} } }],
    ["what a function accepts", ({ maxOutputTokens }) => expect(maxOutputTokens).toBe(50), question],
  ];

  test.each(met)("may be %s", async (_, expectation, request) => {
    await using model = scriptedModel([{ expect: expectation, text: "Fine." }]);

    expect(await model.ask(request, { signal: never() })).toMatchObject({ text: "Fine." });
  });

  const unmet: [string, Expectation, string][] = [
    ["another text", { text: "Paris" }, 'a request with text "Paris"'],
    ["another role", { role: "tool" }, 'a request with role "tool"'],
    ["other instructions", { instructions: /fly/ }, "a request with instructions /fly/"],
    ["other tools", { tools: ["lookup"] }, 'a request with tools ["lookup"]'],
    ["a schema", { answer: "verdict" }, 'a request with answer "verdict"'],
    ["what a function does not accept", () => false, "a request that its function accepts"],
    [
      "what a function throws at",
      () => {
        throw new Error("too long");
      },
      "a request that its function accepts (too long)",
    ],
  ];

  test.each(unmet)("is missed when it is %s", async (_, expectation, expected) => {
    const model = scriptedModel(["Fine.", { expect: expectation, text: "Fine." }]);
    await model.ask(question, { signal: never() });

    const mismatch = await model.ask(withTools, { signal: never() }).catch((thrown: unknown) => thrown);

    expect(mismatch).toBeInstanceOf(ScriptMismatch);
    expect(mismatch).toMatchObject({
      details: {
        script: "the scripted model scripted:scripted",
        step: 2,
        steps: 2,
        expected,
        came: `a request whose last message is the user's "{\\"trip\\":\\"to Rome\\"}", the tools lookup, finish`,
      },
    });
    expect(() => model.assertConsumed()).toThrow(mismatch as Error);
  });
});

describe("the script as a whole", () => {
  test("remembers what it was asked, as it was then", async () => {
    const model = scriptedModel(["Fine.", "Fine."]);
    const messages = [...question.messages];

    await model.ask({ ...question, messages }, { signal: never() });
    messages.push({ role: "assistant", text: "Fine." });
    await model.ask({ ...question, messages }, { signal: never() });

    expect(model.requests.map((request) => request.messages.length)).toEqual([2, 3]);
  });

  test("fails when it is disposed of before its end", async () => {
    const unasked = async () => {
      await using model = scriptedModel(["Fine.", { expect: { role: "tool" }, text: "Done." }]);
      await model.ask(question, { signal: never() });
    };

    await expect(unasked()).rejects.toMatchObject({
      name: "ScriptMismatch",
      details: { step: 2, steps: 2, expected: 'a request with role "tool"', came: "nothing more" },
    });
  });

  test("fails on a request after its end, and says so again though the agent swallowed it", async () => {
    const model = scriptedModel(["Fine."], { provider: "openai", model: "gpt-4.1" });
    const ask = ({ signal }: { signal: AbortSignal }) => model.ask(question, { signal }).then(({ text }) => text);
    await using agency = aTravelAgency([], async (context) => {
      await ask(context);
      return ask(context).catch(() => "as always");
    });

    const run = await agency.start();

    expect(run).toMatchObject({ status: "completed", output: { note: '"as always"' } });
    expect(() => model.assertConsumed()).toThrow(
      "the scripted model openai:gpt-4.1 expected no further request at step 2 of 1; what came was a request whose last message is the user's",
    );
  });

  test("an unexpected request fails the run that made it", async () => {
    const model = scriptedModel([]);
    await using agency = aTravelAgency([], ({ signal }) => model.ask(question, { signal }));

    const run = await agency.start();

    expect(run).toMatchObject({ status: "rolled-back", failure: { details: { step: 1, steps: 0, expected: "no further request" } } });
  });

  test("asks for nothing where the signal is aborted already", async () => {
    const model = scriptedModel(["Fine."]);

    await expect(model.ask(question, { signal: AbortSignal.abort() })).rejects.toMatchObject({ name: "AbortError" });

    expect(model.requests).toEqual([]);
    expect(() => model.assertConsumed()).toThrow(ScriptMismatch);
  });

  test("may be one that has no key", () => {
    expect([scriptedModel([]).available(), scriptedModel([], { available: false }).available()]).toEqual([true, false]);
  });
});
