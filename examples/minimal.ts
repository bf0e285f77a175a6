import { completed, createOrchestrator, defineAgent, defineContract, defineEffect, defineWorkflow, failed, type Infer } from "walkback";
import * as z from "zod";

const Order = defineContract({ name: "shop.order", version: 1, schema: z.object({ id: z.string(), city: z.string(), cents: z.int() }) });
const Payment = defineContract({ name: "shop.payment", version: 1, schema: z.object({ paidCents: z.int() }) });
const Shipment = defineContract({ name: "shop.shipment", version: 1, schema: z.object({ courier: z.string() }) });

const charges = new Map<string, number>(); // the world outside
const charge = defineEffect({
  name: "charge",
  identity: (order: Infer<typeof Order>) => order.id,
  perform: async ({ id, cents }) => void charges.set(id, cents),
  undo: async ({ args }) => void charges.delete(args.id),
});

const takePayment = defineAgent({
  name: "take-payment",
  consumes: { order: Order },
  produces: Payment,
  effects: [charge],
  execute: async ({ order }, { effects }) => {
    await effects.perform("charge", order);
    return completed({ paidCents: order.cents });
  },
});
const bookCourier = defineAgent({
  name: "book-courier",
  consumes: { order: Order, payment: Payment },
  produces: Shipment,
  execute: async ({ order: { city } }) => (city === "Atlantis" ? failed("NO_ROUTE", "it has sunk") : completed({ courier: "bike" })),
});

const shipOrder = defineWorkflow({ name: "ship-order", input: Order, output: Shipment, agents: [takePayment, bookCourier] });
const orchestrator = createOrchestrator({ workflows: [shipOrder] });
for (const city of ["Lisbon", "Atlantis"]) {
  const run = await orchestrator.start(shipOrder, { id: `to-${city}`, city, cents: 12_00 });
  if (run.status === "completed") console.log(`${city}: sent by ${run.output.courier}`);
  if (run.status === "rolled-back") console.log(`${city}: ${run.failure.message}; undone: ${run.undone.map(({ effect }) => effect)}`);
}
console.log("charged:", charges); // only Lisbon: the charge for Atlantis was walked back
