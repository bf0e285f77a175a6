import { randomUUID } from "node:crypto";
import { afterEach, describe, expect, test, vi } from "vitest";
import { type Agent, createOrchestrator, type RunEvent, type RunId, type Store, seal, sqliteStore } from "walkback";
import { aLedger, anOrder, aPromise, failing, type ShopAgents, shopAgents, shopWorkflow } from "./graph/support.js";

afterEach(() => {
  vi.useRealTimers();
});

/** Two processes' worth of orchestrators over one store and one world; the clock is the test's. */
function aFleet(change: (agents: ShopAgents) => Partial<ShopAgents> = () => ({}), file = ":memory:") {
  vi.useFakeTimers({ toFake: ["Date"] });
  const ledger = aLedger();
  const agents: ShopAgents = shopAgents(ledger);
  const workflow = shopWorkflow({ ...agents, ...change(agents) });
  const store = sqliteStore(file);
  const events: RunEvent[] = [];
  const process = (own: Store = store) => createOrchestrator({ store: own, workflows: [workflow], onEvent: (event) => events.push(event) });
  return { ledger, agents, workflow, store, events, process, [Symbol.asyncDispose]: () => store.close() };
}

const LEASE_MS = 30_000;
const later = (ms: number) => vi.setSystemTime(Date.now() + ms);

describe("start with an idempotency key", () => {
  test("returns the same run for the same key, also from another process", async () => {
    await using fleet = aFleet();
    const [one, two] = [fleet.process(), fleet.process()];

    const first = await one.start(fleet.workflow, anOrder(), { idempotencyKey: "order-1" });
    const [same, other] = await Promise.all([
      one.start(fleet.workflow, anOrder(), { idempotencyKey: "order-1" }),
      two.start("shop", anOrder(), { idempotencyKey: "order-1" }),
    ]);

    expect([same.runId, other.runId]).toEqual([first.runId, first.runId]);
    expect(other).toMatchObject({ status: "completed" });
    expect(fleet.ledger.log.filter((line) => line.startsWith("charge"))).toHaveLength(1);
  });

  test("two starts at once are one run, and both get its end", async () => {
    await using fleet = aFleet();
    const orchestrator = fleet.process();

    const [one, two] = await Promise.all([1, 2].map(() => orchestrator.start(fleet.workflow, anOrder(), { idempotencyKey: "order-1" })));

    expect(one).toMatchObject({ status: "completed" });
    expect(two).toEqual(one);
    expect(await orchestrator.list()).toHaveLength(1);
  });

  test("refuses another input under the same key", async () => {
    await using fleet = aFleet();
    const orchestrator = fleet.process();
    const { runId } = await orchestrator.start(fleet.workflow, anOrder(), { idempotencyKey: "order-1" });

    const reused = orchestrator.start(fleet.workflow, anOrder({ amountCents: 1 }), { idempotencyKey: "order-1" });

    await expect(reused).rejects.toMatchObject({ code: "KEY_REUSED", details: { runId, idempotencyKey: "order-1" } });
  });
});

describe("leases", () => {
  /** A run whose agent sleeps, as if its process had been stopped; `wake` lets it go on. */
  async function aSleepingRun() {
    const asleep = aPromise();
    const woken = aPromise();
    let first = true;
    const fleet = aFleet(({ sendParcel }) => ({
      sendParcel: {
        ...sendParcel,
        execute: async (inputs, context) => {
          if (first) {
            first = false;
            asleep.keep();
            await woken.promise;
          }
          return sendParcel.execute(inputs, context);
        },
      },
    }));
    const sleeper = fleet.process();
    const run = sleeper.start(fleet.workflow, anOrder());
    run.catch(() => {}); // looked at later
    await asleep.promise;
    const [record] = await sleeper.list();
    return { fleet, run, runId: record?.runId as string, wake: woken.keep };
  }

  test("while the lease holds nobody else may carry the run on", async () => {
    const { fleet, run, wake } = await aSleepingRun();

    const recovered = await fleet.process().recover();

    expect(recovered).toEqual([]);
    wake();
    expect(await run).toMatchObject({ status: "completed" });
    await fleet.store.close();
  });

  test("after it has lapsed another process carries the run on, and the stale one can write no more and do nothing outside", async () => {
    const { fleet, run, runId, wake } = await aSleepingRun();
    later(LEASE_MS + 1);

    const recovered = await fleet.process().recover();
    const log = [...fleet.ledger.log];
    wake();

    expect(recovered).toMatchObject([{ runId, status: "completed" }]);
    expect(await run).toMatchObject({ runId, status: "completed" }); // as the other process left it
    expect(fleet.ledger.log).toEqual(log);
    expect(fleet.ledger.log.filter((line) => line === "parcel o-1")).toHaveLength(1);
    await fleet.store.close();
  });

  test("two processes that recover at once share the runs out", async () => {
    const { fleet, runId, wake } = await aSleepingRun();
    later(LEASE_MS + 1);

    const [one, two] = await Promise.all([fleet.process().recover(), fleet.process().recover()]);

    expect([...one, ...two].filter((run) => run.runId === runId && run.status === "completed")).toHaveLength(1);
    wake();
    await fleet.store.close();
  });
});

