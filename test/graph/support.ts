import { type Agent, completed, defineAgent, defineContract, defineEffect, defineWorkflow, type Workflow } from "walkback";
import * as z from "zod";

export const Order = defineContract({
  name: "shop.order",
  version: 1,
  schema: z.object({ id: z.string(), amountCents: z.int().positive() }),
});
export const Stock = defineContract({ name: "shop.stock", version: 1, schema: z.object({ shelf: z.string() }) });
const Payment = defineContract({ name: "shop.payment", version: 1, schema: z.object({ paidCents: z.int() }) });
export const Parcel = defineContract({
  name: "shop.parcel",
  version: 1,
  schema: z.object({ label: z.string(), shelf: z.string(), paidCents: z.int() }),
  rules: { "the label is not empty": ({ label }) => label.length > 0 },
});
export const Receipt = defineContract({ name: "shop.receipt", version: 1, schema: z.object({ text: z.string() }) });

/** The world outside: rows by idempotency key, and a log of every call. */
export interface Ledger {
  readonly rows: Map<string, string>;
  readonly log: string[];
  /** Makes the undo of these effects fail while it holds them. */
  readonly stuck: Set<string>;
}

export function aLedger(): Ledger {
  return { rows: new Map(), log: [], stuck: new Set() };
}

/** An effect that puts one row into the ledger and takes it out again. */
export function entry<const Name extends string>(ledger: Ledger, name: Name) {
  return defineEffect({
    name,
    identity: ({ id }: { readonly id: string }) => id,
    perform: async ({ id }, { idempotencyKey }) => {
      ledger.log.push(`${name} ${id}`);
      ledger.rows.set(idempotencyKey, name);
      return { row: idempotencyKey };
    },
    undo: async ({ args }, { performedUnder }) => {
      if (ledger.stuck.has(name)) throw new Error(`${name} is stuck`);
      ledger.log.push(`undo ${name} ${(args as { id: string }).id}`);
      ledger.rows.delete(performedUnder);
    },
  });
}

/** Reserve stock and take the payment side by side, then send the parcel, then write the receipt. */
export function shopAgents(ledger: Ledger) {
  const reserveStock = defineAgent({
    name: "reserve-stock",
    consumes: { order: Order },
    produces: Stock,
    effects: [entry(ledger, "reservation")],
    execute: async ({ order }, { effects }) => {
      await effects.perform("reservation", { id: order.id });
      return completed({ shelf: "A1" });
    },
  });
  const takePayment = defineAgent({
    name: "take-payment",
    consumes: { order: Order },
    produces: Payment,
    effects: [entry(ledger, "charge")],
    execute: async ({ order }, { effects }) => {
      await effects.perform("charge", { id: order.id });
      return completed({ paidCents: order.amountCents });
    },
  });
  const sendParcel = defineAgent({
    name: "send-parcel",
    consumes: { order: Order, stock: Stock, payment: Payment },
    produces: Parcel,
    effects: [entry(ledger, "parcel")],
    execute: async ({ order, stock, payment }, { effects }) => {
      await effects.perform("parcel", { id: order.id });
      return completed({ label: `to ${order.id}`, shelf: stock.shelf, paidCents: payment.paidCents });
    },
  });
  const writeReceipt = defineAgent({
    name: "write-receipt",
    consumes: { parcel: Parcel },
    produces: Receipt,
    effects: [entry(ledger, "receipt")],
    execute: async ({ parcel }, { effects }) => {
      await effects.perform("receipt", { id: parcel.label });
      return completed({ text: `${parcel.label}: ${parcel.paidCents}` });
    },
  });
  return { reserveStock, takePayment, sendParcel, writeReceipt };
}

export type ShopAgents = Record<keyof ReturnType<typeof shopAgents>, Agent>;

export function shopWorkflow(agents: ShopAgents, settings: Partial<Pick<Workflow, "onUndoFailure">> = {}) {
  const { reserveStock, takePayment, sendParcel, writeReceipt } = agents;
  const list = [reserveStock, takePayment, sendParcel, writeReceipt];
  return defineWorkflow({ name: "shop", input: Order, output: Receipt, agents: list, ...settings });
}

export function anOrder(order: Partial<{ id: string; amountCents: number }> = {}) {
  return { id: "o-1", amountCents: 500, ...order };
}

/** The same agent, failing for good before it has done anything. */
export function failing<A extends Agent>(agent: A, message = "it broke"): A {
  return { ...agent, execute: () => Promise.reject(new Error(message)) };
}

/** The same agent, doing all its work and failing then. */
export function failingAfter<A extends Agent>(agent: A, message = "it broke afterwards"): A {
  const execute: Agent["execute"] = async (inputs, context) => {
    await agent.execute(inputs, context);
    throw new Error(message);
  };
  return { ...agent, execute };
}

/** A promise to be kept by somebody else. */
export function aPromise<T = void>() {
  let keep: (value: T) => void = () => {};
  const promise = new Promise<T>((resolve) => {
    keep = resolve;
  });
  return { promise, keep };
}
