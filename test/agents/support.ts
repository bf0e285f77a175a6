import {
  type Agent,
  type AgentContext,
  type Completion,
  completed,
  createOrchestrator,
  defineAgent,
  defineContract,
  defineWorkflow,
  type Effect,
  type Orchestrator,
  type OrchestratorOptions,
} from "walkback";
import * as z from "zod";

/** A note that the gate sends back. */
export const REFUSED = "refused";

export const Wish = defineContract({ name: "travel.wish", version: 1, schema: z.object({ id: z.string() }) });
const Trip = defineContract({
  name: "travel.trip",
  version: 1,
  schema: z.object({ note: z.string() }),
  rules: { "is not refused": ({ note }) => note !== JSON.stringify(REFUSED) },
});
export const Paid = defineContract({ name: "travel.paid", version: 1, schema: z.object({ note: z.string() }) });

/** One agent that does what the test says with these effects, and a second one after it that fails or not. */
export function aTravelAgency<const Effects extends readonly Effect[]>(
  effects: Effects,
  work: (context: AgentContext<Effects>, wish: { readonly id: string }) => Promise<unknown>,
  then: Partial<Agent> = {},
  { retries = 0, ...options }: Partial<OrchestratorOptions> & { readonly retries?: number } = {},
) {
  const book = defineAgent({
    name: "book-trip",
    consumes: { wish: Wish },
    produces: Trip,
    effects,
    limits: { retries, backoff: { initialMs: 1 } },
    execute: async ({ wish }, context): Promise<Completion<{ note: string }>> => {
      const note = await work(context, wish);
      return completed({ note: JSON.stringify(note ?? "done") });
    },
  });
  const confirm: Agent = {
    ...defineAgent({ name: "confirm", consumes: { trip: Trip }, produces: Paid, execute: async ({ trip }) => completed(trip) }),
    ...then,
  };
  const workflow = defineWorkflow({ name: "travel", input: Wish, output: Paid, agents: [book, confirm] });
  const orchestrator: Orchestrator = createOrchestrator({ workflows: [workflow], ...options });
  return {
    workflow,
    orchestrator,
    start: (id = "w-1", more = {}) => orchestrator.start("travel", { id }, more),
    [Symbol.asyncDispose]: () => orchestrator.close(),
  };
}

/** A card that can be charged: what stands on it, and every request it ever got. */
export function aCard() {
  const charges = new Map<string, { readonly order: string; readonly cents: number }>();
  const requests: string[] = [];
  return { charges, requests, total: () => [...charges.values()].reduce((sum, { cents }) => sum + cents, 0) };
}

export const down = { execute: () => Promise.reject(new Error("confirmation is down")) } satisfies Partial<Agent>;
