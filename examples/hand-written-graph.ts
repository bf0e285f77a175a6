/**
 * Walkback's pieces in a StateGraph of your own: two agents book a trip side by side, a third charges the card.
 * Run it with `npx tsx examples/hand-written-graph.ts`.
 */
import { randomUUID } from "node:crypto";
import { pathToFileURL } from "node:url";
import { Annotation, END, START, StateGraph } from "@langchain/langgraph";
import {
  acceptInput,
  agentNode,
  channelsOf,
  completed,
  createKit,
  createRuntime,
  defineAgent,
  defineContract,
  defineEffect,
  defineWorkflow,
  failed,
  gate,
  type Store,
  settle,
  sqliteStore,
  walkBack,
} from "walkback";
import * as z from "zod";

// 1. What crosses the edges.

const TripRequest = defineContract({
  name: "trip.request",
  version: 1,
  schema: z.object({ traveler: z.string().min(1), city: z.string().min(1), cardLimitCents: z.int().positive() }),
});
const Seat = defineContract({
  name: "trip.seat",
  version: 1,
  schema: z.object({ flight: z.string(), priceCents: z.int().positive() }),
});
const Room = defineContract({
  name: "trip.room",
  version: 1,
  schema: z.object({ hotel: z.string(), priceCents: z.int().positive() }),
});
const Charge = defineContract({
  name: "trip.charge",
  version: 1,
  schema: z.object({ chargedCents: z.int().positive() }),
});

// 2. The world outside, and the one way to change it: an effect says how it is done and how it is undone.

/** What stands in the books of airline, hotel and bank, like "seat for Ada". */
export type Ledger = Set<string>;

interface Entry {
  readonly what: "seat" | "room" | "charge";
  readonly traveler: string;
}
const line = ({ what, traveler }: Entry) => `${what} for ${traveler}`;

const enter = (ledger: Ledger) =>
  defineEffect({
    name: "enter",
    identity: line, // two calls for the same line are one intent
    perform: async (entry) => void ledger.add(line(entry)),
    undo: async ({ args }) => void ledger.delete(line(args)),
  });

// 3. Who works. An agent is data: input in, output out.

const reserveSeat = (ledger: Ledger) =>
  defineAgent({
    name: "reserve-seat",
    consumes: { request: TripRequest },
    produces: Seat,
    effects: [enter(ledger)],
    execute: async ({ request: { traveler, city } }, { effects }) => {
      await effects.perform("enter", { what: "seat", traveler });
      return completed({ flight: `WB 7 to ${city}`, priceCents: 180_00 });
    },
  });

const reserveRoom = (ledger: Ledger) =>
  defineAgent({
    name: "reserve-room",
    consumes: { request: TripRequest },
    produces: Room,
    effects: [enter(ledger)],
    execute: async ({ request: { traveler, city } }, { effects }) => {
      await effects.perform("enter", { what: "room", traveler });
      return completed({ hotel: `Grand Hotel ${city}`, priceCents: 240_00 });
    },
  });

const chargeCard = (ledger: Ledger) =>
  defineAgent({
    name: "charge-card",
    consumes: { request: TripRequest, seat: Seat, room: Room },
    produces: Charge,
    effects: [enter(ledger)],
    execute: async ({ request: { traveler, cardLimitCents }, seat, room }, { effects }) => {
      const chargedCents = seat.priceCents + room.priceCents;
      if (chargedCents > cardLimitCents) return failed("CARD_DECLINED", `the card does not cover ${chargedCents / 100} euros`);
      await effects.perform("enter", { what: "charge", traveler });
      return completed({ chargedCents });
    },
  });

// 4. The graph. Nodes, edges and channels are yours; the pieces stand among them.

export function tripGraph(ledger: Ledger, store: Store) {
  const [seat, room, charge] = [reserveSeat(ledger), reserveRoom(ledger), chargeCard(ledger)];
  const trip = { name: "book-trip", input: TripRequest, output: Charge, agents: [seat, room, charge] };
  const kit = createKit(createRuntime({ store }), defineWorkflow(trip));

  const State = Annotation.Root({ ...channelsOf(trip), itinerary: Annotation<string> });
  const writeItinerary = ({ "trip.seat": seat, "trip.room": room }: typeof State.State) => ({
    itinerary: `${seat?.flight}, then ${room?.hotel}`,
  });

  return new StateGraph(State)
    .addNode("accept", acceptInput(kit)) // checks the input and writes the run's row
    .addNode("reserve-seat", agentNode(kit, seat))
    .addNode("reserve-room", agentNode(kit, room))
    .addNode("gate-charge-card", gate(kit, charge)) // checks what the two hand over
    .addNode("charge-card", agentNode(kit, charge))
    .addNode("settle", settle(kit)) // waits for everything under way and ends the run if it is well
    .addNode("walk-back", walkBack(kit)) // undoes what was done, newest first, and ends the run
    .addNode("write-itinerary", writeItinerary)

    .addEdge(START, "accept")
    .addEdge("accept", "reserve-seat")
    .addEdge("accept", "reserve-room")
    .addEdge(["reserve-seat", "reserve-room"], "gate-charge-card")
    .addEdge("gate-charge-card", "charge-card")
    .addEdge("charge-card", "settle")
    .addConditionalEdges("settle", ({ failure }) => (failure ? "walk-back" : "write-itinerary"), ["walk-back", "write-itinerary"])
    .addEdge("walk-back", END)
    .addEdge("write-itinerary", END)
    .compile({ checkpointer: store.checkpointer });
}

// 5. Two travelers; the second one's card is declined after seat and room were booked.

async function main(): Promise<void> {
  const store = sqliteStore(":memory:");
  const ledger: Ledger = new Set();
  const graph = tripGraph(ledger, store);
  for (const [traveler, cardLimitCents] of [["Ada", 500_00] as const, ["Bob", 300_00] as const]) {
    const { itinerary, failure, undone } = await graph.invoke(
      { "trip.request": { traveler, city: "Lisbon", cardLimitCents } },
      { configurable: { thread_id: randomUUID() }, durability: "sync" },
    );
    console.log(failure ? `${traveler} stays at home: ${failure.message}` : `${traveler} travels: ${itinerary}`);
    for (const { identity, outcome } of Object.values(undone)) console.log(`  ${identity}: ${outcome}`);
  }
  console.log("In the books:", [...ledger].join(", "));
  await store.close();
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) await main();
