import { appendFileSync, existsSync, readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import * as z from "zod";
// By path, not by the public name: programs import this file outside vitest, where nothing resolves that name.
import { completed, createOrchestrator, defineAgent, defineContract, defineWorkflow } from "../../src/index.js";

export interface BrokenAgent {
  readonly store: string;
  /** A file with a line for each call of the agent, whichever process makes it. */
  readonly world: string;
  readonly behavior: "fails" | "hangs" | "answers";
  /** How far this process's clock is ahead. */
  readonly aheadMs: number;
}

const Order = defineContract({ name: "broken.order", version: 1, schema: z.object({ id: z.string() }) });
const Receipt = defineContract({ name: "broken.receipt", version: 1, schema: z.object({ id: z.string() }) });

/** Starts so many runs at once of an agent that takes a while and then does as it is told; what each came to. */
export async function runBrokenAgent({ store, world, behavior, aheadMs }: BrokenAgent, runs: number): Promise<readonly string[]> {
  const callBank = defineAgent({
    name: "call-bank",
    consumes: { order: Order },
    produces: Receipt,
    limits: { retries: 0, timeoutMs: 30_000, breaker: { consecutiveFailures: 3, halfOpenAfterMs: 60_000 } },
    execute: async ({ order }) => {
      appendFileSync(world, `${process.pid}\n`);
      await delay(behavior === "hangs" ? 20_000 : 300);
      if (behavior !== "answers") throw new Error("the bank is down");
      return completed({ id: order.id });
    },
  });
  const workflow = defineWorkflow({ name: "broken", input: Order, output: Receipt, agents: [callBank] });
  await using orchestrator = createOrchestrator({ store, workflows: [workflow], now: () => new Date(Date.now() + aheadMs) });
  const ended = await Promise.all(Array.from({ length: runs }, (_, index) => orchestrator.start(workflow, { id: `o-${index}` })));
  return ended.map((run) => ("failure" in run && run.failure ? run.failure.code : run.status));
}

/** How often the agent was called. */
export function callsIn(world: string): number {
  return existsSync(world) ? readFileSync(world, "utf8").trim().split("\n").length : 0;
}
