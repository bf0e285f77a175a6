import { describe, expect, test } from "vitest";
import { type Agent, completed, createOrchestrator, failed, type Run, sqliteStore } from "walkback";
import { aLedger, anOrder, aPromise, failing, failingAfter, type ShopAgents, shopAgents, shopWorkflow } from "./support.js";

async function aShop(change: (agents: ShopAgents) => Partial<ShopAgents>) {
  const ledger = aLedger();
  const agents: ShopAgents = shopAgents(ledger);
  const workflow = shopWorkflow({ ...agents, ...change(agents) });
  const orchestrator = createOrchestrator({ workflows: [workflow] });
  return { ledger, agents, workflow, orchestrator, [Symbol.asyncDispose]: () => orchestrator.close() };
}

const payLater = () => ({ paidCents: 0 });

describe("onFailure skip", () => {
  test("goes on with the fallback, and nothing half-done stays behind", async () => {
    await using shop = await aShop(({ takePayment }) => ({
      takePayment: { ...failingAfter(takePayment), onFailure: "skip", fallback: payLater },
    }));

    const run = await shop.orchestrator.start(shop.workflow, anOrder());

    expect(run).toMatchObject({ status: "completed", output: { text: "to o-1: 0" } });
    expect([...shop.ledger.rows.values()].sort()).toEqual(["parcel", "receipt", "reservation"]);
  });

  test("a fallback that breaks the contract itself fails the run", async () => {
    await using shop = await aShop(({ sendParcel }) => ({
      sendParcel: { ...failing(sendParcel), onFailure: "skip", fallback: () => ({ label: "", shelf: "?", paidCents: 0 }) },
    }));

    const run = await shop.orchestrator.start(shop.workflow, anOrder());

    expect(run).toMatchObject({ status: "rolled-back", failure: { code: "CONTRACT_VIOLATED", details: { contract: "shop.parcel@1" } } });
    expect(shop.ledger.rows).toEqual(new Map());
  });
});

describe("onFailure cached", () => {
  test("goes on with what the same version of the agent answered to the same inputs before", async () => {
    let broken = false;
    await using shop = await aShop(({ takePayment }) => ({
      takePayment: {
        ...takePayment,
        onFailure: "cached",
        execute: (inputs, context) => (broken ? Promise.reject(new Error("down")) : takePayment.execute(inputs, context)),
      },
    }));
    await shop.orchestrator.start(shop.workflow, anOrder());
    broken = true;

    const same = await shop.orchestrator.start(shop.workflow, anOrder());
    const other = await shop.orchestrator.start(shop.workflow, anOrder({ amountCents: 501 }));

    expect(same).toMatchObject({ status: "completed", output: { text: "to o-1: 500" } });
    const inspection = await shop.orchestrator.inspect(same.runId);
    expect(inspection.versions.find(({ agent }) => agent === "take-payment")).toMatchObject({ source: "cache", round: 1 });
    expect(other).toMatchObject({
      status: "rolled-back",
      failure: { code: "CACHE_MISS", causes: [expect.stringContaining("down"), "Error: down"] },
    });
  });
});

