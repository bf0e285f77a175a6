import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import {
  type Agent,
  AgentUnavailable,
  createOrchestrator,
  defineAgent,
  defineWorkflow,
  loadConfig,
  type OrchestratorOptions,
  type TracingOptions,
  type Workflow,
} from "walkback";
import { injectFaults } from "walkback/testing";
import { creditWorkflow } from "walkback/workflows/credit-decision";
import { settingsOf } from "../../../src/cli/settings.js";
import { aFolder } from "../../support/store.js";
import { aBank, anApplication, aPayslip } from "../../workflows/credit-decision/support.js";
import { aLangSmith, type LangSmithServer, type Received, tracingTo } from "./langsmith.js";

const CANARY = "canary-7f3a";
const warnings: string[] = [];
const hear = (warning: Error) => void warnings.push(warning.message);

beforeEach(() => {
  warnings.length = 0;
  process.on("warning", hear);
});

afterEach(() => {
  process.off("warning", hear);
});

/** Full of what must not leave. */
function aTellingApplication() {
  return anApplication({
    id: `A-${CANARY}-id`,
    remarks: `${CANARY}-remark`,
    employer: `${CANARY}-employer`,
    statedMonthlyNetIncomeCents: 2_500_00,
    evidence: [aPayslip({ documentId: `${CANARY}-document`, issuer: `${CANARY}-issuer` })],
  });
}

/** The score comes from a second tier, after the first one could not be reached and then failed for good. */
function withFallenTier(workflow: Workflow): Workflow {
  const { name, version, input, output, agents } = workflow;
  return defineWorkflow({
    name,
    version,
    input,
    output,
    agents: agents.map((agent) => (agent.name === "calculate-score" ? tiered(agent) : agent)),
  });
}

function tiered({ name, consumes, produces, effects, execute }: Agent): Agent {
  let calls = 0;
  const premium = async () => {
    if (calls++ === 0) throw new AgentUnavailable(`${CANARY}-unavailable`, { agent: name });
    throw new Error(`${CANARY}-refusal`);
  };
  const limits = { backoff: { initialMs: 1, maxMs: 1 } };
  return defineAgent({
    name,
    consumes,
    produces,
    effects,
    limits,
    tiers: [
      { name: "premium", execute: premium },
      { name: "basic", execute },
    ],
  });
}

const faultless = (workflow: Workflow) => workflow;

async function decide(change: (workflow: Workflow) => Workflow = faultless, options: Partial<OrchestratorOptions> = {}) {
  await using bank = aBank();
  const workflow = change(creditWorkflow(bank));
  const orchestrator = createOrchestrator({ workflows: [workflow], ...options });
  try {
    return await orchestrator.start(workflow.name, aTellingApplication());
  } finally {
    await orchestrator.close();
  }
}

const AGENTS = ["assess-risk", "calculate-score", "decide-credit", "detect-fraud", "verify-income"];

const names = (spans: readonly Received[]) => spans.map(({ name }) => name).sort();

/** The agents right under the run. */
function agentsOf(langsmith: LangSmithServer): readonly string[] {
  const children = langsmith.childrenOf(langsmith.span("credit-decision"));
  return names(children.filter(({ extra }) => extra.metadata["kind"] === "agent"));
}

