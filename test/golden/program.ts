import { type Agent, completed, defineAgent, defineContract, defineEffect, defineWorkflow, fanOut, type Workflow } from "walkback";
import * as z from "zod";

/**
 * The program of the golden runs: a shop. Later releases may add to it, but what is here must stay what it is, since the runs
 * on record were made with it: agents and effects keep their names, contracts their shapes, and an order with the same id goes
 * the same way.
 */
export function goldenWorkflow(world: World, release: "first" | "today" = "today"): Workflow {
  const order = (release === "first" ? Order1 : Order2) as typeof Order2; // agents take the first one's missing field into account
  const agents = [
    reserveStock(world, order),
    checkCredit(world, order),
    suggestGift(world, order),
    priceItems(world, order),
    takePayment(world),
    sendParcel(world, order),
    writeReceipt(world, order),
  ];
  return defineWorkflow({ name: "golden-shop", version: release === "first" ? 1 : 2, input: order, output: Receipt, agents }) as Workflow;
}

/** What stands outside, and what does not work at the moment. */
export interface World {
  /** What was done, by idempotency key. */
  readonly rows: Map<string, string>;
  /** Agents that fail, and effects whose undo does (`undo charge`). */
  readonly broken: Set<string>;
  /** Called when something was done or undone, before the answer is on its way back. */
  readonly heard: (what: string) => Promise<void> | void;
}

export function aWorld(rows: readonly (readonly [string, string])[] = [], broken: readonly string[] = []): World {
  return { rows: new Map(rows), broken: new Set(broken), heard: () => {} };
}

const items = z.array(z.string());
const Order1 = defineContract({ name: "golden.order", version: 1, schema: z.object({ id: z.string(), items }) });
const Order2 = defineContract({
  name: "golden.order",
  version: 2,
  schema: z.object({ id: z.string(), items, letter: z.boolean() }),
  previous: Order1,
  upcast: (older) => ({ ...older, letter: false }),
});
const Item = defineContract({ name: "golden.item", version: 1, schema: z.object({ item: z.string() }) });
const Price = defineContract({ name: "golden.price", version: 1, schema: z.object({ cents: z.int() }) });
const Stock = defineContract({ name: "golden.stock", version: 1, schema: z.object({ shelf: z.string() }) });
const Credit = defineContract({ name: "golden.credit", version: 1, schema: z.object({ limitCents: z.int() }) });
const Gift = defineContract({ name: "golden.gift", version: 1, schema: z.object({ gift: z.string().nullable() }) });
const Bill = defineContract({ name: "golden.bill", version: 1, schema: z.object({ cents: z.int() }) });
const Payment = defineContract({ name: "golden.payment", version: 1, schema: z.object({ paidCents: z.int() }) });
const Parcel = defineContract({
  name: "golden.parcel",
  version: 1,
  schema: z.object({ label: z.string(), shelf: z.string(), gift: z.string().nullable() }),
  rules: { "the label is not empty": ({ label }) => label !== "" },
});
const Receipt = defineContract({ name: "golden.receipt", version: 1, schema: z.object({ text: z.string() }) });

type Orders = typeof Order2;

const LIMITS = { retries: 0, backoff: { initialMs: 1 } } as const;

/** A row in the world under the effect's key. */
function row<const Name extends string>(world: World, name: Name, kind: "keyed" | "findable" = "keyed") {
  return defineEffect({
    name,
    kind,
    identity: ({ id }: { readonly id: string }) => id,
    perform: async (_args, { idempotencyKey: key }) => {
      world.rows.set(key, name);
      await world.heard(name);
      return { row: key };
    },
    find: async (_args, { idempotencyKey: key }) => (world.rows.has(key) ? { row: key } : undefined),
    undo: async (_done, { performedUnder: key }) => {
      if (world.broken.has(`undo ${name}`)) throw new Error(`${name} is stuck`);
      world.rows.delete(key);
      await world.heard(`undo ${name}`);
    },
  });
}

function refuseBroken({ broken }: World, agent: string): void {
  if (broken.has(agent)) throw new Error(`${agent} is out of order`);
}