describe("onFailure ask", () => {
  const asking = (agent: Agent): Agent => ({ ...failing(agent), onFailure: "ask" });

  test("waits for a human, and the question says what may be answered", async () => {
    await using shop = await aShop(({ takePayment }) => ({ takePayment: asking(takePayment) }));

    const run = await shop.orchestrator.start(shop.workflow, anOrder());

    expect(run).toMatchObject({
      status: "waiting",
      questions: [
        { id: "take-payment#0", kind: "agent-failed", allowed: ["retry", "use", "reject"], action_request: { action: "take-payment" } },
      ],
    });
    expect(shop.ledger.rows.size).toBe(1);
  });

  test("use: goes on with the human's output, checked like any other", async () => {
    await using shop = await aShop(({ takePayment }) => ({ takePayment: asking(takePayment) }));
    const { runId } = await shop.orchestrator.start(shop.workflow, anOrder());

    const wrong = await shop.orchestrator.resume(runId, { decision: "use", output: { paidCents: "lots" } });
    const right = await shop.orchestrator.resume(runId, { decision: "use", output: { paidCents: 7 } });

    expect(wrong).toMatchObject({ status: "waiting", questions: [{ id: "take-payment#1" }] });
    expect(right).toMatchObject({ status: "completed", output: { text: "to o-1: 7" } });
  });

  test("retry: the agent is called again, and asks again when it fails again", async () => {
    let calls = 0;
    await using shop = await aShop(({ takePayment }) => ({
      takePayment: {
        ...takePayment,
        onFailure: "ask",
        execute: (inputs, context) => (++calls < 3 ? Promise.reject(new Error(`down ${calls}`)) : takePayment.execute(inputs, context)),
      },
    }));
    const first = await shop.orchestrator.start(shop.workflow, anOrder());

    const second = await shop.orchestrator.resume(first.runId, { decision: "retry" });
    const third = await shop.orchestrator.resume(first.runId, { decision: "retry" });

    expect([first.status, second.status, third.status]).toEqual(["waiting", "waiting", "completed"]);
    expect(calls).toBe(3);
    expect([...shop.ledger.rows.values()].filter((row) => row === "charge")).toHaveLength(1);
  });

  test("skip uses the fallback; reject walks the run back and says who and why", async () => {
    const change = ({ takePayment }: ShopAgents) => ({ takePayment: { ...asking(takePayment), fallback: payLater } });
    await using shop = await aShop(change);
    const [skipped, rejected] = await Promise.all([
      shop.orchestrator.start(shop.workflow, anOrder()),
      shop.orchestrator.start(shop.workflow, anOrder()),
    ]);

    const completedRun = await shop.orchestrator.resume(skipped.runId, { decision: "skip", reason: "known customer" });
    const rolledBack = await shop.orchestrator.resume(rejected.runId, { decision: "reject", reason: "fraud" });

    expect(completedRun).toMatchObject({ status: "completed", output: { text: "to o-1: 0" } });
    expect(rolledBack).toMatchObject({ status: "rolled-back", failure: { code: "REJECTED", details: { reason: "fraud" } } });
    expect((await shop.orchestrator.inspect(skipped.runId)).events).toContainEqual(
      expect.objectContaining({ type: "run.answered", decision: "skip", reason: "known customer" }),
    );
    expect([...shop.ledger.rows.keys()].every((key) => key.startsWith(skipped.runId))).toBe(true);
  });

  test("two questions at once are answered one by one, by name", async () => {
    await using shop = await aShop(({ reserveStock, takePayment }) => ({
      reserveStock: asking(reserveStock),
      takePayment: asking(takePayment),
    }));
    const { runId } = await shop.orchestrator.start(shop.workflow, anOrder());

    const unnamed = shop.orchestrator.resume(runId, { decision: "retry" });
    await expect(unnamed).rejects.toMatchObject({
      code: "DECISION_INVALID",
      message: expect.stringContaining("reserve-stock#0, take-payment#0"),
    });
    const one = await shop.orchestrator.resume(runId, { decision: "use", output: { shelf: "B2" } }, { question: "reserve-stock#0" });
    const both = await shop.orchestrator.resume(runId, { decision: "use", output: { paidCents: 3 } });

    expect(one).toMatchObject({ status: "waiting", questions: [{ id: "take-payment#0" }] });
    expect(both).toMatchObject({ status: "completed", output: { text: "to o-1: 3" } });
  });

  test("an answer that cannot be used changes nothing", async () => {
    await using shop = await aShop(({ takePayment }) => ({ takePayment: asking(takePayment) }));
    const { runId } = await shop.orchestrator.start(shop.workflow, anOrder());

    const answers = [{ decision: "skip", reason: "x" }, { decision: "reject" }, { decision: "use" }, { decision: "maybe" }];
    for (const answer of answers)
      await expect(shop.orchestrator.resume(runId, answer as never)).rejects.toMatchObject({ code: "DECISION_INVALID" });

    expect(await shop.orchestrator.get(runId)).toMatchObject({ status: "waiting" });
  });

  test("the answer may come to another process", async () => {
    const ledger = aLedger();
    const agents: ShopAgents = shopAgents(ledger);
    const workflow = shopWorkflow({ ...agents, takePayment: asking(agents.takePayment) });
    const store = sqliteStore(":memory:");
    const first = createOrchestrator({ store, workflows: [workflow] });
    const { runId } = await first.start(workflow, anOrder());
    const second = createOrchestrator({ store, workflows: [workflow] });

    const run = await second.resume(runId, { decision: "use", output: { paidCents: 9 } });

    expect(run).toMatchObject({ status: "completed", output: { text: "to o-1: 9" } });
    expect([...ledger.rows.values()]).toEqual(["reservation", "parcel", "receipt"]);
    await store.close();
  });

  test("an answer in the Agent Inbox's shape is understood by the graph itself", async () => {
    await using shop = await aShop(({ takePayment }) => ({ takePayment: asking(takePayment) }));
    const { runId } = await shop.orchestrator.start(shop.workflow, anOrder());
    const { Command } = await import("@langchain/langgraph");

    const resume = [{ type: "edit", args: { action: "take-payment", args: { output: { paidCents: 11 } } } }];
    await shop.orchestrator.graph("shop").invoke(new Command({ resume }), { configurable: { thread_id: runId } });

    expect(await shop.orchestrator.get(runId)).toMatchObject({ status: "completed", output: { text: "to o-1: 11" } });
  });
});

