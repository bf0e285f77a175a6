import {
  type ChatModel,
  createOrchestrator,
  defineAgent,
  defineContract,
  defineEffect,
  defineTool,
  defineWorkflow,
  effectTool,
  type Orchestrator,
  toolAgent,
} from "walkback";
import * as z from "zod";
import type { World } from "./world.js";

const Wish = defineContract({ name: "travel.wish", version: 1, schema: z.object({ runId: z.string() }).readonly() });
const Trip = defineContract({ name: "travel.trip", version: 1, schema: z.object({ fareCents: z.int(), seat: z.int() }).readonly() });
type Given = { readonly wish: { readonly runId: string } };

export interface DeskOptions {
  readonly storeFile: string;
  readonly world: World;
  readonly model: ChatModel;
  readonly aheadMs: number;
  /** Called when a fare is looked up. */
  readonly onLookUp?: (city: string) => void;
}

/** A travel desk on a file, with one agent that books by tools. A token costs a micro-dollar. */
export function travelDesk({ storeFile, world, model, aheadMs, onLookUp = () => {} }: DeskOptions): Orchestrator {
  const fares = defineTool({
    name: "fares",
    description: "The fare to a city.",
    args: z.object({ city: z.string() }),
    run: async ({ city }, { inputs }: { readonly inputs: Given }) => {
      world.pay(`${inputs.wish.runId}/fares/${city}`);
      onLookUp(city);
      return { fareCents: 100 * city.length };
    },
  });
  const bookSeat = defineEffect({
    name: "book-seat",
    identity: ({ runId }: { readonly runId: string; readonly city: string }) => runId,
    perform: async (_args, { idempotencyKey }) => world.perform(idempotencyKey, "keyed"),
    undo: async (_done, { performedUnder }) => world.undo(performedUnder, "keyed"),
  });
  const book = effectTool({
    effect: bookSeat,
    description: "Books a seat.",
    args: z.object({ city: z.string() }),
    toArgs: ({ city }, { inputs }: { readonly inputs: Given }) => ({ runId: inputs.wish.runId, city }),
  });
  const bookTrip = defineAgent({
    name: "book-trip",
    consumes: { wish: Wish },
    produces: Trip,
    effects: [bookSeat],
    tiers: [
      toolAgent({
        name: "premium",
        model,
        instructions: "Book the trip.",
        tools: [fares, book],
        output: (_finish, resultOf) => ({ fareCents: resultOf(fares).fareCents, seat: resultOf(book).row }),
      }),
    ],
  });
  return createOrchestrator({
    store: storeFile,
    workflows: [defineWorkflow({ name: "travel", input: Wish, output: Trip, agents: [bookTrip] })],
    limits: { prices: { [model.model]: { input: 1_000_000, output: 1_000_000 } } },
    now: () => new Date(Date.now() + aheadMs),
  });
}
