import { expect, test } from "vitest";
import { createOrchestrator, sqliteStore } from "walkback";
import { type Ledger, tripGraph } from "../../examples/hand-written-graph.js";

test("books seat, room and charge, and the node of one's own reads what the agents wrote", async () => {
  await using trips = someTrips();

  const state = await trips.book({ traveler: "Ada", cardLimitCents: 500_00 });

  expect(state).toMatchObject({ itinerary: "WB 7 to Lisbon, then Grand Hotel Lisbon", "trip.charge": { chargedCents: 420_00 } });
  expect([...trips.ledger].sort()).toEqual(["charge for Ada", "room for Ada", "seat for Ada"]);
  expect(await trips.run()).toMatchObject({ status: "completed", output: { chargedCents: 420_00 } });
});

test("gives seat and room back when the card is declined", async () => {
  await using trips = someTrips();

  const state = await trips.book({ traveler: "Bob", cardLimitCents: 300_00 });

  expect(state).toMatchObject({ failure: { code: "AGENT_GAVE_UP", details: { agent: "charge-card", reasonCode: "CARD_DECLINED" } } });
  expect(state.itinerary).toBeUndefined();
  expect([...trips.ledger]).toEqual([]);
  const run = await trips.run();
  expect(run).toMatchObject({ status: "rolled-back" });
  expect("undone" in run && run.undone.map(({ identity }) => identity).sort()).toEqual(["room for Bob", "seat for Bob"]);
});

test("refuses a request that does not fit before anything is booked", async () => {
  await using trips = someTrips();

  const booked = trips.book({ traveler: "", cardLimitCents: 500_00 });

  await expect(booked).rejects.toMatchObject({ code: "INPUT_INVALID" });
  expect([...trips.ledger]).toEqual([]);
  await expect(trips.run()).rejects.toMatchObject({ code: "RUN_UNKNOWN" });
});

test("the drawing shows the pieces under the names they were given", async () => {
  await using trips = someTrips();

  const drawing = (await trips.graph.getGraphAsync({ xray: true })).toJSON() as { readonly nodes: readonly { readonly id: string }[] };

  expect(drawing.nodes.map(({ id }) => id)).toEqual(
    expect.arrayContaining(["reserve-seat", "gate-charge-card", "settle", "walk-back:undo", "write-itinerary"]),
  );
});

/** The graph of the example on a ledger and a store of its own, for one trip to Lisbon. */
function someTrips() {
  const store = sqliteStore(":memory:");
  const ledger: Ledger = new Set();
  const graph = tripGraph(ledger, store);
  const runId = "a-trip";
  return {
    ledger,
    graph,
    book: (request: { readonly traveler: string; readonly cardLimitCents: number }) =>
      graph.invoke({ "trip.request": { ...request, city: "Lisbon" } }, { configurable: { thread_id: runId }, durability: "sync" }),
    run: () => createOrchestrator({ store, workflows: [] }).get(runId),
    [Symbol.asyncDispose]: () => store.close(),
  };
}