describe("a gate", () => {
  const unlabelled = (agent: Agent, good: number): Agent => ({
    ...agent,
    execute: async (inputs, context) => {
      const answer = await agent.execute(inputs, context);
      const { output } = answer as { output: { label: string } };
      return completed({ ...output, label: context.feedback.length >= good ? "mended" : "" });
    },
  });

  test("sends a bad answer back once, with what is wrong, and undoes what the bad round did", async () => {
    await using shop = await aShop(({ sendParcel }) => ({ sendParcel: unlabelled(sendParcel, 1) }));

    const run = await shop.orchestrator.start(shop.workflow, anOrder());

    expect(run).toMatchObject({ status: "completed", output: { text: "mended: 500" } });
    expect(shop.ledger.log).toEqual(["reservation o-1", "charge o-1", "parcel o-1", "undo parcel o-1", "parcel o-1", "receipt mended"]);
    const inspection = await shop.orchestrator.inspect(run.runId);
    expect(inspection.effects.filter(({ effect }) => effect === "parcel").map(({ generation, status }) => [generation, status])).toEqual([
      [0, "undone"],
      [1, "performed"],
    ]);
    expect(inspection.versions.filter(({ agent }) => agent === "send-parcel").map(({ round }) => round)).toEqual([0, 1]);
  });

  test("fails the run when the answer is still bad after the last round", async () => {
    await using shop = await aShop(({ sendParcel }) => ({ sendParcel: unlabelled({ ...sendParcel, repairRounds: 2 }, 9) }));

    const run = await shop.orchestrator.start(shop.workflow, anOrder());

    expect(run).toMatchObject({
      status: "rolled-back",
      failure: { code: "CONTRACT_VIOLATED", details: { agent: "send-parcel", round: 2, issues: [{ rule: "the label is not empty" }] } },
    });
    expect(shop.ledger.rows).toEqual(new Map());
    expect(shop.ledger.log).not.toContain(expect.stringContaining("receipt"));
  });

  test("checks the workflow's own output, too", async () => {
    await using shop = await aShop(({ writeReceipt }) => ({
      writeReceipt: { ...writeReceipt, execute: async () => completed({ txt: "misspelt" }) as never },
    }));

    const run = await shop.orchestrator.start(shop.workflow, anOrder());

    expect(run).toMatchObject({ status: "rolled-back", failure: { code: "CONTRACT_VIOLATED", details: { issues: [{ path: "/text" }] } } });
    expect(shop.ledger.rows).toEqual(new Map());
  });
});

test("an agent that gives up says so in a structured signal", async () => {
  await using shop = await aShop(({ takePayment }) => ({
    takePayment: { ...takePayment, execute: async () => failed("CARD_EXPIRED", "The card ran out.") },
  }));

  const run = await shop.orchestrator.start(shop.workflow, anOrder());

  expect(run).toMatchObject({ status: "rolled-back", failure: { code: "AGENT_GAVE_UP", details: { reasonCode: "CARD_EXPIRED" } } });
});

describe("when", () => {
  test("an agent that is not needed is not called; its fallback stands in", async () => {
    await using shop = await aShop(({ takePayment }) => ({
      takePayment: {
        ...failing(takePayment),
        when: ({ order }) => (order as { amountCents: number }).amountCents > 100,
        fallback: payLater,
      },
    }));

    const free = await shop.orchestrator.start(shop.workflow, anOrder({ amountCents: 50 }));
    const dear = await shop.orchestrator.start(shop.workflow, anOrder({ amountCents: 500 }));

    expect(free).toMatchObject({ status: "completed", output: { text: "to o-1: 0" } });
    expect(dear).toMatchObject({ status: "rolled-back" });
  });

  test("a condition that throws is the agent's failure", async () => {
    await using shop = await aShop(({ takePayment }) => ({
      takePayment: {
        ...takePayment,
        when: () => {
          throw new Error("no idea");
        },
        fallback: payLater,
      },
    }));

    const run = await shop.orchestrator.start(shop.workflow, anOrder());

    expect(run).toMatchObject({ status: "rolled-back", failure: { code: "AGENT_FAILED", details: { agent: "take-payment" } } });
  });
});

