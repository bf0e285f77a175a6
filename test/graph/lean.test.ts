import { BaseCallbackHandler } from "@langchain/core/callbacks/base";
import type { Serialized } from "@langchain/core/load/serializable";
import { expect, test } from "vitest";
import { createRuntime } from "../../src/agents/runtime.js";
import { newRunId, type RunId } from "../../src/contracts/ids.js";
import { compileWorkflow } from "../../src/graph/compile.js";
import { createKit } from "../../src/graph/kit.js";
import { acceptOnce, sealInput } from "../../src/graph/nodes.js";
import { updateOf } from "../../src/graph/state.js";
import { aStore } from "../support/store.js";
import { aLedger, anOrder, failing, type ShopAgents, shopAgents, shopWorkflow } from "./support.js";

/** Hears of everything that runs, by its name in the graph. */
class Listener extends BaseCallbackHandler {
  readonly name = "listener";
  readonly heard = new Set<string>();

  override handleChainStart(_chain: Serialized, _inputs: unknown, ...more: unknown[]): void {
    this.heard.add(String(more[5]));
  }
}

/** One run of the shop, straight through LangGraph; what its checkpoints held at each step, oldest first. */
async function stepsOf(change: (agents: ShopAgents) => ShopAgents, listener?: Listener): Promise<readonly unknown[]> {
  await using store = await aStore();
  const workflow = shopWorkflow(change(shopAgents(aLedger())));
  const runtime = createRuntime({ store });
  const kit = createKit(runtime, workflow);
  const runId: RunId = newRunId();
  const accepted = await acceptOnce(kit, { runId, input: sealInput(workflow, anOrder(), runtime.maxDocumentBytes) }, undefined);
  if (accepted.kind !== "accepted") throw new Error("not accepted");
  const graph = compileWorkflow(runtime, workflow);
  const config = { configurable: { thread_id: runId }, durability: "sync" } as const;
  await graph.invoke(updateOf(accepted.version), listener ? { ...config, callbacks: [listener] } : config);
  const steps: unknown[] = [];
  for await (const { values, next, tasks } of graph.getStateHistory(config))
    steps.unshift(withoutIds({ values, next, tasks: tasks.map(({ name }) => name) }, runId));
  return steps;
}

/** Hashes cover the run's id, and names of runs are never the same. */
function withoutIds(step: object, runId: RunId): unknown {
  const text = JSON.stringify(step)
    .replaceAll(runId, "run")
    .replaceAll(/"hash":"[0-9a-f]+"/g, '"hash":""');
  return JSON.parse(text);
}

test.each<[string, (agents: ShopAgents) => ShopAgents]>([
  ["completed", (agents) => agents],
  ["walked back", (agents) => ({ ...agents, writeReceipt: failing(agents.writeReceipt) })],
])("a run that is %s goes the same steps whether somebody listens or not", async (_end, change) => {
  const listener = new Listener();

  const alone = await stepsOf(change);
  const heard = await stepsOf(change, listener);

  expect(alone.length).toBeGreaterThan(6);
  expect(heard).toEqual(alone);
});

test("who listens hears of each node, by its name", async () => {
  const listener = new Listener();

  await stepsOf((agents) => agents, listener);

  expect([...listener.heard]).toEqual(
    expect.arrayContaining(["shop", "reserve-stock", "take-payment", "gate-send-parcel", "send-parcel", "write-receipt", "settle"]),
  );
});