test("a run that dies three times without getting further is parked, and goes on or back as a human says", async () => {
  await using fleet = aFleet();
  const runIds = [await aDeadRun(fleet, "o-0"), await aDeadRun(fleet, "o-1")];
  for (let crash = 0; crash < 2; crash++) {
    later(LEASE_MS + 1);
    for (const runId of runIds)
      await fleet.store.runs.claim({
        runId: runId as never,
        holder: `dies ${crash}`,
        now: new Date().toISOString(),
        until: new Date(Date.now() + LEASE_MS).toISOString(),
      });
  }
  later(LEASE_MS + 1);
  const orchestrator = fleet.process();

  const parked = await orchestrator.recover();
  const [on, back] = parked;
  const completed = await orchestrator.resume(on?.runId ?? "", { decision: "retry" });
  const rolledBack = await orchestrator.resume(back?.runId ?? "", { decision: "reject", reason: "poison" });

  expect(parked.map((run) => run.status === "parked" && [run.failure.code, run.questions[0]?.kind])).toEqual(
    Array(2).fill(["QUARANTINED", "quarantined"]),
  );
  expect(completed).toMatchObject({ status: "completed" });
  expect(rolledBack).toMatchObject({ status: "rolled-back", failure: { code: "REJECTED", details: { reason: "poison" } } });
});

/** Accepts a run and is never heard of again. */
async function aDeadRun(fleet: ReturnType<typeof aFleet>, id = "o-1"): Promise<string> {
  const runId = randomUUID() as RunId;
  await fleet.store.runs.accept({
    runId,
    workflow: "shop",
    workflowVersion: 1,
    acceptedAt: new Date().toISOString(),
    contract: "shop.order@1",
    input: seal(anOrder({ id })),
    holder: "killed",
    until: new Date(Date.now() + LEASE_MS).toISOString(),
    idempotencyKey: undefined,
    program: undefined,
  });
  return runId;
}

describe("stop", () => {
  test("finishes the step in flight, begins no new one, and loses nothing", async () => {
    const started = aPromise();
    const finish = aPromise();
    await using fleet = aFleet(({ reserveStock }) => ({
      reserveStock: {
        ...reserveStock,
        execute: async (inputs, context) => {
          started.keep();
          await finish.promise;
          return reserveStock.execute(inputs, context);
        },
      },
    }));
    const stopping = fleet.process();
    const run = stopping.start(fleet.workflow, anOrder());
    await started.promise;

    const stopped = stopping.stop();
    finish.keep();
    await stopped;

    expect(await run).toMatchObject({ status: "running" });
    expect((await run).versions.map(({ agent }) => agent)).toContain("reserve-stock");
    expect(fleet.ledger.log).not.toContain("parcel o-1");
    await expect(stopping.start(fleet.workflow, anOrder())).rejects.toMatchObject({ code: "DRAINING" });
    const [ended] = await fleet.process().recover(); // at once: the lease was given back
    expect(ended).toMatchObject({ status: "completed" });
    expect(fleet.ledger.log.filter((line) => line === "reservation o-1")).toHaveLength(1);
  });

  test("at the deadline it stops what does not end by itself", async () => {
    const started = aPromise();
    let stuck = true;
    await using fleet = aFleet(({ reserveStock }) => ({
      reserveStock: {
        ...reserveStock,
        execute: (inputs, context) => {
          started.keep();
          return stuck ? new Promise(() => {}) : reserveStock.execute(inputs, context);
        },
      },
    }));
    const stopping = fleet.process();
    const run = stopping.start(fleet.workflow, anOrder());
    await started.promise;

    await stopping.stop({ deadlineMs: 20 });
    stuck = false;

    expect(await run).toMatchObject({ status: "running" });
    expect(await fleet.process().recover()).toMatchObject([{ status: "completed" }]);
  });
});

