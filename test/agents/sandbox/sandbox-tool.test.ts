import { describe, expect, test } from "vitest";
import {
  climb,
  completed,
  createOrchestrator,
  defineAgent,
  defineContract,
  defineTool,
  defineWorkflow,
  OutOfResources,
  outOfResources,
  type Resources,
  type SandboxToolOptions,
  sandboxTool,
  toolAgent,
} from "walkback";
import { type ScriptedStep, scriptedModel } from "walkback/testing";
import * as z from "zod";
import { failureOf } from "./support.js";

const Order = defineContract({ name: "sums.order", version: 1, schema: z.object({ amounts: z.array(z.int()), secret: z.string() }) });
const Total = defineContract({ name: "sums.total", version: 1, schema: z.object({ total: z.int() }) });
type Given = { readonly order: { readonly amounts: readonly number[] } };

const LADDER = [
  { memoryMb: 32, timeMs: 20_000 },
  { memoryMb: 64, timeMs: 20_000 },
  { memoryMb: 128, timeMs: 20_000 },
];
const RATES = { name: "rates", description: "The rates.", args: z.object({}), run: async () => ({ percent: 50 }) };

/** An accountant who adds up by writing code; the model says what the test wants. */
function anAccountant(steps: readonly ScriptedStep[], options: SandboxToolOptions<Given> = {}) {
  const model = scriptedModel(steps);
  const sandbox = sandboxTool<Given>({ ladder: LADDER, input: ({ order }) => order.amounts, ...options });
  const tier = toolAgent<{ readonly order: typeof Order }, typeof Total>({
    name: "premium",
    model,
    instructions: "Add up the amounts.",
    tools: [sandbox, defineTool(RATES)],
    output: (_, resultOf) => ({ total: Number(resultOf(sandbox).result) }),
  });
  const parts = { name: "add-up", consumes: { order: Order }, produces: Total, limits: { retries: 0, timeoutMs: 120_000 } } as const;
  const addUp = defineAgent({ ...parts, tiers: [tier] });
  const workflow = defineWorkflow({ name: "sums", input: Order, output: Total, agents: [addUp] });
  const orchestrator = createOrchestrator({ workflows: [workflow], limits: { unknownPrice: "dearest" } });
  return {
    start: () => orchestrator.start("sums", { amounts: [3, 4], secret: "not for code" }),
    /** What the model was told after its nth turn. */
    told: (turn: number): Record<string, unknown> => {
      const last = model.requests[turn]?.messages.at(-1);
      return last?.role === "tool" ? JSON.parse(last.text) : {};
    },
    offered: () => model.requests[0]?.tools?.[0],
    async [Symbol.asyncDispose]() {
      await orchestrator.close();
      model.assertConsumed();
    },
  };
}

const runs = (code: string, more: object = {}): ScriptedStep => ({
  toolCalls: [{ name: "run-javascript", arguments: { code, ...more } }],
});
const finishes = (handle: string): ScriptedStep => ({
  toolCalls: [{ name: "finish", arguments: { status: "completed", reasonCode: "DONE", summary: "Added up.", handles: [handle] } }],
});
const filling = (megabytes: number) =>
  `const a = []; for (let i = 0; i < ${megabytes}; i++) a.push(new Uint8Array(2 ** 20).fill(1)); return a.length`;

describe("a model that writes code", () => {
  test("has it run on what was chosen for it, and on earlier results by their handles", async () => {
    const code = "console.log(typeof input.secret); return input.reduce((a, b) => a + b) * results['rates-1'].percent";
    await using accountant = anAccountant([
      { toolCalls: [{ name: "rates" }] },
      runs(code, { handles: ["rates-1"] }),
      finishes("run-javascript-1"),
    ]);

    const run = await accountant.start();

    expect(run).toMatchObject({ status: "completed", output: { total: 350 } });
    expect(accountant.told(2)).toEqual({ handle: "run-javascript-1", result: { result: 350, output: "undefined\n" } });
  });

  test("sees nothing of the inputs that was not chosen, and no handle that there is not", async () => {
    const everything = "return { input, results }";
    await using accountant = anAccountant(
      [runs(everything), runs(everything, { handles: ["rates-1"] }), runs("return 1"), finishes("run-javascript-2")],
      { input: () => null },
    );

    const run = await accountant.start();

    expect(run.status).toBe("completed");
    expect(accountant.told(1)).toMatchObject({ result: { result: { input: null, results: {} } } });
    expect(accountant.told(2)).toMatchObject({ error: expect.stringContaining('"rates-1"') });
  });

  test("is told what is wrong with it, and mends it", async () => {
    await using accountant = anAccountant([
      runs("console.log('here');\nreturn inputs.length"),
      runs("const total = 7"),
      runs("return 7"),
      finishes("run-javascript-1"),
    ]);

    const run = await accountant.start();

    expect(run).toMatchObject({ status: "completed", output: { total: 7 } });
    expect(accountant.told(1)).toMatchObject({
      code: "SANDBOX_FAILED",
      error: expect.stringMatching(/inputs is not defined\nIt had printed:\nhere/),
    });
    expect(accountant.told(2)).toMatchObject({ error: expect.stringContaining("End it with `return`") });
  });

  test("is told what was not enough, what it had and what it may ask for, and succeeds with more", async () => {
    await using accountant = anAccountant([runs(filling(150)), runs(filling(150)), finishes("run-javascript-1")], {
      ladder: [
        { memoryMb: 128, timeMs: 60_000 },
        { memoryMb: 256, timeMs: 60_000 },
      ],
    });

    const run = await accountant.start();

    expect(run).toMatchObject({ status: "completed", output: { total: 150 } });
    expect(accountant.told(1)).toMatchObject({
      code: "OUT_OF_RESOURCES",
      resource: "memory",
      had: { memoryMb: 128, timeMs: 60_000 },
      mayAskFor: [{ memoryMb: 256, timeMs: 60_000 }],
    });
  });

  test("may ask for a higher rung at once", async () => {
    await using accountant = anAccountant([runs(filling(80)), runs(filling(80), { memoryMb: 100 }), finishes("run-javascript-1")]);

    expect(await accountant.start()).toMatchObject({ status: "completed", output: { total: 80 } });
    expect(accountant.told(1)).toMatchObject({ mayAskFor: LADDER.slice(1) });
  });

  test("leaves it to a human when it never fits", async () => {
    await using accountant = anAccountant([runs(filling(500)), runs(filling(500)), runs(filling(500))]);

    const run = await accountant.start();

    expect(run).toMatchObject({
      status: "waiting",
      questions: [{ details: { failure: { code: "HUMAN_NEEDED", message: expect.stringContaining("128 MB of memory were not enough") } } }],
    });
  });

  test("leaves it to a human when it never ends", async () => {
    await using accountant = anAccountant([runs("for (;;);"), runs("for (;;);")], {
      ladder: [
        { memoryMb: 32, timeMs: 100 },
        { memoryMb: 32, timeMs: 200 },
      ],
    });

    expect(await accountant.start()).toMatchObject({ status: "waiting", questions: [{ details: { failure: { code: "HUMAN_NEEDED" } } }] });
    expect(accountant.told(1)).toMatchObject({ resource: "time", had: { timeMs: 100 } });
  });
});

