import { createOrchestrator, type Orchestrator, type RunId, type Store } from "walkback";
import type { Next } from "./golden.js";
import { aWorld, goldenWorkflow, type World } from "./program.js";

/** How a golden run comes to be. The run is recorded as it stands when `make` resolves. */
export interface Scenario {
  readonly name: string;
  readonly about: string;
  readonly broken?: readonly string[];
  readonly next?: Next;
  make(shop: Shop): Promise<unknown>;
}

/** A store and a world to make one run in. */
export interface Shop {
  readonly runId: RunId;
  readonly world: World;
  readonly store: Store;
  /** With today's program. */
  readonly orchestrator: Orchestrator;
  /** With the program of the release before. */
  readonly first: Orchestrator;
  /** Resolves when this was done outside and its answer is still on its way, where it stays. */
  stuckAfter(what: string): Promise<void>;
}

export function aShop(store: Store, runId: RunId, broken: readonly string[] = []): Shop {
  let held: { readonly what: string; readonly tell: () => void } | undefined;
  const world: World = {
    ...aWorld([], broken),
    heard: (what) => {
      if (what !== held?.what) return undefined;
      held.tell();
      return new Promise(() => {}); // as if the process had died here
    },
  };
  return {
    runId,
    world,
    store,
    orchestrator: createOrchestrator({ store, workflows: [goldenWorkflow(world)] }),
    first: createOrchestrator({ store, workflows: [goldenWorkflow(world, "first")] }),
    stuckAfter: (what) =>
      new Promise((tell) => {
        held = { what, tell };
      }),
  };
}

const order = (id: string, letter = false) => ({ id, items: ["ham", "bread"], letter });
const start = ({ orchestrator, runId }: Shop, id: string, letter = false) =>
  orchestrator.start("golden-shop", order(id, letter), { runId });
const ALL = ["charge", "gift-note", "parcel", "reservation", "scan", "scan"];

export const SCENARIOS: readonly Scenario[] = [
  { name: "completed", about: "Everything worked, in a fan-out of two, with a recorded call.", make: (shop) => start(shop, "plain") },
  {
    name: "completed-repaired",
    about: "A gate sent the parcel back, the first round's effect was undone, the second round was accepted.",
    make: (shop) => start(shop, "careless"),
  },
  {
    name: "completed-skipped",
    about: "The gift failed after its effect, which was undone; the run went on with the fallback.",
    broken: ["suggest-gift"],
    make: (shop) => start(shop, "plain"),
  },
  {
    name: "completed-cached",
    about: "The bureau was down; the answer of an earlier run, which is not in this file, was taken.",
    async make(shop) {
      await shop.orchestrator.start("golden-shop", order("regular"));
      shop.world.rows.clear();
      shop.world.broken.add("check-credit");
      await start(shop, "regular");
    },
  },
  {
    name: "completed-approved",
    about: "A human approved a letter that cannot be taken back.",
    async make(shop) {
      await start(shop, "formal", true);
      await shop.orchestrator.resume(shop.runId, { decision: "approve" });
    },
  },
  {
    name: "rolled-back",
    about: "The last agent failed; everything outside was undone.",
    broken: ["write-receipt"],
    make: (shop) => start(shop, "plain"),
  },
  {
    name: "canceled",
    about: "It waited for an answer about the payment and was canceled instead.",
    broken: ["take-payment"],
    async make(shop) {
      await start(shop, "plain");
      await shop.orchestrator.cancel(shop.runId, "changed our mind");
    },
  },
  {
    name: "parked-undo-failed",
    about: "The last agent failed, and the charge could not be undone.",
    broken: ["write-receipt", "undo charge"],
    next: { act: { decision: "retry" }, status: "rolled-back", rows: [] },
    make: (shop) => start(shop, "plain"),
  },
  {
    name: "parked-left-standing",
    about: "The last agent failed, and the charge could not be undone; it may stay.",
    broken: ["write-receipt", "undo charge"],
    next: { act: { decision: "skip", reason: "it may stay" }, status: "rolled-back", rows: ["charge"] },
    make: (shop) => start(shop, "plain"),
  },
  {
    name: "waiting-agent-failed",
    about: "The payment failed and a human is asked.",
    broken: ["take-payment"],
    next: { act: { decision: "retry" }, status: "completed", rows: ALL },
    make: (shop) => start(shop, "plain"),
  },
  {
    name: "waiting-to-be-canceled",
    about: "The payment failed and a human is asked, who gives up.",
    broken: ["take-payment"],
    next: { act: "cancel", status: "canceled", rows: [] },
    make: (shop) => start(shop, "plain"),
  },
  {
    name: "waiting-for-approval",
    about: "A letter that cannot be taken back waits for approval.",
    next: { act: { decision: "approve" }, status: "completed", rows: ["charge", "gift-note", "letter", ...ALL.slice(2)] },
    make: (shop) => start(shop, "formal", true),
  },
  {
    name: "crashed-after-sending",
    about: "The process died when the parcel had been sent and its answer had not been heard.",
    next: { act: "recover", status: "completed", rows: ALL },
    make: async (shop) => crashes(shop, "parcel"),
  },
  {
    name: "crashed-walking-back",
    about: "The process died when the charge had been undone and nobody had been told.",
    broken: ["write-receipt"],
    next: { act: "recover", status: "rolled-back", rows: [] },
    make: async (shop) => crashes(shop, "undo charge"),
  },
  {
    name: "forked",
    about: "A fork of a completed run that is not in this file, from the stock on, with another shelf.",
    async make(shop) {
      const source = await shop.orchestrator.start("golden-shop", order("plain"));
      shop.world.rows.clear();
      const from = source.versions.find(({ agent }) => agent === "reserve-stock")?.number ?? 0;
      await shop.orchestrator.fork(source.runId, { from, set: { shelf: "B2" }, runId: shop.runId });
    },
  },
  {
    name: "waiting-first-release",
    about: "Made by the first release of the program, whose orders had one field less; it waits for an answer.",
    broken: ["take-payment"],
    next: { act: { decision: "retry" }, status: "completed", rows: ALL },
    make: ({ first, runId }) => first.start("golden-shop", { id: "plain", items: ["ham", "bread"] }, { runId }),
  },
  {
    name: "completed-first-release",
    about: "Made by the first release of the program, whose orders had one field less.",
    make: ({ first, runId }) => first.start("golden-shop", { id: "plain", items: ["ham", "bread"] }, { runId }),
  },
  {
    name: "queued",
    about: "It waits for its turn.",
    next: { act: "recover", status: "completed", rows: ALL },
    make: (shop) => submit(shop, { tenant: "acme", priority: 2 }),
  },
  {
    name: "queued-to-be-canceled",
    about: "It waits for its turn, and is not wanted any more.",
    next: { act: "cancel", status: "canceled", rows: [] },
    make: (shop) => submit(shop, { tenant: "acme", priority: 9 }),
  },
];

function submit({ store, world, runId }: Shop, options: { readonly tenant: string; readonly priority: number }) {
  const full = createOrchestrator({ store, workflows: [goldenWorkflow(world)], queue: { maxConcurrent: 0 } });
  return full.submit("golden-shop", order("plain"), { runId, ...options });
}

async function crashes(shop: Shop, after: string): Promise<void> {
  const stuck = shop.stuckAfter(after);
  void start(shop, "plain"); // it never comes back
  await stuck;
}
