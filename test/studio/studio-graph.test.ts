import { Command, MemorySaver } from "@langchain/langgraph";
import { expect, test, vi } from "vitest";
import { type Agent, createRuntime, type Decision, type RunId, sqliteStore, studioGraph } from "walkback";
import { anOrder, shopAgents, shopWorkflow } from "./support/shop.js";

test("each answer reaches the question it was given to, though nobody releases the run in between", async () => {
  await using shop = aShop();
  await shop.start({ city: "Atlantis" });

  await shop.answer({ decision: "retry" });
  const ended = await shop.answer({ decision: "use", output: { courier: "a diver" } });

  expect(ended).toMatchObject({ "shop.shipment": { courier: "a diver" } });
  expect(await shop.store.runs.find(RUN)).toMatchObject({ status: "completed" });
  expect(shop.log).toEqual(["charged A-1/1", "asked for a courier", "asked for a courier"]);
});

test("keeps nothing of a run in memory once it has ended", async () => {
  await using shop = aShop();

  await shop.start({ city: "Lisbon" });
  const afterSuccess = shop.runtime.activeScope(RUN);
  await shop.start({ city: "Atlantis" }, "another-run");
  await shop.answer({ decision: "reject", reason: "no boat" }, "another-run");

  expect(afterSuccess).toBeUndefined();
  expect(shop.runtime.activeScope("another-run" as RunId)).toBeUndefined();
});

test("carries a run on after the server has lost its checkpoints, and repeats nothing", async () => {
  await using shop = aShop();
  await shop.start({ city: "Atlantis" });

  shop.forgetCheckpoints();
  const askedAgain = await shop.start({ city: "Atlantis" });
  await shop.answer({ decision: "use", output: { courier: "a diver" } });

  expect(askedAgain).toMatchObject({ __interrupt__: [{ value: { id: "book-courier#0" } }] });
  expect(await shop.store.runs.find(RUN)).toMatchObject({ status: "completed" });
  expect(shop.log).toEqual(["charged A-1/1", "asked for a courier"]);
});

test("goes on where it was stopped, and waits for the agent that is still at work instead of starting it again", async () => {
  const [answered, answer] = aPromise();
  await using shop = aShop(answered);
  const stop = new AbortController();
  const stopped = shop.start({ city: "Lisbon" }, RUN, stop.signal);
  await vi.waitUntil(() => shop.log.includes("asked for a courier"));
  stop.abort();
  await expect(stopped).rejects.toThrow("aborted");

  const goneOn = shop.goOn();
  answer();
  await goneOn;

  expect(await shop.store.runs.find(RUN)).toMatchObject({ status: "completed" });
  expect(shop.log).toEqual(["charged A-1/1", "asked for a courier"]);
});

test("a run that has ended cannot be stepped back into: nothing that was done changes", async () => {
  await using shop = aShop();
  await shop.start({ city: "Lisbon" });

  const again = shop.stepBackTo("take-payment", anOrder({ city: "Atlantis", parts: 9 }));

  await expect(again).rejects.toMatchObject({ code: "RUN_FINISHED" });
  expect(shop.log).toEqual(["charged A-1/1", "asked for a courier"]);
});

test("walks back more effects than LangGraph's default limit has steps", async () => {
  await using shop = aShop();
  await shop.start({ city: "Atlantis", parts: 60 });

  await shop.answer({ decision: "reject", reason: "no boat" });

  expect(await shop.store.runs.find(RUN)).toMatchObject({ status: "rolled-back" });
  expect(shop.log.filter((line) => line.startsWith("refunded"))).toHaveLength(60);
  expect(shop.log.at(-1)).toBe("refunded A-1/1");
});

test("a thread is one run: a second order on it is refused and changes nothing", async () => {
  await using shop = aShop();
  await shop.start({ city: "Lisbon" });

  const second = shop.start({ city: "Porto" });

  await expect(second).rejects.toMatchObject({ code: "RUN_EXISTS" });
  expect(await shop.store.runs.find(RUN)).toMatchObject({ status: "completed" });
  expect(shop.log).toEqual(["charged A-1/1", "asked for a courier"]);
});

const RUN = "a-run" as RunId;

/** The shop's graph on one runtime, as a LangGraph server holds it: with a checkpointer of the server's own. */
function aShop(courierAnswers: Promise<void> = Promise.resolve()) {
  const log: string[] = [];
  const store = sqliteStore(":memory:");
  const runtime = createRuntime({ store });
  const agents = shopAgents((line) => log.push(line));
  const graph = studioGraph(runtime, shopWorkflow({ ...agents, bookCourier: asking(agents.bookCourier, log, courierAnswers) }));
  graph.checkpointer = new MemorySaver();
  const invoke = (input: object | null, runId: string, signal?: AbortSignal) =>
    graph.invoke(input, { configurable: { thread_id: runId }, ...(signal && { signal }) });
  return {
    log,
    store,
    runtime,
    start: (order: Parameters<typeof anOrder>[0], runId: string = RUN, signal?: AbortSignal) => invoke(anOrder(order), runId, signal),
    goOn: () => invoke(null, RUN),
    answer: (decision: Decision, runId: string = RUN) => invoke(new Command({ resume: decision }), runId),
    /** Goes on from the step before a node, with something changed in the state. */
    async stepBackTo(node: string, changes: object) {
      for await (const { next, config } of graph.getStateHistory({ configurable: { thread_id: RUN } }))
        if (next.includes(node)) return graph.invoke(null, await graph.updateState(config, changes, "accept"));
      throw new Error(`The run was never before ${node}.`);
    },
    forgetCheckpoints() {
      graph.checkpointer = new MemorySaver();
    },
    [Symbol.asyncDispose]: () => store.close(),
  };
}

function asking<A extends Agent>(agent: A, log: string[], answered: Promise<void>): A {
  const execute: Agent["execute"] = async (inputs, context) => {
    log.push("asked for a courier");
    await answered;
    return agent.execute(inputs, context);
  };
  return { ...agent, execute };
}

function aPromise(): [kept: Promise<void>, keep: () => void] {
  let keep = () => {};
  const kept = new Promise<void>((resolve) => {
    keep = resolve;
  });
  return [kept, keep];
}
