import { describe, expect, expectTypeOf, test } from "vitest";
import { type AgentDefinition, completed, defineAgent, defineContract, defineEffect, type Tier } from "walkback";
import * as z from "zod";

const Question = defineContract({ name: "desk.question", version: 1, schema: z.object({ text: z.string() }) });
const Answer = defineContract({ name: "desk.answer", version: 1, schema: z.object({ words: z.int() }) });
const note = defineEffect({
  name: "note",
  identity: ({ text }: { readonly text: string }) => text,
  perform: async () => ({ page: 1 }),
  undo: async () => {},
});

const common = { name: "answer-question", consumes: { question: Question }, produces: Answer } as const;
const works = async () => completed({ words: 1 });
const refused = (tiers: readonly Tier[], more: object = {}) => {
  try {
    defineAgent({ ...common, tiers, ...more } as unknown as AgentDefinition<typeof common.consumes, typeof Answer, readonly []>);
  } catch (thrown) {
    return (thrown as { readonly code: string; readonly details: { readonly reason: string } }).details.reason;
  }
  return undefined;
};

describe("an agent with tiers", () => {
  test("knows what each tier is given and may do, as it does with an execute", () => {
    const agent = defineAgent({
      ...common,
      effects: [note],
      tiers: [
        {
          name: "premium",
          execute: async ({ question }, { effects, tier }) => {
            expectTypeOf(question).toEqualTypeOf<{ text: string }>();
            expectTypeOf(tier).toEqualTypeOf<string | undefined>();
            const receipt = await effects.perform("note", { text: question.text });
            expectTypeOf(receipt).toEqualTypeOf<{ page: number }>();
            // @ts-expect-error it has no such effect
            await effects.perform("letter", { text: "" });
            return completed({ words: receipt.page });
          },
        },
        { name: "earlier", cached: true, maxAgeMs: 1000 },
        { name: "emergency", emergency: ({ question }, failure) => ({ words: question.text.length + failure.message.length }) },
      ],
      onDegrade: ({ output, inputs }) => (output.words > inputs.question.text.length ? "too many words" : undefined),
    });

    expectTypeOf(agent.produces).toEqualTypeOf(Answer);
    // @ts-expect-error the words are a number
    defineAgent({ ...common, tiers: [{ name: "premium", execute: async () => completed({ words: "one" }) }] });
  });

  test("has no execute beside them, and without them there is no onDegrade", () => {
    // @ts-expect-error either the one or the other
    expect(() => defineAgent({ ...common, execute: works, tiers: [{ name: "premium", execute: works }] })).toThrow(
      "it has both an execute and tiers; move the execute into a tier",
    );
    // @ts-expect-error it is about tiers
    expect(() => defineAgent({ ...common, execute: works, onDegrade: () => "no" })).toThrow("onDegrade is about tiers, and it has none");
    // @ts-expect-error one of the two it must have
    expect(() => defineAgent(common)).toThrow("it has neither an execute nor tiers");
  });

  test.each<[string, readonly Tier[], string]>([
    ["no tier that works", [{ name: "emergency", emergency: () => ({ words: 0 }) }], "none of its tiers has an execute"],
    ["none at all", [], "none of its tiers has an execute"],
    [
      "a cache before any work",
      [
        { name: "earlier", cached: true },
        { name: "premium", execute: works },
      ],
      'its first tier must be one with an execute, and "earlier" is not',
    ],
    [
      "two of a name",
      [
        { name: "premium", execute: works },
        { name: "premium", execute: works },
      ],
      'two of its tiers are called "premium"',
    ],
    [
      "an emergency that is not the last",
      [
        { name: "premium", execute: works },
        { name: "emergency", emergency: () => ({ words: 0 }) },
        { name: "basic", execute: works },
      ],
      'the emergency tier "emergency" must be the last one',
    ],
    [
      "a name nobody can write",
      [{ name: "Premium/1", execute: works }],
      'the name of a tier must be lower case words joined by dashes, not "Premium/1"',
    ],
    [
      "two kinds in one",
      [{ name: "premium", execute: works, cached: true } as Tier],
      "must have exactly one of execute, cached: true and emergency",
    ],
    [
      "an age that nothing has",
      [
        { name: "premium", execute: works },
        { name: "earlier", cached: true, maxAgeMs: 0 },
      ],
      'maxAgeMs of the tier "earlier" must be positive',
    ],
    [
      "limits that do not hold",
      [{ name: "premium", execute: works, limits: { timeoutMs: 0 } }],
      'of its tier "premium": timeoutMs and maxConcurrent must be positive',
    ],
  ])("is refused with %s", (_what, tiers, reason) => {
    expect(refused(tiers)).toContain(reason);
  });

  test("called by itself says what to do when none of its tiers is available", async () => {
    const agent = defineAgent({ ...common, tiers: [{ name: "premium", available: () => false, execute: works }] });

    await expect(agent.execute({ question: { text: "?" } }, {} as never)).rejects.toMatchObject({
      code: "AGENT_UNAVAILABLE",
      message: expect.stringMatching(/can be asked\. Set the key of a tier's model, or add a tier in code\.$/),
    });
  });

  test("called by itself does the work of the first tier that is available", async () => {
    const agent = defineAgent({
      ...common,
      tiers: [
        { name: "premium", available: () => false, execute: works },
        { name: "basic", execute: async () => completed({ words: 2 }) },
      ],
    });

    expect(await agent.execute({ question: { text: "?" } }, {} as never)).toEqual(completed({ words: 2 }));
  });
});
