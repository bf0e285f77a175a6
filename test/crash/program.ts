import { setTimeout as delay } from "node:timers/promises";
import {
  type Agent,
  type AgentContext,
  type Contract,
  completed,
  type DecisionKind,
  defineAgent,
  defineContract,
  defineEffect,
  defineWorkflow,
  type Effect,
  fanOut,
  type Tier,
  type Workflow,
} from "walkback";
import * as z from "zod";
import type { World } from "./world.js";

/** A workflow as plain data, so that a machine can make one up and hand it to another process. */
export interface Program {
  readonly name: string;
  /** The last step gets the products that nobody else wants, and its own is the output. */
  readonly steps: readonly StepPlan[];
  readonly onUndoFailure?: "continue" | "stop";
  /** What a human says when an undo fails for ever. */
  readonly settle?: "retry" | "skip" | "done";
}

export interface StepPlan {
  /** The earlier steps whose products it consumes; with none the workflow's input. */
  readonly after?: readonly number[];
  readonly effects?: readonly EffectPlan[];
  /** Calls through `effects.record`. */
  readonly pays?: number;
  /** A fan-out over so many items; every branch has all the effects. */
  readonly items?: number;
  /** `fails` before it does anything, `fails-after` all it does; `answers-badly` in its first round. */
  readonly ends?: "fails" | "fails-after" | "answers-badly";
  readonly onFailure?: "ask" | "skip";
  /** What a human answers to its questions. */
  readonly answer?: DecisionKind;
  /** How many tiers fail when they have done all their work before one does not; the agent is worked by tiers then. */
  readonly failingTiers?: number;
  /** Does something outside besides its effects, and takes it back in `compensate`. */
  readonly compensates?: boolean;
  readonly pauseMs?: number;
}

export interface EffectPlan {
  /** The last two are points of no return, and only the last step's last effect may be one. */
  readonly kind: "keyed" | "findable" | "opaque" | "pivot" | "irreversible";
  /** The first call fails before anything happened, or after all of it has. */
  readonly perform?: "fails-once" | "loses-answer";
  /** `fails` until a human has mended it. */
  readonly undo?: "fails-once" | "fails";
  /** How long the other side takes before and after. */
  readonly pauseMs?: number;
}

/** Known to every program, and to be written nowhere. */
export const SECRET = "canary-7f3a9c";

export function workflowOf(program: Program, world: World): Workflow {
  const contracts = program.steps.map((_, index) => stepContract(program, index));
  const last = program.steps.length - 1;
  const consumed = new Set(program.steps.flatMap(({ after = [] }, index) => (index === last ? [] : after)));
  const leaves = program.steps.map((_, index) => index).filter((index) => index !== last && !consumed.has(index));
  const agents = program.steps.map((step, index) => {
    const after = index === last ? [...new Set([...(step.after ?? []), ...leaves])] : (step.after ?? []);
    const consumes = Object.fromEntries(after.map((producer) => [`from${producer}`, contracts[producer] as Contract]));
    return agentOf(step, index, after.length === 0 ? { order: Order } : consumes, contracts[index] as Contract, world);
  });
  return defineWorkflow({
    name: program.name,
    input: Order,
    output: contracts[last] as Contract,
    agents,
    onUndoFailure: program.onUndoFailure ?? "continue",
  });
}

/** The step an agent or a branch of it belongs to. */
export function stepOf(program: Program, agent: string): StepPlan | undefined {
  return program.steps[Number(/^step-(\d+)/.exec(agent)?.[1])];
}

/** The product a human would make by hand. */
export const MADE_BY_HAND = { text: "by hand" };

const Order = defineContract({ name: "crash.order", version: 1, schema: z.object({ id: z.string() }) });
const Item = defineContract({ name: "crash.item", version: 1, schema: z.object({ item: z.int() }) });
const PRODUCT = z.object({ text: z.string() });

function stepContract(program: Program, index: number): Contract {
  const rules = { "the text is good": ({ text }: z.infer<typeof PRODUCT>) => text !== "bad" };
  return defineContract({ name: `crash.${program.name}-${index}`, version: 1, schema: PRODUCT, rules });
}