test("a ladder with a rung that no sandbox can keep is refused", () => {
  expect(() =>
    sandboxTool({
      ladder: [
        { memoryMb: 128, timeMs: 1000 },
        { memoryMb: 4096, timeMs: 1000 },
      ],
    }),
  ).toThrow("ladder.1.memoryMb");
  expect(() =>
    sandboxTool({
      ladder: [
        { memoryMb: 128, timeMs: 1000 },
        { memoryMb: 64, timeMs: 1000 },
      ],
    }),
  ).toThrow("less than the one below");
  expect(() => sandboxTool({ ladder: [] })).toThrow("no rungs");
});

describe("a sandbox that heals itself", () => {
  test("climbs within one call and says so", async () => {
    await using accountant = anAccountant([runs(filling(80)), finishes("run-javascript-1")], { selfHeal: true });

    expect(await accountant.start()).toMatchObject({ status: "completed", output: { total: 80 } });
    expect(accountant.told(1)).toMatchObject({
      result: { result: 80, climbed: ["32 MB of memory were not enough.", "64 MB of memory were not enough."] },
    });
  });

  test("leaves it to a human at the ladder's end", async () => {
    await using accountant = anAccountant([runs(filling(500))], { selfHeal: true });

    expect(await accountant.start()).toMatchObject({
      status: "waiting",
      questions: [{ details: { failure: { code: "HUMAN_NEEDED", message: expect.stringContaining("128 MB of memory were not enough") } } }],
    });
  });

  test("does not give more time to code that does not end", async () => {
    const ladder = [
      { memoryMb: 32, timeMs: 200 },
      { memoryMb: 64, timeMs: 20_000 },
    ];
    await using accountant = anAccountant([runs("for (;;);"), runs("return 1"), finishes("run-javascript-1")], { selfHeal: true, ladder });

    expect(await accountant.start()).toMatchObject({ status: "completed", output: { total: 1 } });
    expect(accountant.told(1)).toMatchObject({ resource: "time", had: ladder[0], mayAskFor: [ladder[1]] });
  });
});

describe("an agent in code that climbs a ladder", () => {
  const agent = { agent: "add-up" };

  test("comes back with what the first rung gives that is enough", async () => {
    const tried: Resources[] = [];
    const work = async (rung: Resources) => {
      tried.push(rung);
      if (rung.memoryMb < 64) throw outOfResources("memory", rung);
      return rung.memoryMb;
    };

    expect(await climb(agent, LADDER, work)).toBe(64);
    expect(tried).toEqual(LADDER.slice(0, 2));
  });

  test("stops at anything else that goes wrong", async () => {
    const wrong = new Error("no bank");

    expect(await failureOf(climb(agent, LADDER, () => Promise.reject(wrong)))).toBe(wrong);
    expect(await failureOf(climb(agent, [], async () => 1))).toMatchObject({ code: "OPTION_INVALID" });
  });

  test("asks a human after the last rung, who reads all that was tried", async () => {
    const addUp = defineAgent({
      name: "add-up",
      consumes: { order: Order },
      produces: Total,
      execute: async (_, context) => {
        const total = await climb(context, LADDER, async (rung): Promise<number> => {
          throw outOfResources(rung.memoryMb > 100 ? "process" : "memory", rung);
        });
        return completed({ total });
      },
    });
    const workflow = defineWorkflow({ name: "climbing", input: Order, output: Total, agents: [addUp] });
    await using orchestrator = createOrchestrator({ workflows: [workflow] });

    const run = await orchestrator.start(workflow, { amounts: [], secret: "" });

    const message = expect.stringMatching(
      /1\. 32 MB of memory .* 2\. 64 MB of memory .* 3\. The process that had 128 MB and 20000 ms ended/,
    );
    expect(run).toMatchObject({ status: "waiting", questions: [{ details: { failure: { code: "HUMAN_NEEDED", message } } }] });
    expect(new OutOfResources("x", { resource: "time", had: { memoryMb: 1, timeMs: 1 }, mayAskFor: null }).retryable).toBe(false);
  });
});
