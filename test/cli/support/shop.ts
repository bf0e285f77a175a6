import { appendFileSync, existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import * as z from "zod";
// By path, not by the public name: the CLI imports this file outside vitest, where nothing resolves that name.
import { completed, defineAgent, defineContract, defineEffect, defineWorkflow, type WorkflowPackage } from "../../../src/index.js";

const Order = defineContract({
  name: "shop.order",
  version: 1,
  description: "What a customer wants.",
  schema: z.object({ id: z.string().min(1), amountCents: z.int().positive() }),
  rules: { "no order is above 10,000": ({ amountCents }) => amountCents <= 1_000_000 },
});
const Stock = defineContract({ name: "shop.stock", version: 1, schema: z.object({ shelf: z.string() }) });
const Receipt = defineContract({ name: "shop.receipt", version: 1, schema: z.object({ orderId: z.string(), shelf: z.string() }) });

/** An effect that writes a line into the shop's book, and another when it is undone; for orders called `stuck…` it cannot be. */
function entry<const Name extends string>(name: Name, write: (line: string) => void) {
  return defineEffect({
    name,
    identity: ({ id }: { readonly id: string }) => id,
    perform: async ({ id }) => {
      write(`${name} ${id}`);
      return { entry: name };
    },
    undo: async ({ args: { id } }) => {
      if (id.startsWith("stuck")) throw new Error("the till is closed");
      write(`undo ${name} ${id}`);
    },
  });
}

function shopWorkflow(write: (line: string) => void) {
  const reserveStock = defineAgent({
    name: "reserve-stock",
    consumes: { order: Order },
    produces: Stock,
    effects: [entry("reservation", write)],
    execute: async ({ order }, { effects }) => {
      await effects.perform("reservation", { id: order.id });
      return completed({ shelf: "A1" });
    },
    fallback: () => ({ shelf: "unknown" }),
    limits: { backoff: { initialMs: 1 } },
  });
  const sellOrder = defineAgent({
    name: "sell-order",
    consumes: { order: Order, stock: Stock },
    produces: Receipt,
    effects: [entry("sale", write)],
    execute: async ({ order, stock }, { effects }) => {
      await effects.perform("sale", { id: order.id });
      return completed({ orderId: order.id, shelf: stock.shelf });
    },
    limits: { backoff: { initialMs: 1 } },
  });
  return defineWorkflow({ name: "shop", input: Order, output: Receipt, agents: [reserveStock, sellOrder] });
}

/** Two agents and a book in a file: enough for every command. */
export const workflowPackage: WorkflowPackage = {
  name: "shop",
  description: "Sells orders.",
  async open({ dataDir }) {
    if (dataDir !== undefined) mkdirSync(dataDir, { recursive: true });
    const write = (line: string) => (dataDir === undefined ? undefined : appendFileSync(join(dataDir, "book.txt"), `${line}\n`));
    return { workflow: shopWorkflow(write), close: async () => {} };
  },
  csv: {
    columns: ["id", "amount"],
    toInput: ({ id, amount }) => {
      if (!/^\d+$/.test(amount ?? "")) throw new Error(`the column amount must be a whole number, not "${amount}"`);
      return { id, amountCents: Number(amount) * 100 };
    },
  },
  samples: [
    { title: "a small order", input: { id: "s-1", amountCents: 500 } },
    { title: "one that walks back", input: { id: "s-2", amountCents: 900 }, inject: ["fail:sell-order:after"] },
  ],
  summarize: (output) => {
    const { orderId, shelf } = output as z.infer<typeof Receipt.schema>;
    return { outcome: "sold", order: orderId, shelf };
  },
};

/** The lines of the shop's book. */
export function bookIn(folder: string): readonly string[] {
  const file = join(folder, "book.txt");
  return existsSync(file) ? readFileSync(file, "utf8").trim().split("\n") : [];
}
