import { describe, expect, expectTypeOf, test } from "vitest";
import { defineEffect, defineTool, effectTool, type Tool, type ToolContext, toolAgent } from "walkback";
import { scriptedModel } from "walkback/testing";
import * as z from "zod";
import { anAirline, book, bookSeat } from "./support.js";

const common = { name: "look", description: "Looks.", args: z.object({ at: z.string() }), run: async () => 1 };
const rung = { memoryMb: 64, timeMs: 100 };

describe("a tool", () => {
  test("knows what it is given, and what it answers", () => {
    const look = defineTool({
      ...common,
      run: async ({ at }, { inputs, resources }: ToolContext<{ readonly wish: { readonly to: string } }>) => {
        expectTypeOf(at).toEqualTypeOf<string>();
        expectTypeOf(inputs.wish.to).toEqualTypeOf<string>();
        return { seen: at.length + (resources?.memoryMb ?? 0) };
      },
    });

    expectTypeOf(look).toExtend<Tool<{ seen: number }>>();
    expect(look.parameters).toEqual({
      type: "object",
      properties: { at: { type: "string" } },
      required: ["at"],
      additionalProperties: false,
    });
  });

  test("that is an effect must map its arguments where they are not the effect's own", () => {
    const effect = defineEffect({
      name: "send",
      identity: ({ to }: { readonly to: string }) => to,
      perform: async () => ({ id: 1 }),
      undo: async () => {},
    });

    const own = effectTool({ effect, description: "Sends.", args: z.object({ to: z.string() }) });
    // @ts-expect-error the effect wants to know to whom
    effectTool({ effect, description: "Sends.", args: z.object({ whom: z.string() }) });

    expect(own.name).toBe("send");
    expectTypeOf(own).toExtend<Tool<{ id: number }>>();
  });

  test.each<[string, object, string]>([
    ["a name nobody can write", { name: "Look Up" }, "at most 64 lower case letters, digits, dashes and underscores"],
    ["the name by which agents end", { name: "finish" }, '"finish" is how the agent ends its work'],
    ["no description", { description: " " }, "it has no description"],
    ["arguments that JSON Schema cannot say", { args: z.object({ at: z.date() }) }, "cannot be described as JSON Schema"],
    ["a ladder without rungs", { ladder: [] }, "its ladder has no rungs"],
    ["a rung of nothing", { ladder: [{ memoryMb: 0, timeMs: 1 }] }, "each rung of its ladder needs a positive memoryMb and timeMs"],
    ["a ladder that goes down", { ladder: [rung, { memoryMb: 32, timeMs: 100 }] }, "has less than the one below it"],
    [
      "an argument that is the ladder's",
      { ladder: [rung], args: z.object({ memoryMb: z.number() }) },
      "is the one by which a rung is asked for",
    ],
  ])("is refused with %s", (_what, change, reason) => {
    expect(() => defineTool({ ...common, ...change })).toThrow(
      expect.objectContaining({ code: "TOOL_INVALID", message: expect.stringContaining(reason) }),
    );
  });
});

describe("an agent with tools", () => {
  const tool = book(bookSeat(anAirline()));
  const definition = { name: "premium", model: scriptedModel([]), instructions: "Work.", tools: [tool], output: () => ({}) };

  test.each<[string, object, string]>([
    ["instructions that are made of inputs", { instructions: () => "Work." }, "instructions"],
    ["two tools of a name", { tools: [tool, tool] }, "tools"],
    ["no steps", { steps: 0 }, "steps"],
    ["half a token", { maxTokens: 0.5 }, "maxTokens"],
    ["no answer", { maxOutputTokens: 0 }, "maxOutputTokens"],
    ["results that cannot be shown", { resultChars: -1 }, "resultChars"],
    ["fewer than no repeats", { repeats: -1 }, "repeats"],
  ])("is refused with %s", (_what, change, option) => {
    const wrong = { ...definition, ...change } as typeof definition;
    expect(() => toolAgent(wrong)).toThrow(
      expect.objectContaining({ code: "OPTION_INVALID", details: expect.objectContaining({ option }) }),
    );
  });
});
