import { awaitAllCallbacks } from "@langchain/core/callbacks/promises";
import { RunnableLambda } from "@langchain/core/runnables";
import { FakeListChatModel } from "@langchain/core/utils/testing";
import { Annotation, Command, END, getConfig, MemorySaver, START, StateGraph } from "@langchain/langgraph";
import { RunTree } from "langsmith/run_trees";
import { traceable } from "langsmith/traceable";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import {
  type AgentContext,
  completed,
  createOrchestrator,
  createRuntime,
  createTracer,
  openAIModel,
  type RunId,
  sqliteStore,
  studioGraph,
} from "walkback";
import { loopbackProvider } from "walkback/testing";
import { aLedger, anOrder, failing, type ShopAgents, shopAgents, shopWorkflow } from "../../graph/support.js";
import { aLangSmith, type LangSmithServer, tracingTo } from "./langsmith.js";

const INSIDE = "canary-inside";
const OUTSIDE = "canary-outside";

// LangChain keeps the client that it makes first, so all tests of this file have one server.
let langsmith: LangSmithServer;

beforeAll(async () => {
  langsmith = await aLangSmith();
});

beforeEach(() => {
  tracingTo(langsmith.url);
});

afterAll(async () => {
  await langsmith[Symbol.asyncDispose]();
});

const echo = RunnableLambda.from(async (text: string) => text);

/** Everything in which LangChain would send what it is given. */
async function callsLangChain(text: string): Promise<void> {
  const model = new FakeListChatModel({ responses: [text] });
  await echo.invoke(text);
  await echo.invoke(text, { callbacks: [{ handleChainStart: () => {} }] });
  await model.invoke(text);
  for await (const _ of await model.stream(text));
  for await (const _ of await echo.pipe(model).stream(text));
  await traceable(async (given: string) => given, { name: "traceable" })(text);
  const State = Annotation.Root({ text: Annotation<string> });
  const graph = new StateGraph(State).addNode("node", async (state) => ({ text: (await model.invoke(state.text)).text }));
  await graph.addEdge(START, "node").addEdge("node", END).compile().invoke({ text });
}

/** The shop, with an agent that calls LangChain in its work. */
function shopCallingLangChain(change: Partial<ShopAgents> = {}, inTheMeantime = async () => {}) {
  const agents = shopAgents(aLedger());
  const execute: typeof agents.takePayment.execute = async ({ order }, context: AgentContext<never>) => {
    await callsLangChain(`${INSIDE} ${order.id}`);
    await inTheMeantime();
    await context.effects.record("model", { ask: INSIDE }, async () => {
      await callsLangChain(INSIDE);
      return INSIDE;
    });
    return completed({ paidCents: order.amountCents });
  };
  return shopWorkflow({ ...agents, takePayment: { ...agents.takePayment, execute }, ...change });
}

const order = anOrder({ id: INSIDE });

async function sent(): Promise<string> {
  await awaitAllCallbacks();
  await RunTree.getSharedClient().awaitPendingTraceBatches();
  return langsmith.requests.join("\n");
}

test("what is called outside of a run is traced by LangChain as ever, also while a run goes on", async () => {
  const workflow = shopCallingLangChain({}, async () => {
    await elsewhere;
  });
  let goOn = () => {};
  const elsewhere = new Promise<void>((resolve) => {
    goOn = resolve;
  });
  const orchestrator = createOrchestrator({ workflows: [workflow] });

  const running = orchestrator.start(workflow, order);
  await callsLangChain(OUTSIDE);
  goOn();
  await running;
  await orchestrator.close();

  const all = await sent();
  for (const name of ["RunnableLambda", "FakeListChatModel", "traceable", "LangGraph"]) expect(names()).toContain(name);
  expect(all).toContain(OUTSIDE);
  expect(all).not.toContain(INSIDE);
});

