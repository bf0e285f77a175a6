import { expect, test } from "vitest";
import { type Agent, createOrchestrator } from "walkback";
import { aLedger, anOrder, failing, type ShopAgents, shopAgents, shopWorkflow } from "./support.js";

test("an agent's compensate is called with what it was given and what it answered, in its place in the walk-back", async () => {
  const ledger = aLedger();
  const agents: ShopAgents = shopAgents(ledger);
  const seen: unknown[] = [];
  const sendParcel: Agent = {
    ...agents.sendParcel,
    compensate: async (work) => {
      ledger.log.push("compensate parcel");
      seen.push(work);
    },
  };
  const workflow = shopWorkflow({ ...agents, sendParcel, writeReceipt: failing(agents.writeReceipt) });
  await using orchestrator = createOrchestrator({ workflows: [workflow] });

  const run = await orchestrator.start(workflow, anOrder());

  expect(run.status).toBe("rolled-back");
  expect(ledger.log.slice(3)).toEqual(["compensate parcel", "undo parcel o-1", "undo charge o-1", "undo reservation o-1"]);
  expect(seen).toEqual([
    {
      inputs: { order: { id: "o-1", amountCents: 500 }, stock: { shelf: "A1" }, payment: { paidCents: 500 } },
      output: { label: "to o-1", shelf: "A1", paidCents: 500 },
    },
  ]);
});

test("an agent that failed half-way is compensated too, without an output", async () => {
  const agents: ShopAgents = shopAgents(aLedger());
  const seen: unknown[] = [];
  const sendParcel: Agent = { ...failing(agents.sendParcel), compensate: async ({ output }) => void seen.push(output) };
  const workflow = shopWorkflow({ ...agents, sendParcel });
  await using orchestrator = createOrchestrator({ workflows: [workflow] });

  await orchestrator.start(workflow, anOrder());

  expect(seen).toEqual([undefined]);
});
