import { describe, expect, test } from "vitest";
import { AgentUnavailable, defineTool, sqliteStore } from "walkback";
import * as z from "zod";
import { aFolder } from "../../support/store.js";
import { type Airline, aDesk, anAirline, books, degradedBy, fares, finishes, looksUp, toldBefore } from "./support.js";

const done = ["fares-1", "book-1"];

/** A list of fares that cannot be reached so many times, and then can. */
const unreachable = (airline: Airline, times: number, error: Error) => {
  let left = times;
  return fares(airline, () => {
    if (left-- > 0) throw error;
    return 1;
  });
};

describe("a tool that could not be reached", () => {
  test.each([
    ["says so", new AgentUnavailable("not now", { agent: "book-trip" })],
    ["lost its connection", Object.assign(new Error("reset"), { code: "ECONNRESET" })],
    ["was told to come later", Object.assign(new Error("busy"), { status: 503 })],
  ])("(it %s) is tried again by the guard; what was paid for and what other tools answered is not asked again", async (_what, error) => {
    const airline = anAirline();
    const tools = [unreachable(airline, 2, error)];
    const steps = [looksUp("Atlantis"), looksUp("Rome"), finishes("completed", ["fares-1"])];
    await using desk = aDesk(steps, { airline, retries: 2, tool: { tools } });

    const run = await desk.start();

    expect(run).toMatchObject({ status: "completed", output: { fareCents: 1 } });
    expect(airline.asked).toEqual(["fare Atlantis", "fare Rome", "fare Rome", "fare Rome"]);
    expect(toldBefore(desk.model, 2)).toEqual({ error: "Atlantis has sunk" });
    expect(desk.orchestrator.budget().spend.total).toMatchObject({ calls: 3, tokens: 360, microDollars: 360 });
  });

  test("for good fails the tier", async () => {
    const airline = anAirline();
    const tools = [unreachable(airline, 9, new AgentUnavailable("not now", { agent: "book-trip" }))];
    await using desk = aDesk([looksUp()], { airline, retries: 1, tool: { tools } });

    expect(await desk.start()).toMatchObject({ status: "rolled-back", failure: { code: "AGENT_UNAVAILABLE" } });
    expect(desk.orchestrator.budget().spend.total.calls).toBe(1);
  });
});

describe("an attempt that ran out of time inside a tool", () => {
  test("is followed by one that makes that call again, and no other", async () => {
    const airline = anAirline();
    let hangs = true;
    const slow = defineTool({
      name: "fares",
      description: "The fare to a city, in cents.",
      args: z.object({ city: z.string() }),
      run: async ({ city }, { signal }) => {
        airline.asked.push(`fare ${city}`);
        if (city === "Oslo" && hangs) {
          hangs = false;
          await new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason), { once: true }));
        }
        return { fareCents: 1 };
      },
    });
    await using desk = aDesk([looksUp("Rome"), looksUp("Oslo"), finishes("completed", ["fares-2"])], {
      airline,
      retries: 1,
      tool: { tools: [slow], limits: { timeoutMs: 1_000, retries: 1 } },
    });

    const run = await desk.start();

    expect(run.status).toBe("completed");
    expect(airline.asked).toEqual(["fare Rome", "fare Oslo", "fare Oslo"]);
    expect(desk.orchestrator.budget().spend.total.calls).toBe(3);
  });
});

describe("the journal of a loop", () => {
  test("grows by as much with every step", async () => {
    const sizeAfter = async (steps: number) => {
      await using folder = await aFolder();
      const store = sqliteStore(folder.file("store.db"));
      const cities = Array.from({ length: steps }, (_, index) => `city ${index + 10}`);
      const desk = aDesk([...cities.map((city) => looksUp(city)), finishes("completed", ["fares-1"])], {
        tool: { steps: 100 },
        orchestrator: { store },
      });
      const { runId } = await desk.start();
      const bytes = JSON.stringify(await store.journal.list(runId)).length;
      await desk.orchestrator.close();
      return bytes;
    };

    const [ten, twenty, forty] = [await sizeAfter(10), await sizeAfter(20), await sizeAfter(40)];

    const step = (twenty - ten) / 10;
    expect(Math.abs((forty - twenty) / 20 - step)).toBeLessThan(step * 0.05);
  });
});

describe("a replay of a loop", () => {
  const cases: readonly [string, Parameters<typeof aDesk>[0]][] = [
    [
      "that did all that it can",
      [looksUp("Atlantis"), looksUp(), books(), books("other"), "Prose.", looksUp(), finishes("completed", done)],
    ],
    ["that was refused outside", [books("stolen"), finishes("failed")]],
    ["that never finished", [looksUp(), "Prose.", "Prose.", "Prose."]],
    ["that was blocked", [books(), finishes("blocked", ["book-1"])]],
    [
      "whose answer was sent back",
      [looksUp(), finishes("completed", ["fares-1"], { reasonCode: "REFUSED" }), looksUp(), finishes("failed")],
    ],
    ["that waits for a human", [looksUp(), finishes("needs_human")]],
    ["that was refused by the model", [looksUp(), { refusal: "No." }]],
  ];

  test.each(cases)("%s asks neither model nor tools, and differs in nothing", async (_what, steps) => {
    await using desk = aDesk(steps);
    const { runId, status } = await desk.start();
    const before = { asked: [...desk.airline.asked], questions: desk.model.requests.length };

    const replay = await desk.orchestrator.replay(runId);

    expect(replay).toMatchObject({ status: { recorded: status, replayed: status } });
    expect(replay.differs).toBeUndefined();
    expect({ asked: desk.airline.asked, questions: desk.model.requests.length }).toEqual(before);
  });

  test("works the loop again with today's agent, from the answers on record", async () => {
    const better = { output: () => ({ fareCents: 2, seat: "better", by: "today" }) };
    await using folder = await aFolder();
    const store = folder.file("store.db");
    const desk = aDesk([looksUp(), finishes("completed", ["fares-1"])], { orchestrator: { store } });
    const { runId } = await desk.start();
    await desk.orchestrator.close();
    await using today = aDesk([], { tool: better, orchestrator: { store } });

    const replay = await today.orchestrator.replay(runId);

    expect(replay.differs).toMatchObject({ kind: "data", agent: "book-trip" });
  });
});

test("two tiers with tools each have a conversation of their own, and what the first one did is undone", async () => {
  const airline = anAirline();
  await using below = aDesk([books("gift card"), looksUp(), finishes("completed", done)], { airline });
  const tier = { ...below.tier, name: "standard" };
  await using desk = aDesk([books("visa"), finishes("blocked")], { airline, tiers: [tier] });

  const run = await desk.start();

  expect(run).toMatchObject({ status: "completed", degraded: true, output: { seat: "1A" } });
  expect(await degradedBy(desk, run.runId)).toMatchObject([{ code: "UNFINISHED" }]);
  expect(airline.asked).toEqual(["book t-1 by visa", "undo", "book t-1 by gift card", "fare Rome"]);
  expect(airline.standing()).toEqual(["t-1 by gift card"]);
});
