import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { describe, expect, test } from "vitest";
import type { Run } from "walkback";
import { type LoopbackRequest, loopbackProvider, type ScriptedReply, scriptedModel } from "walkback/testing";
import { violations } from "../support/invariants.js";
import { aFolder } from "../support/store.js";
import { bundled } from "./bundle.js";
import type { ToolLoopJob } from "./tool-loop-child.js";
import { travelDesk } from "./tool-loop-program.js";
import { openWorld } from "./world.js";

const call = (name: string, args: object): ScriptedReply => ({ toolCalls: [{ name, arguments: args }] });
const HANDLES = ["fares-3", "book-seat-1"];

/** What the model answers, turn by turn. */
const TURNS: readonly ScriptedReply[] = [
  call("fares", { city: "Rome" }),
  call("fares", { city: "Lisbon" }),
  call("book-seat", { city: "Rome" }),
  call("fares", { city: "Oslo" }),
  call("finish", { status: "completed", reasonCode: "BOOKED", summary: "A seat to Rome.", handles: HANDLES }),
];

const LOOKED_UP = ["pay Rome: paid", "pay Lisbon: paid"];
const HOUR_MS = 3_600_000;

interface Death {
  /** At a named crash point. */
  readonly at?: string;
  /** While this city is looked up. */
  readonly deadlyCity?: string;
  /** While it waits for the answer to this question. */
  readonly question?: number;
}

interface Left {
  /** The questions that the provider was asked, by their place in the conversation. */
  readonly asked: readonly number[];
  /** What the world outside heard. */
  readonly heard: readonly string[];
}

const DEATHS: readonly (readonly [string, Death, Left])[] = [
  [
    "waits for its fourth answer",
    { question: 4 },
    { asked: [1, 2, 3, 4, 4, 5], heard: [...LOOKED_UP, "perform: applied", "pay Oslo: paid"] },
  ],
  [
    "has its third answer on record, and has done nothing with it",
    { at: "journal.intended:before" },
    { asked: [1, 2, 3, 4, 5], heard: [...LOOKED_UP, "perform: applied", "pay Oslo: paid"] },
  ],
  [
    "has sent its effect, and not yet heard of it",
    { at: "effect.sent:after" },
    { asked: [1, 2, 3, 4, 5], heard: [...LOOKED_UP, "perform: applied", "perform: repeated", "pay Oslo: paid"] },
  ],
  [
    "has the receipt of its effect on record, and nobody was told",
    { at: "journal.performed:after" },
    { asked: [1, 2, 3, 4, 5], heard: [...LOOKED_UP, "perform: applied", "pay Oslo: paid"] },
  ],
  [
    "is inside a tool",
    { deadlyCity: "Oslo" },
    { asked: [1, 2, 3, 4, 5], heard: [...LOOKED_UP, "perform: applied", "pay Oslo: paid", "pay Oslo: paid"] },
  ],
  [
    "has finished, and its product is not on record yet",
    { at: "step.recorded:before" },
    { asked: [1, 2, 3, 4, 5], heard: [...LOOKED_UP, "perform: applied", "pay Oslo: paid"] },
  ],
];

describe.concurrent("an agent with tools whose process is killed while it", () => {
  test.each(DEATHS)("%s: another one makes only the calls that are missing, and books once", async (_where, death, { asked, heard }) => {
    await using desk = await aDesk(death);

    const killed = await desk.launch({ recovers: false }, death);
    const recovered = await desk.launch({ recovers: true, aheadMs: HOUR_MS });

    expect([killed, recovered]).toEqual(["SIGKILL", 0]);
    expect(desk.asked()).toEqual(asked);
    expect(desk.heard()).toEqual(heard);
    expect(desk.world.standing()).toHaveLength(1);
    const { run, spend, scopes } = await desk.look();
    expect(run).toMatchObject({ status: "completed", output: { fareCents: 400, seat: 1 } });
    expect(spend.total).toMatchObject({ calls: 5, tokens: 600, microDollars: 600 });
    const day = scopes.filter(({ window }) => window === "day").map(({ scope, spent, reserved }) => [scope, spent.tokens, reserved.tokens]);
    expect(day).toEqual([
      ["global", 600, 0],
      ["tenant/default", 600, 0],
    ]);
    expect(await desk.check()).toEqual([]);
  });
});

/** A travel desk in a process that may be killed, with its provider and the world in this one. */
async function aDesk({ question: deadly }: Death) {
  const folder = await aFolder();
  const [storeFile, worldFile] = [folder.file("store.db"), folder.file("world.db")];
  const world = openWorld(worldFile);
  const runId = randomUUID();
  let kill = () => {};
  let isFirst = true;
  const provider = await loopbackProvider({
    answer: (request) => {
      const question = questionOf(request);
      if (question !== deadly || !isFirst) return TURNS[question - 1] ?? { text: "There is nothing more." };
      isFirst = false;
      kill();
      return { text: "too late", delayMs: HOUR_MS };
    },
  });
  return {
    world,
    asked: () => provider.requests.map(questionOf),
    heard: () =>
      world.calls().map(({ key, action, outcome }) => `${action}${action === "pay" ? ` ${key.split("/").at(-1)}` : ""}: ${outcome}`),
    /** Runs a process to its end, and says how it ended. */
    async launch(change: Partial<ToolLoopJob>, { at = "", deadlyCity }: Death = {}): Promise<unknown> {
      const job: ToolLoopJob = { storeFile, worldFile, runId, aheadMs: 0, recovers: false, deadlyCity, ...change };
      const env = { ...process.env, ...provider.environment, WALKBACK_CRASH_AT: at };
      const child = spawn(process.execPath, [bundled("tool-loop-child"), JSON.stringify(job)], {
        env,
        stdio: ["ignore", "inherit", "inherit"],
      });
      kill = () => void child.kill("SIGKILL");
      const [code, signal] = await once(child, "exit");
      return signal ?? code;
    },
    /** As another process finds it, two hours later. */
    async look() {
      const model = scriptedModel([], { model: "gpt-4.1" });
      await using orchestrator = travelDesk({ storeFile, world, model, aheadMs: 2 * HOUR_MS });
      const run: Run = await orchestrator.get(runId);
      return { run, ...orchestrator.budget() };
    },
    check: () => violations({ storeFile, world, accepted: [runId], attempted: [runId] }),
    async [Symbol.asyncDispose]() {
      await provider.close();
      world.close();
      await folder[Symbol.asyncDispose]();
    },
  };
}

/** Which question of the conversation it is, from 1. */
function questionOf({ asked }: LoopbackRequest): number {
  return 1 + (asked?.messages.filter(({ role }) => role === "assistant").length ?? 0);
}
