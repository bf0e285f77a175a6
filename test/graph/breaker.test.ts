import { afterEach, expect, test, vi } from "vitest";
import { type Agent, createOrchestrator } from "walkback";
import { aLedger, anOrder, aPromise, type ShopAgents, shopAgents, shopWorkflow } from "./support.js";

afterEach(() => {
  vi.useRealTimers();
});

test("five failures in a row open an agent's breaker, the sixth run fails without calling it, and one probe closes it again", async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  const ledger = aLedger();
  const agents: ShopAgents = shopAgents(ledger);
  let calls = 0;
  let behave: Agent["execute"] = () => Promise.reject(new Error("down"));
  const breaker = { consecutiveFailures: 5, halfOpenAfterMs: 60_000 };
  const takePayment: Agent = {
    ...agents.takePayment,
    limits: { ...agents.takePayment.limits, breaker },
    execute: (inputs, context) => {
      calls++;
      return behave(inputs, context);
    },
  };
  const workflow = shopWorkflow({ ...agents, takePayment });
  await using orchestrator = createOrchestrator({ workflows: [workflow] });
  const start = () => orchestrator.start(workflow, anOrder());

  const failedRuns = [];
  for (let run = 0; run < 5; run++) failedRuns.push(await start());
  const sixth = await start();

  expect(calls).toBe(5);
  expect(sixth).toMatchObject({
    status: "rolled-back",
    failure: { code: "BREAKER_OPEN", details: { agent: "take-payment", halfOpenAfterMs: 60_000 } },
  });
  expect(ledger.rows).toEqual(new Map());

  const probed = aPromise();
  behave = async (inputs, context) => {
    await probed.promise;
    return agents.takePayment.execute(inputs, context);
  };
  vi.setSystemTime(Date.now() + 60_000);
  const twenty = Array.from({ length: 20 }, start);
  const refused = await firstSettled(twenty, 19);
  probed.keep();
  const ended = await Promise.all(twenty);

  expect(refused.map((run) => run.status === "rolled-back" && run.failure.code)).toEqual(Array(19).fill("BREAKER_OPEN"));
  expect(ended.filter(({ status }) => status === "completed")).toHaveLength(1);
  expect(calls).toBe(6);
  expect((await start()).status).toBe("completed");
  const events = await Promise.all([...failedRuns, sixth, ...ended].map(({ runId }) => orchestrator.inspect(runId)));
  const transitions = events
    .flatMap(({ events }) => events.map(({ type }) => type))
    .filter((type) => type.startsWith("breaker.") && type !== "breaker.refused");
  expect(transitions).toEqual(["breaker.opened", "breaker.half-opened", "breaker.closed"]);
});

/** The first so many that settle, in the order in which they do. */
function firstSettled<T>(promises: readonly Promise<T>[], count: number): Promise<T[]> {
  const settled: T[] = [];
  return new Promise((resolve) => {
    for (const promise of promises) {
      void promise.then((value) => {
        settled.push(value);
        if (settled.length === count) resolve([...settled]);
      });
    }
  });
}
