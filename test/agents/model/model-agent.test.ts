import { describe, expect, expectTypeOf, test } from "vitest";
import { completed, defineAgent, defineContract, type InferInput, modelAgent, type Tier } from "walkback";
import { type ScriptedModel, type ScriptedStep, scriptedModel } from "walkback/testing";
import * as z from "zod";
import { APPROVE, aDesk, Case, INSTRUCTIONS, judge, Opinion, opinionOf } from "./desk.js";

type DeskTier = Tier<{ case: typeof Case }, typeof Opinion, readonly []>;

const NO_DECISION: InferInput<typeof Opinion> = { verdict: "no decision", confidence: 0 };
const emergency: DeskTier = { name: "emergency", emergency: () => NO_DECISION };

/** Rules in code: only a high income is enough for them. */
const basic: DeskTier = {
  name: "basic",
  execute: async ({ case: it }) => completed(it.incomeCents >= 50_000 ? { verdict: "decline" as const, confidence: 0.6 } : NO_DECISION),
};
const broken: DeskTier = { name: "basic", execute: async () => Promise.reject(new Error("the rules cannot be read")) };

const asks = (model: ScriptedModel, name = model.model): DeskTier =>
  modelAgent({ name, model, instructions: INSTRUCTIONS, answer: Opinion });

describe("a tier that asks a model", () => {
  test("answers for the agent when the model does", async () => {
    await using premium = scriptedModel([{ json: APPROVE }], { model: "premium" });
    await using desk = await aDesk(judge({ tiers: [asks(premium), basic, emergency] }));

    const run = await desk.start();

    expect(run).toMatchObject({ status: "completed", degraded: false });
    expect(opinionOf(run)).toMatchObject({ verdict: "approve" });
    expect(JSON.parse(premium.requests[0]?.messages[1]?.text ?? "")).toMatchObject({ input: { case: { id: "c-1" } } });
  });

  test("gives way to the next one when the model refuses", async () => {
    await using premium = scriptedModel([{ refusal: "I'm sorry, I can't help with that." }], { model: "premium" });
    await using standard = scriptedModel([{ json: { ...APPROVE, verdict: "decline" } }], { model: "standard" });
    await using desk = await aDesk(judge({ tiers: [asks(premium), asks(standard), basic, emergency] }));

    const run = await desk.start();

    expect(run).toMatchObject({ status: "completed", degraded: true, versions: [{}, { tier: "standard" }, {}] });
    expect(opinionOf(run)).toMatchObject({ verdict: "decline" });
    expect(desk.events).toContainEqual(
      expect.objectContaining({
        type: "agent.degraded",
        from: "premium",
        to: "standard",
        failure: expect.objectContaining({ code: "MODEL_REFUSED" }),
      }),
    );
  });

  test("leaves the work to the rules in code when no model has an answer", async () => {
    await using premium = scriptedModel([{ refusal: "I'm sorry." }], { model: "premium" });
    await using standard = scriptedModel(["Approve it.", "I said: approve it."], { model: "standard" });
    await using desk = await aDesk(judge({ tiers: [asks(premium), asks(standard), basic, emergency] }));

    const run = await desk.start();

    expect(run).toMatchObject({ status: "completed", degraded: true, versions: [{}, { tier: "basic" }, {}] });
    expect(opinionOf(run)).toMatchObject({ verdict: "decline" });
  });

  test("is passed over while its model has no key, and nothing is degraded by that", async () => {
    await using premium = scriptedModel([], { model: "premium", available: false });
    await using desk = await aDesk(judge({ tiers: [asks(premium), basic, emergency] }));

    const run = await desk.start();

    expect(run).toMatchObject({ status: "completed", degraded: false, versions: [{}, { tier: "basic" }, {}] });
  });

  test("is told by the gate what was wrong with its answer, as data", async () => {
    const Draft = defineContract({ name: "desk.draft", version: 1, schema: Opinion.schema });
    await using premium = scriptedModel([{ json: { ...APPROVE, confidence: 0.1 } }, { json: APPROVE }], { model: "premium" });
    const drafts = modelAgent({
      name: "premium",
      model: premium,
      instructions: INSTRUCTIONS,
      answer: Draft,
      output: (draft: z.output<typeof Opinion.schema>) => draft,
    });
    await using desk = await aDesk(judge({ tiers: [drafts, emergency] }));

    const run = await desk.start();

    const [first, second] = premium.requests;
    expect(opinionOf(run)).toMatchObject({ verdict: "approve", confidence: 0.9 });
    expect(second?.messages[0]).toEqual(first?.messages[0]);
    expect(JSON.parse(second?.messages[1]?.text ?? "")).toMatchObject({
      input: { case: { id: "c-1" } },
      feedback: [{ message: expect.stringContaining("its confidence is at least 0.5") }],
    });
  });

  test("is refused when its contract cannot be put to a model, or its instructions are made of inputs", () => {
    const Free = defineContract({ name: "desk.free", version: 1, schema: z.object({ all: z.record(z.string(), z.string()) }) });
    const model = scriptedModel([]);
    const common = { name: "premium", model } as const;

    expect(() => modelAgent({ ...common, instructions: INSTRUCTIONS, answer: Free })).toThrow(
      expect.objectContaining({ code: "CONTRACT_INVALID" }),
    );
    expect(() => modelAgent({ ...common, instructions: (() => "") as never, answer: Opinion })).toThrow(
      expect.objectContaining({ code: "OPTION_INVALID" }),
    );
  });
});