function agentOf(step: StepPlan, index: number, consumes: Record<string, Contract>, produces: Contract, world: World): Agent {
  const name = `step-${index}`;
  if (step.items === undefined) return worker(step, name, consumes, produces, world);
  const branch = worker({ ...step, compensates: false }, `${name}-item`, { item: Item }, produces, world);
  return fanOut({
    name,
    consumes,
    produces,
    agent: branch,
    over: () => Array.from({ length: step.items ?? 0 }, (_, item) => ({ item: { item } })),
    collect: (outputs) => ({ text: outputs.map((output) => (output as { text: string }).text).join("+") }),
  });
}

function worker(step: StepPlan, name: string, consumes: Record<string, Contract>, produces: Contract, world: World): Agent {
  const plans = step.effects ?? [];
  const effects = plans.map((plan, index) => effectOf(plan, `${plan.kind}-${index}`, world));
  const { ends, onFailure = "rollback", compensates = false, failingTiers } = step;
  const execute = async (inputs: object, { runId, effects: out, signal, feedback, tier = "" }: AgentContext) => {
    const item = (inputs as { item?: { item: number } }).item?.item ?? 0;
    const site = `${name}[${item}]`;
    const breaks = item === 0 && !world.isMended(runId, name); // of a fan-out only the first branch
    if (ends === "fails" && breaks) throw new Error("it broke");
    if (compensates) world.perform(`${runId}/${name}/work`, "keyed");
    for (let call = 0; call < (step.pays ?? 0); call++) {
      await out.record("ask-model", { call, site }, async () => {
        world.pay(`${runId}/${site}/${tier}${feedback.length}/${call}`);
        return { answer: call };
      });
    }
    for (const { name: effect } of effects) {
      await out.perform(effect, { id: site });
      await pause(step.pauseMs, signal);
    }
    await pause(step.pauseMs, signal);
    if (tier.startsWith("failing")) throw new Error("this tier broke afterwards");
    if (ends === "fails-after" && breaks) throw new Error("it broke afterwards");
    return completed({ text: ends === "answers-badly" && feedback.length === 0 ? "bad" : "good" });
  };
  return defineAgent({
    name,
    consumes,
    produces,
    effects,
    ...(failingTiers === undefined ? { execute } : { tiers: tiersOf(failingTiers, execute) }),
    onFailure,
    fallback: () => ({ text: "fallback" }),
    limits: { retries: 1, backoff: { initialMs: 1 }, breaker: { consecutiveFailures: 1_000_000 } },
    ...(compensates ? { compensate: async (_work, { runId }) => world.undo(`${runId}/${name}/work`, "opaque") } : {}),
  });
}

function tiersOf(failing: number, execute: Agent["execute"]): readonly Tier[] {
  const names = Array.from({ length: failing }, (_, index) => `failing-${index}`);
  return [...names, "last"].map((name) => ({ name, execute, limits: { retries: 0 } }));
}

function effectOf({ kind, perform, undo, pauseMs }: EffectPlan, name: string, world: World): Effect {
  const flavor = kind === "pivot" || kind === "irreversible" ? "keyed" : kind;
  const runOf = (key: string) => key.slice(0, key.indexOf("/"));
  const isFirst = (what: string, key: string) => world.isFirst(`${what} ${key.slice(0, key.lastIndexOf("/"))}`); // whichever generation
  return defineEffect({
    name,
    kind: flavor,
    pivot: kind === "pivot",
    irreversible: kind === "irreversible",
    identity: (args: unknown) => (args as { id: string }).id,
    perform: async (_args, { idempotencyKey: key }) => {
      await pause(pauseMs); // the other side hears of no signal
      if (perform === "fails-once" && isFirst("fails", key)) throw new Error("the other side is not ready");
      const receipt = world.perform(key, flavor);
      if (perform === "loses-answer" && isFirst("loses", key)) throw new Error("the answer was lost");
      await pause(pauseMs);
      return receipt;
    },
    find: async (_args, { idempotencyKey }) => world.find(idempotencyKey),
    ...(flavor === kind
      ? {
          undo: async (_done, { performedUnder: key }) => {
            if (undo === "fails-once" && isFirst("stuck", key)) throw new Error("stuck for now");
            if (undo === "fails" && !world.isMended(runOf(key), "undo")) throw new Error("stuck");
            world.undo(key, flavor);
            await pause(pauseMs);
          },
        }
      : {}),
  });
}

async function pause(ms: number | undefined, signal?: AbortSignal): Promise<void> {
  if (ms !== undefined && ms > 0) await delay(ms, undefined, signal ? { signal } : {});
}
