import { describe, expect, test } from "vitest";
import { aDesk, byHand, degradedBy, finishes, looksUp, toldBefore } from "./support.js";

const unfinished = (status: string, final: boolean) => ({
  code: "UNFINISHED",
  details: { agent: "book-trip", status, reasonCode: "BECAUSE", handles: ["fares-1"], final },
});

describe("an agent that ends partial or blocked", () => {
  test.each(["partial", "blocked"])("is told once to go on where %s means repair, and may then complete", async (status) => {
    const steps = [looksUp(), finishes(status, ["fares-1"]), looksUp("Oslo"), finishes("completed", ["fares-2"])];
    await using desk = aDesk(steps, { tool: { onPartial: "repair", onBlocked: "repair" } });

    const run = await desk.start();

    expect(toldBefore(desk.model, 3)).toMatchObject({ error: expect.stringContaining(`not done while it is ${status}`) });
    expect(run).toMatchObject({ status: "completed", output: { fareCents: 120_04 } });
  });

  test("is unfinished the second time, whichever of the two it then is, and the next tier is asked", async () => {
    const steps = [looksUp(), finishes("partial", ["fares-1"]), finishes("blocked", ["fares-1"])];
    await using desk = aDesk(steps, { tool: { onPartial: "repair", onBlocked: "repair" }, tiers: [byHand] });

    const run = await desk.start();

    expect(run).toMatchObject({ status: "completed", output: { seat: "by hand" }, degraded: true });
    expect(await degradedBy(desk, run.runId)).toMatchObject([unfinished("blocked", false)]);
  });

  test.each([
    ["partial", { onPartial: "next-tier" }],
    ["blocked", {}],
  ] as const)("hands over to the next tier where %s means that", async (status, tool) => {
    await using desk = aDesk([looksUp(), finishes(status, ["fares-1"])], { tool, tiers: [byHand] });

    const run = await desk.start();

    expect(run).toMatchObject({ status: "completed", output: { seat: "by hand" } });
    expect(await degradedBy(desk, run.runId)).toMatchObject([unfinished(status, false)]);
  });

  test.each([
    ["partial", { onPartial: "failure" }],
    ["blocked", { onBlocked: "failure" }],
  ] as const)("fails for good where %s means that: no other tier is asked", async (status, tool) => {
    await using desk = aDesk([looksUp(), finishes(status, ["fares-1"])], { tool, tiers: [byHand] });

    expect(await desk.start()).toMatchObject({ status: "rolled-back", failure: unfinished(status, true) });
  });

  test.each([
    ["partial", { onPartial: "human" }],
    ["blocked", { onBlocked: "human" }],
  ] as const)("waits for a human where %s means that", async (status, tool) => {
    await using desk = aDesk([looksUp(), finishes(status)], { tool, tiers: [byHand] });

    expect(await desk.start()).toMatchObject({
      status: "waiting",
      questions: [{ agent: "book-trip", details: { failure: { code: "HUMAN_NEEDED" } } }],
    });
  });
});

describe("an agent that needs a human", () => {
  test.each(["rollback", "skip"] as const)("has the run wait for one, though its onFailure is %s", async (onFailure) => {
    const agent = { onFailure, fallback: () => ({ fareCents: 0, seat: "fallback", by: "nobody" }) };
    await using desk = aDesk([finishes("needs_human", [], { reasonCode: "VISA" })], { agent, tiers: [byHand] });

    const waiting = await desk.start();

    expect(waiting).toMatchObject({
      status: "waiting",
      questions: [{ details: { failure: { code: "HUMAN_NEEDED", details: { agent: "book-trip", reasonCode: "VISA" } } } }],
    });
    const output = { fareCents: 1, seat: "by a human", by: "human" };
    const run = await desk.orchestrator.resume(waiting.runId, { decision: "use", output });
    expect(run).toMatchObject({ status: "completed", output });
  });
});