describe("a walk-back that cannot finish", () => {
  async function aStuckRun(onUndoFailure?: "continue" | "stop") {
    const ledger = aLedger();
    const agents: ShopAgents = shopAgents(ledger);
    const workflow = shopWorkflow({ ...agents, writeReceipt: failing(agents.writeReceipt) }, onUndoFailure ? { onUndoFailure } : {});
    const orchestrator = createOrchestrator({ workflows: [workflow] });
    ledger.stuck.add("charge");
    const run = await orchestrator.start(workflow, anOrder());
    return { ledger, orchestrator, run, [Symbol.asyncDispose]: () => orchestrator.close() };
  }

  test("goes on with what it can undo, then parks with exactly what remains", async () => {
    await using stuck = await aStuckRun();

    expect(stuck.run).toMatchObject({
      status: "parked",
      failure: { code: "AGENT_FAILED" },
      undone: [{ effect: "parcel" }, { effect: "reservation" }],
      remaining: [{ agent: "take-payment", effect: "charge", failure: { code: "UNDO_FAILED" } }],
      questions: [{ kind: "undo-failed", allowed: ["retry", "skip", "done"] }],
    });
    expect([...stuck.ledger.rows.values()]).toEqual(["charge"]);
  });

  test("or stops at once, where the workflow says so", async () => {
    await using stuck = await aStuckRun("stop");

    expect(stuck.run).toMatchObject({ status: "parked", undone: [{ effect: "parcel" }], remaining: [{ effect: "charge" }] });
    stuck.ledger.stuck.clear();
    const ended = await stuck.orchestrator.resume(stuck.run.runId, { decision: "retry" });
    expect(ended).toMatchObject({ status: "rolled-back" });
    expect(stuck.ledger.rows).toEqual(new Map());
  });

  test("retry undoes what is left once the cause is gone", async () => {
    await using stuck = await aStuckRun();
    const still = await stuck.orchestrator.resume(stuck.run.runId, { decision: "retry" });
    stuck.ledger.stuck.clear();

    const ended = await stuck.orchestrator.resume(stuck.run.runId, { decision: "retry" });

    expect([still.status, ended.status]).toEqual(["parked", "rolled-back"]);
    expect(stuck.ledger.rows).toEqual(new Map());
  });

  test("skip needs a reason, and the record names it", async () => {
    await using stuck = await aStuckRun();

    const ended = await stuck.orchestrator.resume(stuck.run.runId, { decision: "skip", reason: "refunded by cheque" });

    expect(ended).toMatchObject({ status: "rolled-back" });
    expect((ended as Extract<Run, { status: "rolled-back" }>).undone.at(-1)).toMatchObject({
      effect: "charge",
      outcome: "skipped",
      reason: "refunded by cheque",
    });
    expect([...stuck.ledger.rows.values()]).toEqual(["charge"]);
  });
});

describe("cancel", () => {
  test("stops a running run and walks it back", async () => {
    const charged = aPromise();
    await using shop = await aShop(({ sendParcel }) => ({
      sendParcel: {
        ...sendParcel,
        execute: async (_inputs, { signal }) => {
          charged.keep();
          await new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(new Error("stopped"))));
          throw new Error("unreachable");
        },
      },
    }));
    const ended = shop.orchestrator.start(shop.workflow, anOrder());
    await charged.promise;
    const [running] = await shop.orchestrator.list({ status: "running" });

    const canceled = await shop.orchestrator.cancel(running?.runId ?? "", "customer called");

    expect(canceled).toMatchObject({ status: "canceled", failure: { code: "CANCELED", details: { reason: "customer called" } } });
    expect(await ended).toMatchObject({ status: "canceled" });
    expect(shop.ledger.rows).toEqual(new Map());
  });

  test("of a waiting run asks nobody any more", async () => {
    await using shop = await aShop(({ takePayment }) => ({ takePayment: { ...failing(takePayment), onFailure: "ask" } }));
    const { runId } = await shop.orchestrator.start(shop.workflow, anOrder());

    const canceled = await shop.orchestrator.cancel(runId);

    expect(canceled).toMatchObject({ status: "canceled" });
    expect(shop.ledger.rows).toEqual(new Map());
    await expect(shop.orchestrator.resume(runId, { decision: "retry" })).rejects.toMatchObject({ code: "RUN_NOT_WAITING" });
    await expect(shop.orchestrator.cancel(runId)).rejects.toMatchObject({ code: "RUN_FINISHED" });
  });
});
