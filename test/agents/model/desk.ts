import {
  type Agent,
  type AgentContext,
  type AgentDefinition,
  completed,
  createOrchestrator,
  defineAgent,
  defineContract,
  defineWorkflow,
  type InferInput,
  type OrchestratorOptions,
  type Run,
  type RunEvent,
  sqliteStore,
} from "walkback";
import * as z from "zod";

export const Case = defineContract({
  name: "desk.case",
  version: 1,
  schema: z.object({ id: z.string(), incomeCents: z.int(), remark: z.string() }),
});

/** What a clerk, or a model in its place, says of a case. */
export const Opinion = defineContract({
  name: "desk.opinion",
  version: 1,
  description: "What the desk thinks of a case.",
  schema: z.object({
    verdict: z.enum(["approve", "decline", "no decision"]),
    confidence: z.number().min(0).max(1),
    note: z.string().optional(),
    tags: z.array(z.string()).default([]),
  }),
  rules: { "its confidence is at least 0.5, or there is no decision": (o) => o.verdict === "no decision" || o.confidence >= 0.5 },
});
const Letter = defineContract({ name: "desk.letter", version: 1, schema: z.object({ text: z.string() }) });

export const APPROVE = { verdict: "approve", confidence: 0.9, note: null, tags: null };
export const INSTRUCTIONS = "You look at cases. Say what you think of this one.";
const aCase = (change: Partial<InferInput<typeof Case>> = {}) => ({ id: "c-1", incomeCents: 100_000, remark: "none", ...change });

/** Every model of a test costs a micro-dollar a token. */
const PRICE = { input: 1_000_000, output: 1_000_000 };
const QUICK = { retries: 1, backoff: { initialMs: 1, maxMs: 1 } };

type Work = AgentDefinition<{ case: typeof Case }, typeof Opinion, readonly []>;

/** The agent that says what it thinks of a case. */
export function judge(work: Pick<Work, "execute"> | Pick<Work, "tiers">, more: Partial<Pick<Agent, "onFailure">> = {}): Agent {
  return defineAgent({ name: "judge-case", consumes: { case: Case }, produces: Opinion, limits: QUICK, ...more, ...work } as Work);
}

/** What that agent says is put in a letter. */
export async function aDesk(judgeCase: Agent, options: Partial<OrchestratorOptions> = {}) {
  const store = sqliteStore(":memory:");
  const events: RunEvent[] = [];
  const writeLetter = defineAgent({
    name: "write-letter",
    consumes: { opinion: Opinion },
    produces: Letter,
    execute: async ({ opinion }) => completed({ text: JSON.stringify(opinion) }),
  });
  const workflow = defineWorkflow({ name: "desk", input: Case, output: Letter, agents: [judgeCase, writeLetter] });
  const prices = Object.fromEntries(["scripted", "premium", "standard", "gpt4", "chatgpt", "calm7b"].map((model) => [model, PRICE]));
  const orchestrator = createOrchestrator({
    workflows: [workflow],
    store,
    limits: { prices },
    onEvent: (event) => events.push(event),
    ...options,
  });
  return {
    store,
    events,
    orchestrator,
    start: (change: Partial<InferInput<typeof Case>> = {}) => orchestrator.start(workflow, aCase(change)),
    tokensPaid: () => orchestrator.budget().spend.total.tokens,
    async [Symbol.asyncDispose]() {
      await orchestrator.close();
      await store.close();
    },
  };
}

/** What the desk thinks, if it came to that. */
export function opinionOf(run: Run): unknown {
  return run.status === "completed" ? JSON.parse((run.output as { readonly text: string }).text) : undefined;
}

/** An attempt in which a model can be asked by itself: nothing is recorded or paid for. */
export function alone(): Pick<AgentContext<readonly []>, "spend" | "signal" | "stream"> & {
  readonly effects: Pick<AgentContext<readonly []>["effects"], "record">;
} {
  return {
    signal: new AbortController().signal,
    stream: () => {},
    spend: async (_call, work) => (await work()).result,
    effects: { record: (_name, _args, work) => work() },
  };
}
