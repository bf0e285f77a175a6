import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import * as z from "zod";
import {
  type Agent,
  type Contract,
  type ContractMap,
  completed,
  createOrchestrator,
  defineAgent,
  defineContract,
  defineEffect,
  defineWorkflow,
  isTerminal,
} from "../../index.js";
import { sagaOutside } from "./outside.js";

const outside = sagaOutside();

const Order = defineContract({ name: "saga.order", version: 1, schema: z.object({ id: z.string() }) });
const Outcome = defineContract({ name: "saga.outcome", version: 1, schema: z.object({ steps: z.int() }) });

const act = defineEffect({
  name: "act",
  identity: ({ step }: { readonly step: string }) => step,
  perform: ({ step }, { idempotencyKey }) => outside.perform(step, idempotencyKey),
  undo: ({ args: { step } }, { idempotencyKey }) => outside.undo(step, idempotencyKey),
});

/** An agent that performs one step. */
function agentFor(step: string, consumes: ContractMap): Agent {
  const name = step.toLowerCase();
  return defineAgent({
    name,
    consumes,
    produces: defineContract({ name: `saga.${name}`, version: 1, schema: z.object({ step: z.string() }) }) as Contract,
    effects: [act],
    limits: { retries: 0 }, // what the ledger refuses it refuses for good
    execute: async (_, { effects }) => {
      await effects.perform("act", { step });
      return completed({ step });
    },
  });
}

/** One after the other: each waits for what the one before it produced. */
function inARow(steps: readonly string[]): Agent[] {
  const agents: Agent[] = [];
  for (const step of steps) agents.push(agentFor(step, { before: agents.at(-1)?.produces ?? Order }));
  return agents;
}

const steps = outside.scenario === "parallel" ? ["A1", "A2"] : ["A", "B", "C", "D"];
const agents = outside.scenario === "parallel" ? steps.map((step) => agentFor(step, { order: Order })) : inARow(steps);
const conclude = defineAgent({
  name: "conclude",
  consumes: Object.fromEntries(agents.map(({ name, produces }) => [name, produces])),
  produces: Outcome,
  execute: async () => completed({ steps: steps.length }),
});
const saga = defineWorkflow({ name: "saga", input: Order, output: Outcome, agents: [...agents, conclude] });

await using orchestrator = createOrchestrator({ store: join(outside.folder, "walkback.db"), workflows: [saga], leaseMs: 500 });
// The same key is the same run: started in the first life, found again in the second.
let run = await orchestrator.start(saga, { id: "1" }, { idempotencyKey: "the saga" });
while (!isTerminal(run.status) && run.status !== "parked") {
  await delay(50); // until the lease of the first life has lapsed
  await orchestrator.recover();
  run = (await orchestrator.get(run.runId)) as typeof run;
}
await outside.report(run.status === "parked" ? run.remaining.map(({ identity }) => identity) : []);
