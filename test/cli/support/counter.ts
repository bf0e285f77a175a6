import * as z from "zod";
// By path, not by the public name: the CLI imports this file outside vitest, where nothing resolves that name.
import {
  AgentUnavailable,
  completed,
  defineAgent,
  defineContract,
  defineWorkflow,
  ModelAuthentication,
  type WorkflowPackage,
} from "../../../src/index.js";

const Request = defineContract({ name: "counter.request", version: 1, schema: z.object({ id: z.string().min(1) }) });
const Answer = defineContract({ name: "counter.answer", version: 1, schema: z.object({ id: z.string(), by: z.string() }) });

/** Requests called `locked…` find a wrong key, those called `away…` nobody, which after two in a row is not tried again. */
const answerRequest = defineAgent({
  name: "answer-request",
  consumes: { request: Request },
  produces: Answer,
  limits: { retries: 0, breaker: { consecutiveFailures: 2 } },
  tiers: [
    {
      name: "model",
      execute: async ({ request: { id } }) => {
        if (id.startsWith("locked")) throw new ModelAuthentication("The key is wrong.", { provider: "acme", model: "m-1", status: 401 });
        if (id.startsWith("away")) throw new AgentUnavailable("Nobody is there.", { agent: "answer-request" });
        return completed({ id, by: "model" });
      },
    },
    { name: "code", execute: async ({ request: { id } }) => completed({ id, by: "code" }) },
  ],
});

/** One agent that falls to its second tier when its first one fails. */
export const workflowPackage: WorkflowPackage = {
  name: "counter",
  description: "Answers requests.",
  open: async () => ({
    workflow: defineWorkflow({ name: "counter", input: Request, output: Answer, agents: [answerRequest] }),
    close: async () => {},
  }),
  samples: [],
  summarize: (output) => ({ by: (output as z.infer<typeof Answer.schema>).by }),
};
