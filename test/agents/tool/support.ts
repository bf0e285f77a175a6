import {
  type Agent,
  completed,
  createOrchestrator,
  defineAgent,
  defineContract,
  defineEffect,
  defineTool,
  defineWorkflow,
  type Effect,
  EffectRefused,
  effectTool,
  type Failure,
  type OrchestratorOptions,
  type RunId,
  type Tier,
  type ToolAgentDefinition,
  toolAgent,
} from "walkback";
import { type ScriptedStep, type ScriptedToolCall, scriptedModel } from "walkback/testing";
import * as z from "zod";

export const Wish = defineContract({
  name: "travel.wish",
  version: 1,
  schema: z.object({ tripId: z.string(), to: z.string() }).readonly(),
});
export const Trip = defineContract({
  name: "travel.trip",
  version: 1,
  schema: z.object({ fareCents: z.int(), seat: z.string(), by: z.string() }).readonly(),
  rules: { "is not refused": ({ by }) => by !== "REFUSED" },
});
type Given = { readonly wish: { readonly tripId: string; readonly to: string } };

interface Booking {
  readonly key: string;
  readonly tripId: string;
  readonly card: string;
}

/** An airline with its own books: who is booked, and every request it ever got. */
export function anAirline() {
  const bookings = new Map<string, Booking>();
  const asked: string[] = [];
  return {
    bookings,
    asked,
    standing: () => [...bookings.values()].map(({ tripId, card }) => `${tripId} by ${card}`),
  };
}
export type Airline = ReturnType<typeof anAirline>;

export const bookSeat = (airline: Airline, more: { readonly irreversible?: true } = {}) =>
  defineEffect({
    name: "book-seat",
    identity: ({ tripId }: { readonly tripId: string; readonly card: string }) => tripId,
    perform: async ({ tripId, card }, { idempotencyKey: key }) => {
      airline.asked.push(`book ${tripId} by ${card}`);
      if (card === "stolen")
        throw new EffectRefused("The airline takes no stolen cards.", { agent: "book-trip", effect: "book-seat", reason: "stolen" });
      airline.bookings.set(key, { key, tripId, card });
      return { seat: `${airline.bookings.size}A` };
    },
    ...(more.irreversible
      ? { irreversible: true }
      : {
          undo: async (_done: object, { performedUnder }: { readonly performedUnder: string }) => {
            airline.asked.push("undo");
            airline.bookings.delete(performedUnder);
          },
        }),
  });

/** What is looked up in a list outside; each look is written down. */
export const fares = (airline: Airline, fareTo = (city: string) => 120_00 + city.length) =>
  defineTool({
    name: "fares",
    description: "The fare to a city, in cents.",
    args: z.object({ city: z.string() }),
    run: async ({ city }) => {
      airline.asked.push(`fare ${city}`);
      if (city === "Atlantis") throw new Error("Atlantis has sunk");
      return { city, fareCents: fareTo(city) };
    },
  });

export const book = (effect: ReturnType<typeof bookSeat>) =>
  effectTool({
    effect,
    name: "book",
    description: "Books a seat for the trip.",
    args: z.object({ card: z.string() }),
    toArgs: ({ card }, { inputs }: { readonly inputs: Given }) => ({ tripId: inputs.wish.tripId, card }),
  });

type Definition = ToolAgentDefinition<{ readonly wish: typeof Wish }, typeof Trip>;

export interface DeskOptions {
  readonly airline?: Airline;
  readonly tool?: Partial<Definition>;
  readonly agent?: Partial<Pick<Agent, "onFailure" | "repairRounds" | "limits" | "effects">>;
  readonly retries?: number;
  readonly effect?: ReturnType<typeof bookSeat>;
  /** That the agent declares. */
  readonly effects?: readonly Effect[];
  /** Below the model. */
  readonly tiers?: readonly Tier<{ readonly wish: typeof Wish }, typeof Trip>[];
  readonly orchestrator?: Partial<OrchestratorOptions>;
}

/** Micro-dollars for a million tokens: one for each token. */
const PRICES = { "scripted:scripted": { input: 1_000_000, output: 1_000_000 } };

/** A travel desk with one agent that books by tools, on a model that says what the test wants. */
export function aDesk(steps: readonly ScriptedStep[], options: DeskOptions = {}) {
  const { airline = anAirline(), tool = {}, agent = {}, retries = 0, tiers = [], orchestrator: more = {} } = options;
  const model = scriptedModel(steps);
  const effect = options.effect ?? bookSeat(airline);
  const lookup = fares(airline);
  const booking = book(effect);
  const tools = [lookup, booking];
  const premium = toolAgent<{ readonly wish: typeof Wish }, typeof Trip>({
    name: "premium",
    model,
    instructions: "Book the trip.",
    tools,
    output: (finish, resultOf) => ({
      fareCents: resultOf(lookup).fareCents,
      seat: finish.handles.some((handle) => handle.startsWith("book")) ? resultOf(booking).seat : "none",
      by: finish.reasonCode,
    }),
    ...tool,
  });
  const bookTrip = defineAgent({
    name: "book-trip",
    consumes: { wish: Wish },
    produces: Trip,
    effects: options.effects ?? [effect],
    limits: { retries, backoff: { initialMs: 1 } },
    tiers: [premium, ...tiers],
  });
  const workflow = defineWorkflow({ name: "travel", input: Wish, output: Trip, agents: [{ ...bookTrip, ...agent } as Agent] });
  const orchestrator = createOrchestrator({ workflows: [workflow], limits: { prices: PRICES }, ...more });
  return {
    airline,
    model,
    tier: premium,
    orchestrator,
    start: (wish: object = { tripId: "t-1", to: "Rome" }) => orchestrator.start("travel", wish),
    async [Symbol.asyncDispose]() {
      await orchestrator.close();
      model.assertConsumed();
    },
  };
}

/** A turn of the model with these calls. */
export const calls = (...toolCalls: readonly ScriptedToolCall[]): ScriptedStep => ({ toolCalls });
export const call = (name: string, args: unknown = {}): ScriptedToolCall => ({ name, arguments: args });
export const looksUp = (city = "Rome") => calls(call("fares", { city }));
export const books = (card = "visa") => calls(call("book", { card }));
export const finishes = (status: string, handles: readonly string[] = [], more: object = {}): ScriptedStep =>
  calls(call("finish", { status, reasonCode: "BECAUSE", summary: "That is how it is.", handles, ...more }));

/** What the model was told last before its nth question (from 1). */
export function toldBefore(model: ReturnType<typeof scriptedModel>, question: number): unknown {
  const last = model.requests[question - 1]?.messages.at(-1);
  return last?.role === "tool" ? JSON.parse(last.text) : last && "text" in last ? last.text : undefined;
}

/** A tier that answers without a model. */
export const byHand = { name: "basic", execute: async () => completed({ fareCents: 1, seat: "by hand", by: "hand" }) };

/** The failures for which a lower tier was asked. */
export async function degradedBy({ orchestrator }: ReturnType<typeof aDesk>, runId: RunId): Promise<readonly Failure[]> {
  const { events } = await orchestrator.inspect(runId);
  return events.flatMap((event) => (event.type === "agent.degraded" ? [event.failure] : []));
}
