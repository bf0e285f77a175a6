import { describe, expect, expectTypeOf, test } from "vitest";
import { defineAgent, defineContract, defineTool, effectTool, runInSandbox, sandboxTool, toolAgent } from "walkback";
import { loopbackProvider, scriptedModel } from "walkback/testing";
import * as z from "zod";

const Order = defineContract({ name: "options.order", version: 1, schema: z.object({ id: z.string() }) });
const Total = defineContract({ name: "options.total", version: 1, schema: z.object({ cents: z.int() }) });
const add = defineTool({ name: "add", description: "Adds.", args: z.object({ a: z.int() }), run: async ({ a }) => ({ cents: a }) });
const GOOD = {
  name: "premium",
  model: scriptedModel([]),
  instructions: "Add it up.",
  tools: [add],
  output: () => ({ cents: 1 }),
};
const wrong = (options: unknown) => options as never; // what a program without types may hand in

describe("toolAgent says what is wrong with its options", () => {
  test.each<[string, unknown, string]>([
    ["none at all", undefined, "toolAgent must be object"],
    ["no output", { ...GOOD, output: undefined }, "output must be a function"],
    ["a model that is a name", { ...GOOD, model: "gpt-4.1" }, "model must be a ChatModel"],
    ["instructions made of inputs", { ...GOOD, instructions: () => "" }, "instructions must be fixed text"],
    ["tools that are no list", { ...GOOD, tools: {} }, "tools must be a list of tools"],
    ["a tool that nobody defined", { ...GOOD, tools: [{ name: "add" }] }, "tools.0 must be made by defineTool"],
    ["a tool twice", { ...GOOD, tools: [add, add] }, 'tools has two called "add"'],
    ["a route that is none", { ...GOOD, onPartial: "retry" }, 'onPartial must be one of "repair"'],
    ["no steps", { ...GOOD, steps: 0 }, "steps must be 1 or more"],
    ["half a repeat", { ...GOOD, repeats: 0.5 }, "repeats must be a whole number"],
    ["an option of somebody else", { ...GOOD, temperature: 0 }, "temperature is not known to toolAgent"],
  ])("%s", (_what, options, message) => {
    expect(() => toolAgent(wrong(options))).toThrow(
      expect.objectContaining({ code: "OPTION_INVALID", message: expect.stringContaining(message) }),
    );
  });
});

describe("a tool says what is wrong with it", () => {
  test.each<[string, () => unknown, string]>([
    ["without a name", () => defineTool(wrong({})), "its name must be"],
    ["without a run", () => defineTool(wrong({ name: "add", description: "Adds.", args: z.object({}) })), "it has no run"],
    ["with arguments that are no object", () => defineTool(wrong({ ...add, args: z.string() })), "its args must be a z.object"],
    ["without an effect", () => effectTool(wrong({ name: "pay" })), "it has no effect"],
  ])("%s", (_what, define, message) => {
    expect(define).toThrow(expect.objectContaining({ code: "TOOL_INVALID", message: expect.stringContaining(message) }));
  });

  test("on a rung that no sandbox has", () => {
    expect(() => sandboxTool({ ladder: [{ memoryMb: 1, timeMs: 1_000 }] })).toThrow(/ladder\.0\.memoryMb must be a whole number from 4/);
  });
});

test("code may be run without a signal", async () => {
  expect(await runInSandbox("return input + 1", { input: 1, resources: { memoryMb: 16, timeMs: 5_000 } })).toMatchObject({ result: 2 });
});

test("inputs and the product are typed inside of defineAgent where the definition says whose they are", () => {
  defineAgent({
    name: "add-up",
    consumes: { order: Order },
    produces: Total,
    tiers: [
      toolAgent({
        ...GOOD,
        consumes: { order: Order },
        produces: Total,
        input: ({ order }) => {
          expectTypeOf(order.id).toBeString();
          return order.id;
        },
        output: (_finish, resultOf) => ({ cents: resultOf(add).cents }),
      }),
    ],
  });
});

describe("a script with a word that nobody knows is refused, since it would say nothing", () => {
  test.each<[string, () => unknown, string]>([
    ["no steps", () => scriptedModel(wrong(undefined)), "must be a list of steps"],
    ["a step misspelled", () => scriptedModel(wrong(["fine", { txt: "approve" }])), "txt is not known to step 2 of scriptedModel"],
    ["an expectation misspelled", () => scriptedModel(wrong([{ expect: { txt: "pipe" } }])), "expect.txt is not known to step 1"],
    ["a number", () => scriptedModel(wrong([5])), "step 1 of scriptedModel must be object"],
  ])("%s", (_what, make, message) => {
    expect(make).toThrow(expect.objectContaining({ code: "OPTION_INVALID", message: expect.stringContaining(message) }));
  });

  test("a fault that there is not", async () => {
    await expect(loopbackProvider({ answer: [wrong({ fault: "nope" })] })).rejects.toMatchObject({
      code: "OPTION_INVALID",
      message: expect.stringContaining("fault must be one of"),
    });
  });
});
