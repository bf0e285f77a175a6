import { describe, expect, test } from "vitest";
import { defineTool } from "walkback";
import * as z from "zod";
import { aDesk, byHand, call, calls, degradedBy, finishes, looksUp, toldBefore } from "./support.js";

describe("the limits of a loop", () => {
  test("ends after so many answers of the model, which is told before the last one", async () => {
    await using desk = aDesk([looksUp("Rome"), looksUp("Oslo"), looksUp("Bonn")], { tool: { steps: 3 }, tiers: [byHand] });

    const run = await desk.start();

    expect(toldBefore(desk.model, 3)).toMatch(/^This is your last turn/);
    expect(desk.airline.asked).toEqual(["fare Rome", "fare Oslo", "fare Bonn"]);
    expect(run).toMatchObject({ status: "completed", output: { seat: "by hand" } });
    expect(await degradedBy(desk, run.runId)).toMatchObject([{ code: "INCOMPLETE", details: { limit: "steps" } }]);
  });

  test("may finish in its last turn", async () => {
    await using desk = aDesk([looksUp(), finishes("completed", ["fares-1"])], { tool: { steps: 2 } });

    expect((await desk.start()).status).toBe("completed");
  });

  test("ends once it has taken more tokens than it may", async () => {
    await using desk = aDesk([looksUp("Rome"), looksUp("Oslo"), looksUp("Bonn")], { tool: { maxTokens: 300 } }); // 120 an answer

    const run = await desk.start();

    expect(run).toMatchObject({ status: "rolled-back", failure: { code: "INCOMPLETE", details: { limit: "tokens" } } });
  });

  test("counts an answer without a usage as the most that it can have taken", async () => {
    const unreported = { toolCalls: [call("fares", { city: "Rome" })], usage: null };
    await using desk = aDesk([unreported], { tool: { maxTokens: 2000, maxOutputTokens: 1500 } });

    const run = await desk.start();

    expect(run).toMatchObject({ status: "rolled-back", failure: { code: "INCOMPLETE", details: { limit: "tokens" } } });
  });

  test("a finish counts, whatever it took", async () => {
    await using desk = aDesk([looksUp(), finishes("completed", ["fares-1"])], { tool: { maxTokens: 121 } });

    expect((await desk.start()).status).toBe("completed");
  });

  test("answers an identical call twice with its first result, and gives up the third time", async () => {
    const again = calls(call("fares", '{ "city" : "Rome" }'));
    await using desk = aDesk([looksUp(), again, looksUp(), again], { tiers: [byHand] });

    const run = await desk.start();

    expect(toldBefore(desk.model, 3)).toEqual({
      handle: "fares-1",
      result: { city: "Rome", fareCents: 12004 },
      repeated: expect.stringContaining("You made this very call before"),
    });
    expect(desk.airline.asked).toEqual(["fare Rome"]);
    expect(await degradedBy(desk, run.runId)).toMatchObject([
      { code: "INCOMPLETE", details: { found: "the same call of fares 4 times", limit: "repeats" } },
    ]);
  });

  test("answers an identical call that failed with the error it failed with", async () => {
    await using desk = aDesk([looksUp("Atlantis"), looksUp("Atlantis"), finishes("blocked")], { tiers: [byHand] });

    await desk.start();

    expect(toldBefore(desk.model, 2)).toEqual({ error: "Atlantis has sunk" });
    expect(toldBefore(desk.model, 3)).toMatchObject({ error: "Atlantis has sunk", repeated: expect.any(String) });
    expect(desk.airline.asked).toEqual(["fare Atlantis"]);
  });
});

describe("a huge result", () => {
  const list = (length: number) =>
    defineTool({
      name: "fares",
      description: "All fares.",
      args: z.object({}),
      run: async () => ({ city: "🛫".repeat(length), fareCents: 5 }),
    });

  test("is cut for the model, between characters, and stands in full under its handle", async () => {
    const tool = { tools: [list(5_000)], resultChars: 1_000 };
    await using desk = aDesk([calls(call("fares")), finishes("completed", ["fares-1"])], { tool });

    const run = await desk.start();

    const told = toldBefore(desk.model, 2) as { readonly beginning: string };
    expect(told).toMatchObject({ handle: "fares-1", note: expect.stringContaining("10025 characters") });
    expect(told.beginning).toHaveLength(999); // half a character is none
    expect(run).toMatchObject({ status: "completed", output: { fareCents: 5 } });
  });

  test("that no record can hold is an error for the model, not the end of its work", async () => {
    await using desk = aDesk([calls(call("fares")), finishes("failed")], { tool: { tools: [list(400_000)] } });

    const run = await desk.start();

    expect(toldBefore(desk.model, 2)).toMatchObject({ code: "DOCUMENT_TOO_LARGE" });
    expect(run).toMatchObject({ failure: { code: "AGENT_GAVE_UP" } });
  });
});

test.each([
  ["longer than a record", "x".repeat(2_000_000), /^x{16000}$/],
  ["broken in the middle of a character", "no seat \ud800 left", "no seat \ufffd left"],
])("an error of a tool whose message is %s is told to the model all the same", async (_what, message, told) => {
  const broken = defineTool({
    name: "fares",
    description: "The fare to a city.",
    args: z.object({}),
    run: async () => {
      throw new Error(message);
    },
  });
  await using desk = aDesk([calls(call("fares")), finishes("failed")], { tool: { tools: [broken] } });

  const run = await desk.start();

  expect(toldBefore(desk.model, 2)).toEqual({ error: expect.stringMatching(told) });
  expect(run).toMatchObject({ failure: { code: "AGENT_GAVE_UP" } });
});