/** Everything a model may do instead of answering, for as often as it is asked. */
const FAILURES: Readonly<Record<string, ScriptedStep>> = {
  refuses: { refusal: "I cannot assist with that." },
  "refuses beside an approval": { refusal: "I cannot assist with that.", json: APPROVE },
  "is cut off after an approval": { json: APPROVE, truncated: true },
  "is held back with an approval": { json: APPROVE, filtered: true },
  "approves in prose": "I approve. The case is good.",
  "approves in a fence": `\`\`\`json\n${JSON.stringify(APPROVE)}\n\`\`\``,
  "approves in another form": { json: { verdict: "approve" } },
  "approves without the confidence that the rule wants": { json: { ...APPROVE, confidence: 0.2 } },
  "does not say that it is done": { json: APPROVE, finishReason: null },
  "calls a tool that nobody offered": { toolCalls: [{ name: "approve", arguments: APPROVE }] },
  "answers with nothing": { text: "" },
  "is not there": new Error("connect ECONNREFUSED"),
};
/** A model is asked at most four times in a round: a try and a retry, each with a repair. */
const always = (step: ScriptedStep, model: string) =>
  scriptedModel(
    Array.from({ length: 4 }, () => step),
    { model },
  );
const NAMES = Object.keys(FAILURES);
/** Each failure above itself and above another one. */
const PAIRS = NAMES.flatMap((name, index) => [name, NAMES[(index + 1) % NAMES.length] ?? name].map((next) => [name, next] as const));

test.each(PAIRS)("when the best model %s and the next one %s, there is no decision, and no approval", async (first, second) => {
  const premium = always(FAILURES[first] ?? "", "premium");
  const standard = always(FAILURES[second] ?? "", "standard");
  await using desk = await aDesk(judge({ tiers: [asks(premium), asks(standard), broken, emergency] }));

  const run = await desk.start();

  expect(run).toMatchObject({ status: "completed", degraded: true, versions: [{}, { tier: "emergency" }, {}] });
  expect(opinionOf(run)).toMatchObject({ verdict: "no decision" });
  expect([premium.requests.length, standard.requests.length].every((count) => count >= 1)).toBe(true);
});

describe("a definition", () => {
  const Words = defineContract({ name: "desk.words", version: 1, schema: z.object({ words: z.int() }) });
  const common = { name: "premium", model: scriptedModel([]), instructions: INSTRUCTIONS } as const;
  const agent = { name: "judge-case", consumes: { case: Case }, produces: Opinion } as const;

  test("knows what it is given, what is answered, and what the agent has to produce", () => {
    const defined = defineAgent({
      ...agent,
      tiers: [
        modelAgent({
          ...common,
          ...agent,
          answer: Words,
          input: ({ case: it }) => {
            expectTypeOf(it).toEqualTypeOf<{ id: string; incomeCents: number; remark: string }>();
            return { remark: it.remark };
          },
          output: ({ words }, { case: it }) => {
            expectTypeOf(words).toEqualTypeOf<number>();
            expectTypeOf(it.incomeCents).toEqualTypeOf<number>();
            return { verdict: "decline" as const, confidence: words };
          },
        }),
        modelAgent({ ...common, name: "standard", answer: Opinion }),
        emergency,
      ],
    });

    expectTypeOf(defined.produces).toEqualTypeOf(Opinion);
    expectTypeOf(defined.consumes.case).toEqualTypeOf(Case);
  });

  test("knows it from where it is put as well", () => {
    const tier: DeskTier = modelAgent({
      ...common,
      answer: Words,
      input: ({ case: it }) => it.remark,
      output: ({ words }, { case: it }) => ({ verdict: it.incomeCents > words ? "approve" : "decline", confidence: 1 }),
    });

    expect(tier.name).toBe("premium");
  });

  test("is told what does not fit together", () => {
    // @ts-expect-error the answer is not what the agent produces, and nothing makes that of it
    const bare: DeskTier = modelAgent({ ...common, answer: Words });
    // @ts-expect-error the verdict is one of three words
    const other: DeskTier = modelAgent({ ...common, answer: Words, output: () => ({ verdict: "maybe", confidence: 1 }) });
    // @ts-expect-error the agent is given no score
    const unknown: DeskTier = modelAgent({ ...common, answer: Opinion, input: ({ score }) => score });
    const tiers = [modelAgent({ ...common, answer: Words })];
    // @ts-expect-error in its place, too
    defineAgent({ ...agent, tiers });

    expect([bare, other, unknown]).toHaveLength(3);
  });
});