describe("with LangSmith's variables set", () => {
  test("a run is one trace, with a span for each agent, tier, attempt and effect", async () => {
    await using langsmith = await aLangSmith();
    tracingTo(langsmith.url, { LANGSMITH_PROJECT: "credit" });

    const run = await decide((workflow) => injectFaults(withFallenTier(workflow), ["flaky:verify-income:1"]));

    const root = langsmith.span("credit-decision");
    expect(run.status).toBe("completed");
    expect(root).toMatchObject({ id: run.runId, session_name: "credit", extra: { metadata: { status: "completed", workflowVersion: 2 } } });
    expect(root.error).toBeUndefined();
    expect(new Set(langsmith.spans().map(({ trace_id }) => trace_id))).toEqual(new Set([run.runId]));
    expect(new Set(agentsOf(langsmith))).toEqual(new Set(AGENTS));

    const [premium, basic] = langsmith.childrenOf(langsmith.span("calculate-score"));
    if (!premium || !basic) throw new Error("There are not two tiers.");
    expect([premium, basic]).toMatchObject([
      { name: "premium", error: "AGENT_FAILED" },
      { name: "basic", extra: { metadata: { outcome: "ok" } } },
    ]);
    expect(langsmith.childrenOf(premium)).toMatchObject([
      { name: "attempt 1", error: "AGENT_UNAVAILABLE" },
      { name: "attempt 2", error: "AGENT_FAILED" },
    ]);
    const [scored] = langsmith.childrenOf(basic);
    if (!scored) throw new Error("The tier was not tried.");
    expect(langsmith.childrenOf(scored)).toMatchObject([{ name: "inquire-at-bureau", run_type: "tool" }]);

    const attempts = langsmith.childrenOf(langsmith.span("verify-income"));
    expect(attempts).toMatchObject([{ name: "attempt 1", error: "AGENT_UNAVAILABLE" }, { name: "attempt 2" }]);
    expect(attempts.flatMap((attempt) => names(langsmith.childrenOf(attempt)))).toEqual(["hold-evidence"]);
  });

  test("a run that is walked back shows what was undone, and why", async () => {
    await using langsmith = await aLangSmith();
    tracingTo(langsmith.url);

    const run = await decide((workflow) => injectFaults(workflow, ["fail:decide-credit:after"]));

    const root = langsmith.span("credit-decision");
    const undone = langsmith.childrenOf(root).filter(({ run_type }) => run_type === "tool");
    const done = langsmith.spans().filter(({ run_type, extra }) => run_type === "tool" && extra.metadata["undo"] === undefined);
    expect(run.status).toBe("rolled-back");
    expect(root).toMatchObject({ error: "AGENT_FAILED", extra: { metadata: { status: "rolled-back" } } });
    expect(langsmith.span("decide-credit")).toMatchObject({ error: "AGENT_FAILED" });
    expect(names(undone)).toEqual(names(done).map((name) => `undo ${name}`));
    expect(done.length).toBeGreaterThan(3);
    expect(langsmith.spans().filter(({ end_time }) => end_time === undefined)).toEqual([]);
  });

  test.each([
    ["one that is well", faultless],
    ["one with retries and a fallen tier", withFallenTier],
    ["one that is walked back", (workflow: Workflow) => injectFaults(workflow, ["fail:decide-credit:after"])],
  ])("nothing that a run is about leaves: %s", async (_, change) => {
    await using langsmith = await aLangSmith();
    tracingTo(langsmith.url);
    vi.stubEnv("OPENAI_API_KEY", `sk-${CANARY}-openai`);
    vi.stubEnv("LANGSMITH_NOTE", `${CANARY}-variable`);

    await decide(change);

    const sent = langsmith.requests.join("\n");
    expect(langsmith.spans().length).toBeGreaterThan(10);
    expect(sent).not.toContain(CANARY);
    expect(sent.replaceAll(/"x-api-key":"[^"]*"/g, "")).not.toContain("lsv2-test-key");
    expect(langsmith.spans().every(({ inputs, outputs = {} }) => Object.keys({ ...inputs, ...outputs }).length === 0)).toBe(true);
  });

  test("content is told when it is asked for, and secrets of the environment not even then", async () => {
    await using langsmith = await aLangSmith();
    tracingTo(langsmith.url);
    vi.stubEnv("BANK_PASSWORD", `${CANARY}-remark`);

    await decide(withFallenTier, { tracing: { content: true } });

    const sent = langsmith.requests.join("\n");
    expect(langsmith.span("credit-decision").inputs).toMatchObject({
      "credit.application@1": { employer: `${CANARY}-employer`, remarks: "[secret]" },
    });
    expect(langsmith.span("premium").error).toContain(`${CANARY}-refusal`);
    expect(langsmith.span("inquire-at-bureau")).toMatchObject({
      inputs: { args: { applicationId: `A-${CANARY}-id` } },
      outputs: { receipt: expect.anything() },
    });
    expect(sent).not.toContain(`${CANARY}-remark`);
  });

  test("an older server gets the same as one batch", async () => {
    await using langsmith = await aLangSmith((request, response) => {
      response.writeHead(request.url === "/runs/batch" ? 202 : 404, { "content-type": "application/json" }).end("{}");
    });
    tracingTo(langsmith.url);

    await decide();

    expect(langsmith.requests.some((request) => request.startsWith("POST /runs/batch"))).toBe(true);
    expect(new Set(agentsOf(langsmith))).toEqual(new Set(AGENTS));
  });

  test.each([
    ["all of them", "1", 1],
    ["none of them", "0", 0],
  ])("of the runs as many are traced as wanted: %s", async (_, rate, traces) => {
    await using langsmith = await aLangSmith();
    tracingTo(langsmith.url, { LANGSMITH_TRACING_SAMPLING_RATE: rate });

    await decide();

    expect(new Set(langsmith.spans().map(({ trace_id }) => trace_id)).size).toBe(traces);
  });

  test("tracing can be switched off for one orchestrator all the same", async () => {
    await using langsmith = await aLangSmith();
    tracingTo(langsmith.url);

    await decide(faultless, { tracing: false });

    expect(langsmith.requests).toEqual([]);
  });
});

describe("without LangSmith", () => {
  test("nothing is sent when its variables are not set", async () => {
    await using langsmith = await aLangSmith();
    tracingTo(langsmith.url, { LANGSMITH_TRACING: "" });

    const run = await decide();

    expect(run.status).toBe("completed");
    expect(langsmith.requests).toEqual([]);
  });

  test.each([
    ["refuses the key", (response: ServerResponse) => response.writeHead(401).end()],
    ["is broken", (response: ServerResponse) => response.writeHead(500).end()],
    ["never answers", () => {}],
    ["cuts the connection", (response: ServerResponse) => response.destroy()],
  ])("a run is the same when LangSmith %s, and this is said once", async (_, answer) => {
    await using langsmith = await aLangSmith((__, response) => void answer(response));
    tracingTo(langsmith.url);

    const runs = [await decide(), await decide()];

    expect(runs.map(({ status }) => status)).toEqual(["completed", "completed"]);
    expect(langsmith.requests.length).toBeGreaterThan(0);
    expect(warnings.filter((warning) => warning.includes("LangSmith")).length).toBeLessThanOrEqual(2); // one for each orchestrator
    expect(warnings.join()).not.toContain(langsmith.url);
  });

  test("a run is the same when nobody listens at the endpoint", async () => {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    server.close();
    tracingTo(`http://127.0.0.1:${port}`);

    const run = await decide();

    await vi.waitUntil(() => warnings.some((warning) => warning.includes("could not be reached")));
    expect(run.status).toBe("completed");
  });

  test.each(["abc", "50%", "1.5", "-1"])("a sampling rate of %s is told, and nothing is sent", async (rate) => {
    await using langsmith = await aLangSmith();
    tracingTo(langsmith.url, { LANGSMITH_TRACING_SAMPLING_RATE: rate });

    const run = await decide();

    await vi.waitUntil(() => warnings.some((warning) => warning.includes("SAMPLING_RATE must be a number from 0 to 1")));
    expect(run.status).toBe("completed");
    expect(langsmith.requests).toEqual([]);
  });

  test("a switch without a key is told, and nothing is sent", async () => {
    tracingTo("", { LANGSMITH_API_KEY: "" });

    const run = await decide();

    await vi.waitUntil(() => warnings.some((warning) => warning.includes("LANGSMITH_API_KEY is not set")));
    expect(run.status).toBe("completed");
  });
});

test("an option of tracing that does not exist is refused, as in the configuration", () => {
  const tracing = JSON.parse('{"contents":true}') as TracingOptions;

  expect(() => createOrchestrator({ workflows: [], tracing })).toThrow(
    expect.objectContaining({ code: "CONFIG_INVALID", message: expect.stringContaining('"contents"') }),
  );
});

test("content is asked for in the configuration, too, and never by a variable", async () => {
  await using folder = await aFolder();
  writeFileSync(folder.file("walkback.config.mjs"), "export default { tracing: { content: true } };");
  const configured = await loadConfig({ folder: folder.path, environment: {} });

  await using langsmith = await aLangSmith();
  tracingTo(langsmith.url, { LANGSMITH_HIDE_INPUTS: "false", LANGSMITH_HIDE_OUTPUTS: "false" });
  await decide();
  const before = langsmith.requests.join("\n");
  await decide(faultless, { tracing: settingsOf({}, configured).tracing });

  expect(before).not.toContain(CANARY);
  expect(langsmith.requests.join("\n")).toContain(CANARY);
});

test("what could not be sent is sent again once the server takes it", async () => {
  let refusals = 0;
  await using langsmith = await aLangSmith((_, response) => response.writeHead(refusals++ === 0 ? 503 : 202).end("{}"));
  await using bank = aBank();
  tracingTo(langsmith.url);
  const workflow = creditWorkflow(bank);
  const orchestrator = createOrchestrator({ workflows: [workflow] });

  await orchestrator.start(workflow, aTellingApplication());
  await vi.waitUntil(() => refusals > 1, { timeout: 20_000 });
  await orchestrator.close();

  const [, again = ""] = langsmith.requests;
  expect(again).toContain("calculate-score");
});

test("a run that another process carries on stays one trace, and no span is told for the first time twice", async () => {
  await using langsmith = await aLangSmith();
  await using folder = await aFolder();
  await using bank = aBank();
  tracingTo(langsmith.url);
  const whole = creditWorkflow(bank);
  const asking = {
    ...whole,
    agents: whole.agents.map((agent) =>
      agent.name === "assess-risk" ? { ...agent, onFailure: "ask" as const, execute: () => Promise.reject(new Error("no")) } : agent,
    ),
  };
  const store = folder.file("store.db");
  const first = createOrchestrator({ store, workflows: [asking] });
  const waiting = await first.start("credit-decision", aTellingApplication());
  await first.close();

  const second = createOrchestrator({ store, workflows: [whole] });
  const run = await second.resume(waiting.runId, { decision: "retry" });
  await second.close();

  const root = langsmith.span("credit-decision");
  const risks = langsmith.childrenOf(root).filter(({ name }) => name === "assess-risk");
  expect(run.status).toBe("completed");
  expect(new Set(langsmith.spans().map(({ trace_id }) => trace_id))).toEqual(new Set([run.runId]));
  expect(risks).toMatchObject([{ error: "AGENT_FAILED" }, { extra: { metadata: { round: 1, outcome: "ok" } } }]);
  expect(langsmith.childrenOf(root).find(({ name }) => name.startsWith("ask a human"))).toMatchObject({
    extra: { metadata: { decision: "retry" } },
  });
  expect(root.end_time).toBeDefined();
  expect(new Set(langsmith.posted).size).toBe(langsmith.posted.length);
});
