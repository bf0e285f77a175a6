import { type Agent, type AgentContext, type ContractMap, ContractViolated, check, type Inputs, type RunId } from "../../src/index.js";
import type { Clock } from "./clock.js";
import { drawWhole } from "./draw.js";

/** What was handed to each agent of each run: run → agent → inputs. */
export type Seen = Map<string, Map<string, Inputs<ContractMap>>>;

/** How long each agent takes, in milliseconds: a call to the bureau, a look through papers, a few rules. */
const TAKES_MS: Readonly<Record<string, readonly [number, number]>> = {
  "calculate-score": [400, 1_200],
  "verify-income": [600, 2_400],
  "detect-fraud": [300, 1_500],
  "assess-risk": [200, 800],
  "decide-credit": [200, 600],
};

/** The same agents, each taking its time, which depends on seed, run and agent alone; what they are given is noted down. */
export function slowed(agents: readonly Agent[], { clock, seed, seen }: { clock: Clock; seed: number; seen: Seen }): readonly Agent[] {
  return agents.map((agent) => {
    const { name } = agent;
    const execute: Agent["execute"] = async (inputs, context) => {
      const { runId, signal } = context;
      seen.set(runId, (seen.get(runId) ?? new Map()).set(name, inputs));
      await clock.sleep(drawWhole(TAKES_MS[name] ?? [0, 0], seed, "delay", runId, name), signal);
      return agent.execute(inputs, context);
    };
    return { ...agent, execute };
  });
}

export function agentNamed(agents: readonly Agent[], name: string): Agent {
  const found = agents.find((agent) => agent.name === name);
  if (!found) throw new Error(`There is no agent ${name}.`);
  return found;
}

/** Calls an agent without an orchestrator: its effects are performed at once, and its fallback stands in for an answer its contract refuses. */
export async function callAgent<Product>(agent: Agent, inputs: Inputs<ContractMap>, runId: string): Promise<Product> {
  const answer = await agent.execute(inputs, directContext(agent, runId));
  if (answer.status === "failed") throw new Error(`${agent.name} gave up on ${runId} (${answer.reasonCode}): ${answer.summary}`);
  const checked = check(agent.produces, answer.output);
  if (checked.ok) return checked.document as Product; // the caller knows what the agent produces
  const { name, produces } = agent;
  const details = { agent: name, contract: produces.id, round: 0, issues: checked.issues };
  const violated = new ContractViolated(`${name} broke its contract in ${runId}.`, details);
  const fallback = agent.fallback?.(inputs, violated.toJSON());
  if (fallback === undefined) throw violated;
  return fallback as Product;
}

function directContext({ name, effects }: Agent, runId: string): AgentContext {
  const { signal } = new AbortController();
  const perform = async (effectName: string, args: unknown) => {
    const effect = effects.find((declared) => declared.name === effectName);
    if (!effect) throw new Error(`${name} has no effect ${effectName}.`);
    return effect.perform(args, { idempotencyKey: `${runId}/${name}/${effectName}`, signal });
  };
  const context = { runId: runId as RunId, effects: { perform }, signal, attempt: 1, feedback: [], now: () => new Date() };
  return context as unknown as AgentContext; // `perform` is typed by each agent's own list of effects; the credit agents use nothing else
}
