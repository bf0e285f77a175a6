import {
  completed,
  createOrchestrator,
  defineAgent,
  defineContract,
  defineWorkflow,
  modelAgent,
  openAIModel,
  type RunEvent,
  type RunId,
} from "walkback";
import { type LoopbackFault, type LoopbackRequest, loopbackProvider } from "walkback/testing";
import * as z from "zod";
import { aStore } from "../../support/store.js";

const Case = defineContract({ name: "office.case", version: 1, schema: z.object({ id: z.string() }) });
const verdict = z.object({ verdict: z.enum(["approve", "no decision"]), why: z.string() });
const First = defineContract({ name: "office.first", version: 1, schema: verdict });
const Second = defineContract({ name: "office.second", version: 1, schema: verdict });
const APPROVE = { verdict: "approve", why: "the model said so" };

export const NO_DECISION = { verdict: "no decision" as const, why: "no model said anything that can be used" };
/** The most an answer may have, in tokens. */
export const MOST = 64;

export interface Trouble {
  readonly fault: LoopbackFault;
  /** Whose calls go wrong. */
  readonly agent: "look-first" | "look-again";
  /** How often, from the first call on; always when left out. */
  readonly times?: number;
  readonly retries: number;
  readonly timeoutMs: number;
}

/** Two agents, one after the other, that ask a model at a provider of their own, and have rules in code below it. */
export async function anOffice({ fault, agent: troubled, times = Number.POSITIVE_INFINITY, retries, timeoutMs }: Trouble) {
  const store = await aStore();
  const events: RunEvent[] = [];
  const asked = { "look-first": 0, "look-again": 0 };
  const provider = await loopbackProvider({
    apiKey: "sk-office",
    answer: (request) => {
      const agent = whoseCall(request);
      asked[agent] += 1;
      return agent === troubled && asked[agent] <= times ? { json: APPROVE, fault } : { json: APPROVE };
    },
  });
  const model = openAIModel({ model: "office-model", provider: "loopback", apiKey: "sk-office", baseURL: provider.url });
  const limits = { retries, timeoutMs, backoff: { initialMs: 1, maxMs: 1 } };
  const basic = { name: "basic", execute: async () => completed(NO_DECISION) };
  const ask = (instructions: string) => ({ name: "premium", model, instructions, maxOutputTokens: MOST, limits });
  const first = defineAgent({
    name: "look-first",
    consumes: { case: Case },
    produces: First,
    tiers: [modelAgent({ ...ask("You are look-first."), answer: First }), basic],
  });
  const second = defineAgent({
    name: "look-again",
    consumes: { first: First },
    produces: Second,
    tiers: [modelAgent({ ...ask("You are look-again."), answer: Second }), basic],
  });
  const workflow = defineWorkflow({ name: "office", input: Case, output: Second, agents: [first, second] });
  const price = { input: 1_000_000, output: 2_000_000 };
  const orchestrator = createOrchestrator({
    workflows: [workflow],
    store,
    limits: { prices: { "office-model": price }, budgets: { hourly: { tokens: 1_000_000 } } },
    onEvent: (event) => events.push(event),
  });
  return {
    orchestrator,
    start: () => orchestrator.start(workflow, { id: "c-1" }),
    replay: (runId: RunId) => orchestrator.replay(runId),
    callsOf: (agent: Trouble["agent"]) => asked[agent],
    requests: () => provider.requests.length,
    versionOf: async (runId: RunId, agent: string) => (await store.versions.list(runId)).find((version) => version.agent === agent),
    failuresOfTiers: () => events.flatMap((event) => (event.type === "agent.degraded" ? [event.failure] : [])),
    /** What was counted for the calls of an agent, in the order in which it was. */
    spentBy: (agent: string) =>
      store.limits
        .list({ kind: "spend", key: agent })
        .map(({ body }) => body as { readonly inputTokens: number; readonly outputTokens: number; readonly reported: boolean }),
    tokensReserved: () => orchestrator.budget().scopes.reduce((sum, { reserved }) => sum + reserved.tokens, 0),
    /** How large the questions of an agent were, in bytes. */
    bytesAsked: (agent: string) => provider.requests.filter((each) => whoseCall(each) === agent).map(({ asked }) => bytesOf(asked)),
    async [Symbol.asyncDispose]() {
      await orchestrator.close();
      await provider.close();
      await store[Symbol.asyncDispose]();
    },
  };
}

function whoseCall({ asked }: LoopbackRequest): Trouble["agent"] {
  const text = asked?.messages[0]?.text ?? "";
  return text.includes("look-first") ? "look-first" : "look-again";
}

function bytesOf(request: LoopbackRequest["asked"]): number {
  return Buffer.byteLength(JSON.stringify(request?.messages ?? []));
}
