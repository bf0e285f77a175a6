import { describe, expect, test } from "vitest";
import { defineTool, outOfResources, type Resource, type Resources } from "walkback";
import * as z from "zod";
import { aDesk, byHand, call, calls, finishes, toldBefore } from "./support.js";

const LADDER = [
  { memoryMb: 64, timeMs: 500 },
  { memoryMb: 128, timeMs: 1_000 },
  { memoryMb: 256, timeMs: 5_000 },
] as const;

/** A tool that needs so much, and writes down what each call of it had. */
function hungry(needsMb: number, resource: Resource = "memory") {
  const had: (Resources | undefined)[] = [];
  const tool = defineTool({
    name: "fares",
    description: "Computes the fare.",
    args: z.object({ city: z.string() }),
    ladder: LADDER,
    run: async (_args, { resources = LADDER[0] }) => {
      had.push(resources);
      if (resources.memoryMb < needsMb) throw outOfResources(resource, resources);
      return { fareCents: resources.memoryMb };
    },
  });
  return { had, tools: [tool] };
}

const computes = (more: object = {}) => calls(call("fares", { city: "Rome", ...more }));

describe("a tool with a ladder", () => {
  test.each<[Resource, string]>([
    ["memory", "64 MB of memory were not enough."],
    ["time", "500 ms were not enough."],
    ["process", "The process that had 64 MB and 500 ms ended before the work did."],
  ])("that runs out of %s is told to the model, and its next call is one rung higher", async (resource, error) => {
    const { had, tools } = hungry(128, resource);
    await using desk = aDesk([computes(), computes(), finishes("completed", ["fares-1"])], { tool: { tools } });

    const run = await desk.start();

    const [first, second, third] = LADDER;
    expect(toldBefore(desk.model, 2)).toMatchObject({ error, code: "OUT_OF_RESOURCES", resource, had: first, mayAskFor: [second, third] });
    expect(had).toEqual([first, second]);
    expect(run).toMatchObject({ status: "completed", output: { fareCents: 128 } });
  });

  test("runs on the rung that the model asks for, and stays at least there where it failed", async () => {
    const { had, tools } = hungry(200);
    const steps = [
      computes(),
      computes({ memoryMb: 200 }),
      computes({ city: "Oslo", memoryMb: 1 }),
      computes({ city: "Oslo", memoryMb: 200 }),
    ];
    await using desk = aDesk([...steps, finishes("completed", ["fares-2"])], { tool: { tools } });

    expect(await desk.start()).toMatchObject({ status: "completed", output: { fareCents: 256 } });
    expect(had.map((resources) => resources?.memoryMb)).toEqual([64, 256, 128, 256]);
  });

  test.each([
    [1_000, "There are at most 256 MB of memory."],
    ["much", "memoryMb must be a positive number."],
    [-1, "memoryMb must be a positive number."],
  ])("is not run with %s MB of memory", async (memoryMb, error) => {
    const { had, tools } = hungry(1);
    await using desk = aDesk([computes({ memoryMb }), finishes("failed")], { tool: { tools } });

    await desk.start();

    expect(toldBefore(desk.model, 2)).toEqual({ error });
    expect(had).toEqual([]);
  });

  test("has a human asked after its last rung, who is told what was tried", async () => {
    const { had, tools } = hungry(1_000);
    await using desk = aDesk([computes(), computes(), computes()], { tool: { tools }, tiers: [byHand] });

    const run = await desk.start();

    expect(had).toEqual(LADDER);
    expect(run).toMatchObject({
      status: "waiting",
      questions: [{ details: { failure: { code: "HUMAN_NEEDED", details: { reasonCode: "OUT_OF_RESOURCES" } } } }],
    });
    expect(JSON.stringify(run)).toContain("1. 64 MB of memory were not enough. 2. 128 MB of memory were not enough. 3. 256 MB");
  });

  test("that climbed by itself to its last rung has a human asked at once", async () => {
    const { tools } = hungry(1);
    const climbed = { ...tools[0], run: () => Promise.reject(outOfResources("memory", LADDER[2])) } as (typeof tools)[number];
    await using desk = aDesk([computes()], { tool: { tools: [climbed] } });

    expect(await desk.start()).toMatchObject({ status: "waiting" });
  });

  test("tells the model in its parameters what it may ask for", async () => {
    const { tools } = hungry(1);
    await using desk = aDesk([finishes("failed")], { tool: { tools } });

    await desk.start();

    const [offered] = desk.model.requests[0]?.tools ?? [];
    expect(offered?.parameters).toMatchObject({
      additionalProperties: false,
      required: ["city"],
      properties: { memoryMb: { description: expect.stringContaining("64 MB and 500 ms, then 128 MB") } },
    });
  });

  test("is not run again on the rungs that were on record when something else is tried again", async () => {
    const { had, tools } = hungry(128);
    let down = 1;
    const flaky = defineTool({
      name: "flaky",
      description: "Fails once.",
      args: z.object({}),
      run: async () => (down-- > 0 ? Promise.reject(Object.assign(new Error("reset"), { code: "ECONNRESET" })) : "there"),
    });
    const steps = [computes(), computes(), calls(call("flaky")), finishes("completed", ["fares-1"])];
    await using desk = aDesk(steps, { tool: { tools: [...tools, flaky] }, retries: 1 });

    expect(await desk.start()).toMatchObject({ status: "completed", output: { fareCents: 128 } });
    expect(had).toHaveLength(2);
  });
});

test("a tool without a ladder that runs out of something is answered with the error", async () => {
  const { tools } = hungry(1_000);
  const plain = { ...tools[0], ladder: undefined } as (typeof tools)[number];
  await using desk = aDesk([computes(), finishes("failed")], { tool: { tools: [plain] } });

  await desk.start();

  expect(toldBefore(desk.model, 2)).toEqual({ code: "OUT_OF_RESOURCES", error: "64 MB of memory were not enough." });
});
