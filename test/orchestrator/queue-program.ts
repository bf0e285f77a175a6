import { setTimeout } from "node:timers/promises";
import * as z from "zod";
// By path, not by the public name: this runs outside vitest, where nothing resolves that name.
import { completed, createOrchestrator, defineAgent, defineContract, defineEffect, defineWorkflow, sqliteStore } from "../../src/index.js";
import { openWorld } from "../crash/world.js";
import { jobs, LEASE_MS, runIdOf } from "./queue-load.js";

const [, , command = "", storeFile = "", worldFile = "", size = ""] = process.argv;
const world = openWorld(worldFile);

const Job = defineContract({ name: "jobs.job", version: 1, schema: z.object({ number: z.int() }) });
const Done = defineContract({ name: "jobs.done", version: 1, schema: z.object({ row: z.int() }) });
const book = defineEffect({
  name: "book",
  identity: ({ number }: { readonly number: number }) => String(number),
  perform: async (_, { idempotencyKey }) => world.perform(idempotencyKey, "keyed"),
  undo: async (_, { performedUnder }) => world.undo(performedUnder, "keyed"),
});
const work = defineAgent({
  name: "work",
  consumes: { job: Job },
  produces: Done,
  effects: [book],
  execute: async ({ job }, { effects }) => {
    const { row } = (await effects.perform("book", { number: job.number })) as { row: number };
    process.stdout.write(`worked ${job.number}\n`);
    return completed({ row });
  },
});
const workflow = defineWorkflow({ name: "jobs", input: Job, output: Done, agents: [work] });
const store = sqliteStore(storeFile);
const queue = { ageingMs: Number.POSITIVE_INFINITY, maxConcurrent: command === "fill" ? 0 : 1 };
const orchestrator = createOrchestrator({ store, workflows: [workflow], leaseMs: LEASE_MS, queue });

if (command === "fill") await fill(Number(size));
else await serve();
process.exit(0); // with all that wait in the queue, and nobody told

/** Starts so many runs, which all have to wait, and says at three moments what that keeps in memory. */
async function fill(count: number): Promise<void> {
  const moments = [count / 5, (count * 3) / 5, count].map(Math.floor);
  let accepted = 0;
  for (const { number, priority, tenant, isLate } of jobs(count)) {
    const deadline = isLate ? { deadline: new Date(Date.now() + 1) } : {};
    const place = { runId: runIdOf(number), priority, ...(tenant === undefined ? {} : { tenant }), ...deadline };
    void orchestrator.start(workflow, { number }, { ...place, onAccepted: () => accepted++ });
    if (number % 100 === 99 || moments.includes(number + 1)) while (accepted <= number) await setTimeout(1);
    if (moments.includes(number + 1)) process.stdout.write(`waiting ${number + 1} heap ${heap()}\n`);
  }
}

/** Works until nobody waits, and nothing is under way. */
async function serve(): Promise<void> {
  await setTimeout(LEASE_MS + 100); // of a worker that was killed
  do await orchestrator.recover();
  while ((await orchestrator.list({ status: "running" })).length > 0 || orchestrator.queue.state().queued > 0);
}

function heap(): number {
  globalThis.gc?.();
  return process.memoryUsage().heapUsed;
}