const reserveStock = (world: World, order: Orders): Agent =>
  defineAgent({
    name: "reserve-stock",
    consumes: { order },
    produces: Stock,
    effects: [row(world, "reservation")],
    limits: LIMITS,
    execute: async ({ order: { id } }, { effects }) => {
      await effects.perform("reservation", { id });
      return completed({ shelf: "A1" });
    },
  }) as Agent;

/** Asks a bureau, which costs money, so the answer is recorded; goes on with an earlier answer when it cannot. */
const checkCredit = (world: World, order: Orders): Agent =>
  defineAgent({
    name: "check-credit",
    consumes: { order },
    produces: Credit,
    onFailure: "cached",
    limits: LIMITS,
    execute: async ({ order: { id } }, { effects }) => {
      refuseBroken(world, "check-credit");
      const { limitCents } = await effects.record("ask-bureau", { id }, async () => ({ limitCents: 100_00 }));
      return completed({ limitCents });
    },
  }) as Agent;

/** Nobody misses it when it fails, but what it has noted down is taken back. */
const suggestGift = (world: World, order: Orders): Agent =>
  defineAgent({
    name: "suggest-gift",
    consumes: { order },
    produces: Gift,
    effects: [row(world, "gift-note")],
    onFailure: "skip",
    fallback: () => ({ gift: null }),
    limits: LIMITS,
    execute: async ({ order: { id } }, { effects }) => {
      await effects.perform("gift-note", { id });
      refuseBroken(world, "suggest-gift");
      return completed({ gift: "a pen" });
    },
  }) as Agent;

const priceItems = (world: World, order: Orders): Agent =>
  fanOut({
    name: "price-items",
    consumes: { order },
    produces: Bill,
    agent: defineAgent({
      name: "price-item",
      consumes: { item: Item },
      produces: Price,
      effects: [row(world, "scan")],
      limits: LIMITS,
      execute: async ({ item: { item } }, { effects }) => {
        await effects.perform("scan", { id: item });
        return completed({ cents: item.length * 100 });
      },
    }),
    over: ({ order: { items: list } }) => list.map((item) => ({ item: { item } })),
    collect: (prices) => ({ cents: prices.reduce((sum, { cents }) => sum + cents, 0) }),
  }) as Agent;

/** Asks a human when it fails. */
const takePayment = (world: World): Agent =>
  defineAgent({
    name: "take-payment",
    consumes: { bill: Bill, credit: Credit },
    produces: Payment,
    effects: [row(world, "charge")],
    onFailure: "ask",
    limits: LIMITS,
    execute: async ({ bill: { cents } }, { effects }) => {
      refuseBroken(world, "take-payment");
      await effects.perform("charge", { id: String(cents) });
      return completed({ paidCents: cents });
    },
  }) as Agent;

/** For an order called `careless` it forgets the label at first, and is told so. */
const sendParcel = (world: World, order: Orders): Agent =>
  defineAgent({
    name: "send-parcel",
    consumes: { order, stock: Stock, payment: Payment, gift: Gift },
    produces: Parcel,
    effects: [row(world, "parcel", "findable")],
    limits: LIMITS,
    execute: async ({ order: { id }, stock: { shelf }, gift: { gift } }, { effects, feedback }) => {
      await effects.perform("parcel", { id });
      return completed({ label: id === "careless" && feedback.length === 0 ? "" : `to ${id}`, shelf, gift });
    },
  }) as Agent;

/** A letter cannot be taken back, so a human approves it. */
const writeReceipt = (world: World, order: Orders): Agent =>
  defineAgent({
    name: "write-receipt",
    consumes: { order, parcel: Parcel },
    produces: Receipt,
    effects: [
      defineEffect({
        name: "letter",
        irreversible: true,
        identity: ({ id }: { readonly id: string }) => id,
        perform: async (_args, { idempotencyKey: key }) => {
          world.rows.set(key, "letter");
          await world.heard("letter");
          return { row: key };
        },
      }),
    ],
    limits: LIMITS,
    execute: async ({ order: { id, letter = false }, parcel: { label } }, { effects }) => {
      refuseBroken(world, "write-receipt");
      if (letter) await effects.perform("letter", { id });
      return completed({ text: `${label}, with thanks` });
    },
  }) as Agent;