describe("LangChain's own tracing sees nothing of a run", () => {
  test("carried by an orchestrator to its end", async () => {
    const workflow = shopCallingLangChain();
    const orchestrator = createOrchestrator({ workflows: [workflow] });

    const run = await orchestrator.start(workflow, order);
    await orchestrator.close();

    expect(run.status).toBe("completed");
    expect(await sent()).not.toContain(INSIDE);
    expect(langsmith.spans().some(({ id }) => id === run.runId)).toBe(true);
  });

  test.each(["LANGSMITH_TRACING", "LANGSMITH_TRACING_V2", "LANGCHAIN_TRACING", "LANGCHAIN_TRACING_V2"])(
    "switched on by %s, and its nodes stay lean",
    async (name) => {
      tracingTo(langsmith.url, { LANGSMITH_TRACING: "", [name]: "true" });
      const callbacks: unknown[] = [];
      const workflow = shopCallingLangChain({}, async () => void callbacks.push(getConfig().callbacks));
      const orchestrator = createOrchestrator({ workflows: [workflow] });

      const run = await orchestrator.start(workflow, order);
      await orchestrator.close();

      expect(await sent()).not.toContain(INSIDE);
      expect(langsmith.spans().some(({ id }) => id === run.runId)).toBe(true);
      expect(callbacks.map((each) => (each as { handlers?: unknown } | undefined)?.handlers ?? [])).toEqual([[]]);
    },
  );

  test("that is walked back", async () => {
    const agents = shopAgents(aLedger());
    const workflow = shopCallingLangChain({ sendParcel: failing(agents.sendParcel, INSIDE) });
    const orchestrator = createOrchestrator({ workflows: [workflow] });

    const run = await orchestrator.start(workflow, order);
    await orchestrator.close();

    expect(run.status).toBe("rolled-back");
    expect(await sent()).not.toContain(INSIDE);
  });

  test("started from a traced function", async () => {
    const workflow = shopCallingLangChain();
    const orchestrator = createOrchestrator({ workflows: [workflow] });

    const starts = traceable(async () => (await orchestrator.start(workflow, order)).status, { name: "starts-a-run" });
    const status = await starts();
    await orchestrator.close();

    expect(status).toBe("completed");
    expect(await sent()).not.toContain(INSIDE);
    expect(names()).toContain("starts-a-run");
  });

  test.each([true, false])("nor of a model that is asked, inside of a run and outside of one (as a stream: %s)", async (stream) => {
    await using provider = await loopbackProvider({ answer: () => ({ text: INSIDE }) });
    const model = openAIModel({ model: "gpt-4.1", baseURL: provider.url, apiKey: INSIDE, stream });
    const ask = (signal: AbortSignal) => model.ask({ messages: [{ role: "user", text: INSIDE }], maxOutputTokens: 8 }, { signal });
    const workflow = shopCallingLangChain({}, async () => void (await ask(AbortSignal.timeout(10_000))));
    const orchestrator = createOrchestrator({ workflows: [workflow] });

    const run = await orchestrator.start(workflow, order);
    await orchestrator.close();
    await ask(AbortSignal.timeout(10_000));

    expect(run.status).toBe("completed");
    expect(provider.requests).toHaveLength(2);
    expect(await sent()).not.toContain(INSIDE);
  });

  test.each(["invoke", "stream", "streamEvents"] as const)("on LangGraph's server: %s", async (way) => {
    const store = sqliteStore(":memory:");
    const tracer = createTracer(store);
    const agents = shopAgents(aLedger());
    const workflow = shopCallingLangChain({ sendParcel: { ...failing(agents.sendParcel, INSIDE), onFailure: "ask" } });
    const graph = studioGraph(createRuntime({ store, onEvent: tracer?.onEvent }), workflow).withConfig({ tags: ["server"] });
    Object.assign(graph, { checkpointer: new MemorySaver() });
    const runId = `0192${way.length.toString(16).padStart(4, "0")}-0000-7000-8000-000000000000` as RunId;
    const config = { configurable: { thread_id: runId }, version: "v2" as const };
    const go = async (input: object) => {
      if (way === "invoke") await graph.invoke(input, config);
      else if (way === "stream") for await (const _ of await graph.stream(input, config));
      else for await (const _ of graph.streamEvents(input, config));
    };

    await go({ "shop.order": order });
    await go(new Command({ resume: { decision: "reject", reason: INSIDE } }));
    await graph.updateState(config, { "shop.order": order }, "accept");
    const run = await store.runs.find(runId);
    await tracer?.close();
    await store.close();

    expect(run?.status).toBe("rolled-back");
    expect(await sent()).not.toContain(INSIDE);
    expect(langsmith.spans().find(({ id }) => id === runId)).toMatchObject({ name: "shop", error: "REJECTED" });
  });
});

function names(): readonly string[] {
  return langsmith.spans().map(({ name }) => name);
}
