import { expect, test } from "vitest";
import { type Agent, completed, createOrchestrator, defineAgent, defineContract, defineWorkflow } from "walkback";
import * as z from "zod";
import { aLedger, anOrder, aPromise, Order, Receipt, type ShopAgents, shopAgents } from "./support.js";

const Audit = defineContract({ name: "shop.audit", version: 1, schema: z.object({ ok: z.boolean() }) });

/** The shop with an auditor beside stock and payment; nobody but the receipt needs its word. */
function anAuditedShop(audit: Agent["execute"], parcelSent: () => void) {
  const agents: ShopAgents = shopAgents(aLedger());
  const auditOrder = {
    ...defineAgent({ name: "audit-order", consumes: { order: Order }, produces: Audit, execute: async () => completed({ ok: true }) }),
    execute: audit,
  } as Agent;
  const sendParcel: Agent = {
    ...agents.sendParcel,
    execute: async (inputs, context) => {
      parcelSent();
      return agents.sendParcel.execute(inputs, context);
    },
  };
  const writeReceipt = { ...agents.writeReceipt, consumes: { ...agents.writeReceipt.consumes, audit: Audit } } as Agent;
  return defineWorkflow({
    name: "audited",
    input: Order,
    output: Receipt,
    agents: [agents.reserveStock, agents.takePayment, auditOrder, sendParcel, writeReceipt],
  });
}

test("an agent starts as soon as its inputs are in, not when the slowest beside it is done", async () => {
  const sent = aPromise();
  const workflow = anAuditedShop(
    async () => {
      await sent.promise; // would wait for ever if the parcel waited for the audit
      return completed({ ok: true }) as never;
    },
    () => sent.keep(),
  );
  await using orchestrator = createOrchestrator({ workflows: [workflow] });

  const run = await orchestrator.start(workflow, anOrder());

  expect(run).toMatchObject({ status: "completed" });
  expect(run.versions.map(({ agent }) => agent).slice(-3)).toContain("send-parcel");
});

test("switched off, it waits for the superstep", async () => {
  const order: string[] = [];
  const workflow = anAuditedShop(
    async () => {
      for (let turn = 0; turn < 50; turn++) await new Promise(setImmediate);
      order.push("audit");
      return completed({ ok: true }) as never;
    },
    () => order.push("parcel"),
  );
  await using orchestrator = createOrchestrator({ workflows: [workflow], lookahead: false });

  await orchestrator.start(workflow, anOrder());

  expect(order).toEqual(["audit", "parcel"]);
});

test("what was started ahead is undone when the one beside it fails", async () => {
  const sent = aPromise();
  const ledger = aLedger();
  const agents: ShopAgents = shopAgents(ledger);
  const auditOrder: Agent = defineAgent({
    name: "audit-order",
    consumes: { order: Order },
    produces: Audit,
    execute: async () => {
      await sent.promise;
      throw new Error("audit failed");
    },
  });
  const sendParcel: Agent = {
    ...agents.sendParcel,
    execute: async (inputs, context) => {
      const answer = await agents.sendParcel.execute(inputs, context);
      sent.keep();
      return answer;
    },
  };
  const writeReceipt = { ...agents.writeReceipt, consumes: { ...agents.writeReceipt.consumes, audit: Audit } } as Agent;
  const workflow = defineWorkflow({
    name: "audited",
    input: Order,
    output: Receipt,
    agents: [agents.reserveStock, agents.takePayment, auditOrder, sendParcel, writeReceipt],
  });
  await using orchestrator = createOrchestrator({ workflows: [workflow] });

  const run = await orchestrator.start(workflow, anOrder());

  expect(run).toMatchObject({ status: "rolled-back", undone: [{ effect: "parcel" }, { effect: "charge" }, { effect: "reservation" }] });
  expect(ledger.rows).toEqual(new Map());
});