describe("cancel", () => {
  test("during an effect waits for its answer and then undoes it", async () => {
    const sent = aPromise();
    const answer = aPromise();
    await using fleet = aFleet(({ takePayment }) => {
      const [charge] = takePayment.effects;
      const slow = {
        ...charge,
        perform: async (args: never, context: never) => {
          const receipt = await charge?.perform(args, context);
          sent.keep();
          await answer.promise;
          return receipt;
        },
      };
      return { takePayment: { ...takePayment, effects: [slow] } as Agent };
    });
    const orchestrator = fleet.process();
    const run = orchestrator.start(fleet.workflow, anOrder());
    await sent.promise;
    const [record] = await orchestrator.list();

    const canceled = orchestrator.cancel(record?.runId ?? "");
    answer.keep();

    expect(await canceled).toMatchObject({ status: "canceled" });
    expect(await run).toMatchObject({ status: "canceled" });
    expect(fleet.ledger.rows).toEqual(new Map());
  });

  test("during a walk-back changes nothing: the run is on its way back already", async () => {
    const undoing = aPromise();
    const goOn = aPromise();
    await using fleet = aFleet(({ writeReceipt, sendParcel }) => {
      const [parcel] = sendParcel.effects;
      const slow = {
        ...parcel,
        undo: async (done: never, context: never) => {
          undoing.keep();
          await goOn.promise;
          return parcel?.undo?.(done, context);
        },
      };
      return { writeReceipt: failing(writeReceipt), sendParcel: { ...sendParcel, effects: [slow] } as Agent };
    });
    const orchestrator = fleet.process();
    const run = orchestrator.start(fleet.workflow, anOrder());
    await undoing.promise;
    const [record] = await orchestrator.list();

    const canceled = orchestrator.cancel(record?.runId ?? "");
    goOn.keep();

    expect(await canceled).toMatchObject({ status: "rolled-back", failure: { code: "AGENT_FAILED" } });
    expect(await run).toMatchObject({ status: "rolled-back" });
    expect(fleet.ledger.rows).toEqual(new Map());
  });

  test("of a run whose process died walks it back", async () => {
    await using fleet = aFleet();
    const runId = await aDeadRun(fleet);
    later(LEASE_MS + 1);

    expect(await fleet.process().cancel(runId, "nobody wants it")).toMatchObject({
      status: "canceled",
      failure: { details: { reason: "nobody wants it" } },
    });
  });

  test("of a run that another process carries is heard there", async () => {
    const started = aPromise();
    const finish = aPromise();
    await using fleet = aFleet(({ sendParcel }) => ({
      sendParcel: {
        ...sendParcel,
        execute: async (inputs, context) => {
          started.keep();
          await Promise.race([finish.promise, new Promise((resolve) => context.signal.addEventListener("abort", resolve))]);
          return sendParcel.execute(inputs, context);
        },
      },
    }));
    vi.useRealTimers();
    const carrier = createOrchestrator({ store: fleet.store, workflows: [fleet.workflow], leaseMs: 60 });
    const run = carrier.start(fleet.workflow, anOrder());
    await started.promise;
    const [record] = await carrier.list();

    const seen = await fleet.process().cancel(record?.runId ?? "", "elsewhere");

    expect(seen).toMatchObject({ status: "running" });
    expect(await run).toMatchObject({ status: "canceled", failure: { details: { reason: "elsewhere" } } });
    expect(fleet.ledger.rows).toEqual(new Map());
  });
});

test("closing waits for a run that was started just before", async () => {
  const ledger = aLedger();
  const workflow = shopWorkflow(shopAgents(ledger));
  const orchestrator = createOrchestrator({ workflows: [workflow] });

  const run = orchestrator.start(workflow, anOrder());
  await orchestrator.close();

  expect(await run).toMatchObject({ status: "completed" });
});
