import { describe, expect, test } from "vitest";
import { defineEffect, defineTool, effectTool, type ResultOf } from "walkback";
import * as z from "zod";
import { aDesk, anAirline, book, bookSeat, books, call, calls, finishes, looksUp, toldBefore } from "./support.js";

const done = ["fares-1", "book-1"];

describe("a tool that is an effect", () => {
  test("is performed once, though the model books again with another card", async () => {
    const steps = [looksUp(), books("visa"), books("gift card"), finishes("completed", done)];
    await using desk = aDesk(steps);

    const run = await desk.start();

    expect(toldBefore(desk.model, 4)).toEqual({
      code: "CONFLICTING_INTENT",
      error: expect.stringContaining("done at most once"),
      askedBefore: { tripId: "t-1", card: "visa" },
    });
    expect(desk.airline.asked).toEqual(["fare Rome", "book t-1 by visa"]);
    expect(desk.airline.standing()).toEqual(["t-1 by visa"]);
    expect(run).toMatchObject({ status: "completed", output: { seat: "1A" } });
  });

  test("may be performed with another card after it was undone", async () => {
    const refused = finishes("completed", done, { reasonCode: "REFUSED" });
    await using desk = aDesk([looksUp(), books("visa"), refused, looksUp(), books("gift card"), finishes("completed", done)]);

    const run = await desk.start();

    expect(run).toMatchObject({ status: "completed", output: { seat: "1A", by: "BECAUSE" } });
    expect(desk.airline.asked).toEqual(["fare Rome", "book t-1 by visa", "undo", "fare Rome", "book t-1 by gift card"]);
    expect(desk.airline.standing()).toEqual(["t-1 by gift card"]);
    const [, opening] = desk.model.requests[3]?.messages ?? [];
    expect(opening).toMatchObject({ role: "user", text: expect.stringContaining('"rule":"is not refused"') });
  });

  test("that is refused outside is an error for the model", async () => {
    await using desk = aDesk([books("stolen"), finishes("blocked", [], { reasonCode: "CARD_REFUSED" })]);

    const run = await desk.start();

    expect(toldBefore(desk.model, 2)).toEqual({ code: "EFFECT_REFUSED", error: "The airline takes no stolen cards." });
    expect(run).toMatchObject({ status: "rolled-back", failure: { code: "UNFINISHED" } });
    expect(desk.airline.standing()).toEqual([]);
  });

  test("that is refused outside may be performed with another card", async () => {
    await using desk = aDesk([looksUp(), books("stolen"), books("visa"), finishes("completed", done)]);

    const run = await desk.start();

    expect(run).toMatchObject({ status: "completed", output: { seat: "1A" } });
    expect(desk.airline.asked).toEqual(["fare Rome", "book t-1 by stolen", "book t-1 by visa"]);
    expect((await desk.orchestrator.replay(run.runId)).differs).toBeUndefined();
  });

  test("takes the amount from the result that is named, not from the model", async () => {
    const charged: unknown[] = [];
    const charge = defineEffect({
      name: "charge",
      identity: ({ cents }: { readonly cents: number }) => String(cents),
      perform: async (args) => charged.push(args),
      undo: async () => {},
    });
    const fares = defineTool({ name: "fares", description: "The fare.", args: z.object({}), run: async () => ({ fareCents: 77_00 }) });
    const charges = effectTool({
      effect: charge,
      description: "Charges a fare.",
      args: z.object({ fare: z.string() }),
      toArgs: ({ fare }, { resultOf }) => ({ cents: z.object({ fareCents: z.int() }).parse(resultOf(fare)).fareCents }),
    });
    const tools = [fares, charges];
    const steps = [calls(call("fares")), calls(call("charge", { fare: "fares-7" })), calls(call("charge", { fare: "fares-1" }))];
    await using desk = aDesk([...steps, finishes("completed", ["fares-1"])], { effects: [charge], tool: { tools } });

    const run = await desk.start();

    expect(toldBefore(desk.model, 3)).toEqual({ error: 'A result with the handle "fares-7" is needed here. Handles named: fares-1.' });
    expect(charged).toEqual([{ cents: 77_00 }]);
    expect(run.status).toBe("completed");
  });

  test("that must be approved has the run wait; approved, it goes on where it was, and no answer is paid for again", async () => {
    const airline = anAirline();
    const steps = [looksUp(), books(), finishes("completed", done)];
    await using desk = aDesk(steps, { airline, effect: bookSeat(airline, { irreversible: true }) });

    const waiting = await desk.start();
    expect(waiting).toMatchObject({ status: "waiting", questions: [{ kind: "approval" }] });
    expect(airline.asked).toEqual(["fare Rome"]);
    const run = await desk.orchestrator.resume(waiting.runId, { decision: "approve" });

    expect(run).toMatchObject({ status: "completed", output: { seat: "1A" } });
    expect(airline.asked).toEqual(["fare Rome", "book t-1 by visa"]);
    expect(desk.orchestrator.budget().spend.total).toMatchObject({ calls: 3, tokens: 360 });
  });

  test("that did not get through is tried again by the guard, and the model is not asked again", async () => {
    const airline = anAirline();
    const effect = bookSeat(airline);
    let down = 1;
    const perform: typeof effect.perform = (args, context) =>
      down-- > 0 ? Promise.reject(new Error("line is busy")) : effect.perform(args, context);
    await using desk = aDesk([looksUp(), books(), finishes("completed", done)], { airline, effect: { ...effect, perform }, retries: 1 });

    const run = await desk.start();

    expect(run.status).toBe("completed");
    expect(airline.standing()).toEqual(["t-1 by visa"]);
    expect(desk.orchestrator.budget().spend.total.calls).toBe(3);
  });

  test("whose attempt ran out of time just before it was sent is sent by the next one; the model hears nothing of it", async () => {
    const airline = anAirline();
    const booking = book(bookSeat(airline));
    let blocks = true;
    const toArgs: typeof booking.toArgs = (args, context) => {
      for (const until = Date.now() + 1_600; blocks && Date.now() < until; ); // busy, so that the time is up while the effect is under way
      blocks = false;
      return booking.toArgs(args, context);
    };
    const output = (_finish: unknown, resultOf: ResultOf) => ({ fareCents: 1, seat: resultOf(booking).seat, by: "late" });
    const tool = { tools: [{ ...booking, toArgs }], output, limits: { timeoutMs: 1_500, retries: 3 } };
    await using desk = aDesk([books(), finishes("completed", ["book-1"])], { airline, tool });

    const run = await desk.start();

    expect(run).toMatchObject({ status: "completed", output: { seat: "1A" } });
    expect(airline.asked).toEqual(["book t-1 by visa"]);
  });

  test("is refused at the definition when the agent has not declared it", () => {
    expect(() => aDesk([], { effects: [] })).toThrow('its tier "premium" performs "book-seat"; declare that effect in its effects');
  });

  test("fails at the first call when an agent was robbed of it afterwards", async () => {
    await using desk = aDesk([books()], { agent: { effects: [] } });

    expect(await desk.start()).toMatchObject({ status: "rolled-back", failure: { code: "EFFECT_UNDECLARED" } });
    expect(desk.airline.asked).toEqual([]);
  });
});

describe("a run that is canceled in the middle of a loop", () => {
  test("does nothing more: no further call of the same turn, no further question", async () => {
    const airline = anAirline();
    const cancels = defineTool({
      name: "fares",
      description: "The fare.",
      args: z.object({ city: z.string() }),
      run: async ({ city }) => {
        airline.asked.push(`fare ${city}`);
        const [run] = await desk.orchestrator.list({ limit: 1 });
        void desk.orchestrator.cancel(run?.runId ?? "", "changed their mind");
        await new Promise((resolve) => setTimeout(resolve, 50));
        return { fareCents: 1 };
      },
    });
    const turn = calls(call("fares", { city: "Rome" }), call("fares", { city: "Oslo" }), call("book", { card: "visa" }));
    await using desk = aDesk([turn], { airline, tool: { tools: [cancels, book(bookSeat(airline))] } });

    const run = await desk.start();

    expect(run.status).toBe("canceled");
    expect(airline.asked).toEqual(["fare Rome"]);
  });
});
