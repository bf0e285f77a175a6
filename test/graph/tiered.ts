import {
  type Agent,
  type AgentContext,
  type AgentDefinition,
  type CachedTier,
  type Completion,
  completed,
  createOrchestrator,
  defineAgent,
  defineContract,
  defineEffect,
  defineWorkflow,
  type EmergencyTier,
  failed,
  type LimitsDefinition,
  type OrchestratorOptions,
  type Run,
} from "walkback";
import * as z from "zod";
import { Order } from "./support.js";

export const Price = defineContract({
  name: "shop.price",
  version: 1,
  schema: z.object({ cents: z.int(), by: z.string() }),
  rules: { "it costs something": ({ cents }) => cents > 0 },
});
const Bill = defineContract({ name: "shop.bill", version: 1, schema: z.object({ text: z.string() }) });

/** The world outside: which tier wrote a row that stands, and everything that happened, in its order. */
export function aBook() {
  const rows = new Map<string, string>();
  const log: string[] = [];
  const booking = defineEffect({
    name: "booking",
    identity: ({ id }: { readonly id: string; readonly by: string }) => id,
    perform: async ({ by }, { idempotencyKey }) => {
      log.push(`${by} books`);
      rows.set(idempotencyKey, by);
      return { by };
    },
    undo: async ({ args }, { performedUnder }) => {
      log.push(`${args.by} is undone`);
      rows.delete(performedUnder);
    },
  });
  return { rows, log, booking, standing: () => [...rows.values()] };
}

type Book = ReturnType<typeof aBook>;
type Context = AgentContext<readonly [Book["booking"]]>;
type Given = { readonly order: { readonly id: string; readonly amountCents: number } };
type Answer = Completion<{ cents: number; by: string }>;

/** What a tier does once it has booked. */
export type Behavior = (by: string, given: Given, context: Context) => Promise<Answer>;

export const works: Behavior = async (by, { order }) => completed({ cents: order.amountCents, by });
export const BEHAVIORS = {
  works,
  fails: async () => Promise.reject(new Error("it broke")),
  hangs: () => new Promise<never>(() => {}),
  "opens its breaker": async () => Promise.reject(new Error("it broke")),
  "gives up": async () => failed("NO_IDEA", "it does not know"),
  "answers rubbish": async () => "about five euros" as never,
  "answers what the contract refuses": async (by) => completed({ cents: 0, by }),
} satisfies Record<string, Behavior>;

const QUIET: LimitsDefinition = { retries: 0, breaker: { consecutiveFailures: 1_000_000 } };
export const LIMITS: Partial<Record<keyof typeof BEHAVIORS, LimitsDefinition>> = {
  hangs: { ...QUIET, timeoutMs: 15 },
  "opens its breaker": { retries: 1, backoff: { initialMs: 1, maxMs: 1 }, breaker: { consecutiveFailures: 1 } },
};

/** A tier that books and then does this. */
export function tier(name: string, behavior: Behavior = works, more: { limits?: LimitsDefinition; available?(): boolean } = {}) {
  const execute = async (given: Given, context: Context) => {
    await context.effects.perform("booking", { id: given.order.id, by: name });
    return behavior(name, given, context);
  };
  return { name, execute, limits: QUIET, ...more };
}

export const safe: EmergencyTier<{ order: typeof Order }, typeof Price> = {
  name: "emergency",
  emergency: ({ order }) => ({ cents: order.amountCents * 2, by: "emergency" }),
};

type Definition = AgentDefinition<{ order: typeof Order }, typeof Price, readonly [Book["booking"]]>;
export type Tiers = readonly (ReturnType<typeof tier> | CachedTier | typeof safe)[];

/** A shop whose prices are made in tiers, and that writes a bill then. */
export function aTieredShop(
  tiers: Tiers,
  more: Partial<Pick<Definition, "onDegrade" | "onFailure" | "fallback" | "compensate" | "version" | "repairRounds">> = {},
  { bill: change = {}, ...options }: Partial<OrchestratorOptions> & { readonly bill?: Partial<Agent> } = {},
) {
  const book = aBook();
  const price = defineAgent({
    name: "make-price",
    consumes: { order: Order },
    produces: Price,
    effects: [book.booking],
    tiers,
    ...more,
  });
  const bill = defineAgent({
    name: "write-bill",
    consumes: { price: Price },
    produces: Bill,
    execute: async ({ price }) => completed({ text: `${price.cents} by ${price.by}` }),
  });
  const workflow = defineWorkflow({ name: "tiered", input: Order, output: Bill, agents: [price, { ...bill, ...change }] });
  const orchestrator = createOrchestrator({ workflows: [workflow], ...options });
  return {
    book,
    price,
    workflow,
    orchestrator,
    start: (order = { id: "o-1", amountCents: 500 }) => orchestrator.start(workflow, order) as Promise<Run>,
    /** The versions of the agent, and what it fell over. */
    story: async ({ runId }: Pick<Run, "runId">) => {
      const { versions, events } = await orchestrator.inspect(runId);
      return {
        answers: versions.filter(({ agent }) => agent === "make-price").map(({ tier, source, round }) => ({ tier, source, round })),
        falls: events.flatMap((event) => (event.type === "agent.degraded" ? [`${event.from} → ${event.to}: ${event.failure.code}`] : [])),
      };
    },
    [Symbol.asyncDispose]: () => orchestrator.close(),
  };
}
