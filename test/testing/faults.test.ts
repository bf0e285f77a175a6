import { describe, expect, test, vi } from "vitest";
import { createOrchestrator, type RunEvent, type Workflow } from "walkback";
import { FaultInvalid, injectFaults } from "walkback/testing";
import { workflowPackage } from "../cli/support/shop.js";
import { aTieredShop, safe, tier } from "../graph/tiered.js";

const { workflow } = await workflowPackage.open({ dataDir: undefined });

/** Runs an order through the shop with these faults, and tells what happened. */
async function sell(faulty: Workflow) {
  const events: RunEvent[] = [];
  await using orchestrator = createOrchestrator({ workflows: [faulty], onEvent: (event) => events.push(event) });
  const run = await orchestrator.start("shop", { id: "o-1", amountCents: 500 });
  return { run, performed: events.filter(({ type }) => type === "effect.performed").length };
}

describe("an injected fault", () => {
  test("fail: the agent throws before it has done anything", async () => {
    const { run, performed } = await sell(injectFaults(workflow, ["fail:sell-order"]));

    expect(run).toMatchObject({ status: "rolled-back", failure: { code: "AGENT_FAILED", details: { agent: "sell-order" } } });
    expect(performed).toBe(1);
  });

  test("fail:after: it does its work first, and that is undone too", async () => {
    const { run, performed } = await sell(injectFaults(workflow, ["fail:sell-order:after"]));

    expect(performed).toBe(2);
    expect(run).toMatchObject({ status: "rolled-back", undone: [{ effect: "sale" }, { effect: "reservation" }] });
  });

  test("flaky: the agent fails its first calls in each run, and then works", async () => {
    const flaky = injectFaults(workflow, ["flaky:sell-order:2"]);
    await using orchestrator = createOrchestrator({ workflows: [flaky] });

    const runs = [
      await orchestrator.start("shop", { id: "o-1", amountCents: 500 }),
      await orchestrator.start("shop", { id: "o-2", amountCents: 500 }),
    ];

    for (const run of runs) {
      const { events } = await orchestrator.inspect(run.runId);
      expect(run.status).toBe("completed");
      expect(events.filter(({ type }) => type === "agent.attempt-failed")).toHaveLength(2);
    }
  });

  test("flaky: more often than the agent is tried again, and the run fails", async () => {
    const { run } = await sell(injectFaults(workflow, ["flaky:sell-order:3"]));

    expect(run).toMatchObject({ status: "rolled-back", failure: { code: "AGENT_UNAVAILABLE" } });
  });

  test("slow: the agent waits, but no longer than its attempt", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
    const [, agent] = injectFaults(workflow, ["slow:sell-order:60000"]).agents;
    const attempt = new AbortController();

    const call = agent?.execute({}, { signal: attempt.signal } as never); // it gets no further than the wait
    attempt.abort();

    await expect(call).rejects.toMatchObject({ name: "AbortError" });
    vi.useRealTimers();
  });

  test("leaves the workflow it was given as it is", async () => {
    injectFaults(workflow, ["fail:sell-order"]);

    expect((await sell(workflow)).run.status).toBe("completed");
  });
});

describe("a fault in an agent with tiers", () => {
  test.each([
    ["fail:make-price/premium", "500 by standard"],
    ["fail:make-price", "1000 by emergency"],
  ])("%s breaks the tier that is named, or every one that works", async (spec, text) => {
    await using shop = aTieredShop([tier("premium"), tier("standard"), safe]);
    await using orchestrator = createOrchestrator({ workflows: [injectFaults(shop.workflow, [spec])] });

    const run = await orchestrator.start("tiered", { id: "o-1", amountCents: 500 });

    expect(run).toMatchObject({ status: "completed", degraded: true, output: { text } });
  });

  test("is refused with the tiers there are", () => {
    expect(() => injectFaults(aTieredShop([tier("premium"), safe]).workflow, ["fail:make-price/emergency"])).toThrow(
      'make-price has no tier "emergency" that works; it has premium',
    );
  });
});

describe("a fault that cannot be injected", () => {
  test.each(["fail", "fail:sell-order:before", "slow:sell-order", "slow:sell-order:soon", "flaky:sell-order:-1", "break:sell-order", ""])(
    "%j is refused with what can be written",
    (spec) => {
      expect(() => injectFaults(workflow, [spec])).toThrow(/write fail:AGENT, fail:AGENT:after, slow:AGENT:MS or flaky:AGENT:N/);
    },
  );

  test("an unknown agent is refused with the agents there are", () => {
    expect(() => injectFaults(workflow, ["fail:sell-oder"])).toThrow(FaultInvalid);
    expect(() => injectFaults(workflow, ["fail:sell-oder"])).toThrow(/the agents are reserve-stock, sell-order/);
  });
});
