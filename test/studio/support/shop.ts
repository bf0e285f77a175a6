import { type Agent, completed, defineAgent, defineContract, defineEffect, defineWorkflow, failed, type InferInput } from "walkback";
import * as z from "zod";

const Order = defineContract({
  name: "shop.order",
  version: 1,
  schema: z.object({ id: z.string().min(1), city: z.string(), parts: z.int().positive() }),
});
const Payment = defineContract({ name: "shop.payment", version: 1, schema: z.object({ parts: z.int() }) });
const Shipment = defineContract({ name: "shop.shipment", version: 1, schema: z.object({ courier: z.string() }) });

/** Take the payment in as many parts as agreed, then book a courier; when none goes there, ask a human. */
export function shopAgents(say: (line: string) => void) {
  const charge = defineEffect({
    name: "charge",
    identity: ({ id }: { readonly id: string }) => id,
    perform: async ({ id }) => say(`charged ${id}`),
    undo: async ({ args }) => say(`refunded ${args.id}`),
  });
  const takePayment = defineAgent({
    name: "take-payment",
    consumes: { order: Order },
    produces: Payment,
    effects: [charge],
    execute: async ({ order: { id, parts } }, { effects }) => {
      for (let part = 1; part <= parts; part++) await effects.perform("charge", { id: `${id}/${part}` });
      return completed({ parts });
    },
  });
  const bookCourier = defineAgent({
    name: "book-courier",
    consumes: { order: Order, payment: Payment },
    produces: Shipment,
    onFailure: "ask",
    execute: async ({ order: { city } }) => (city === "Atlantis" ? failed("NO_ROUTE", "it has sunk") : completed({ courier: "bike" })),
  });
  return { takePayment, bookCourier };
}

export function shopWorkflow({ takePayment, bookCourier }: Record<keyof ReturnType<typeof shopAgents>, Agent>) {
  return defineWorkflow({ name: "ship-order", input: Order, output: Shipment, agents: [takePayment, bookCourier] });
}

/** As a client of the graph sends it: the document under the name of its contract. */
export function anOrder(order: Partial<InferInput<typeof Order>> = {}) {
  return { [Order.name]: { id: "A-1", city: "Lisbon", parts: 1, ...order } };
}
