import { afterAll, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { createOrchestrator, type Inspection } from "walkback";
import { creditDecision } from "walkback/workflows/credit-decision";
import { type DevServer, startDevServer } from "./support/dev-server.js";
import { anOrder } from "./support/shop.js";

vi.setConfig({ testTimeout: 60_000 }); // other processes do the work, on machines that may be busy

let server: DevServer;

beforeAll(async () => {
  server = await startDevServer();
}, 90_000);

beforeEach(({ onTestFailed }) => onTestFailed(() => console.error(server.output())));

afterAll(() => server?.[Symbol.asyncDispose]());

test("decides an application, and the same run stands in our own store", async () => {
  const { client } = server;
  const { thread_id: runId } = await client.threads.create();

  const state = await client.runs.wait(runId, "credit-decision", { input: { "credit.application": anApplication() } });

  const decision = { applicationId: "A-1001", outcome: "approve" };
  expect(state).toMatchObject({ "credit.decision": decision });
  const { run, versions } = await inspect(runId);
  expect(run).toMatchObject({ status: "completed", workflow: { name: "credit-decision" }, output: decision });
  expect(versions.map(({ number }) => number)).toEqual([0, 1, 2, 3, 4, 5]);
  expect(versions.map(({ agent }) => agent).sort()).toEqual([
    "assess-risk",
    "calculate-score",
    "decide-credit",
    "detect-fraud",
    "input",
    "verify-income",
  ]);
});

test("shows the history of a run, step by step", async () => {
  const { client } = server;
  const { thread_id: runId } = await client.threads.create();
  await client.runs.wait(runId, "credit-decision", { input: { "credit.application": anApplication() } });

  const history = await client.threads.getHistory(runId);

  const steps = history.toReversed().map(({ next }) => [...next].sort());
  expect(steps).toEqual([
    ["__start__"],
    ["accept"],
    ["calculate-score", "detect-fraud", "verify-income"],
    ["gate-assess-risk"],
    ["assess-risk"],
    ["gate-decide-credit"],
    ["decide-credit"],
    ["settle"],
    [],
  ]);
});

test("draws gates, agents and the walk-back under readable names", async () => {
  const graph = await server.client.assistants.getGraph("credit-decision", { xray: true });

  const nodes = graph.nodes.map(({ id }) => `${id}`);
  expect(nodes).toEqual(expect.arrayContaining(["accept", "settle"]));
  expect(nodes).toEqual(expect.arrayContaining(["gate-assess-risk", "gate-decide-credit"]));
  expect(nodes).toEqual(expect.arrayContaining(["calculate-score", "verify-income", "detect-fraud", "assess-risk", "decide-credit"]));
  expect(nodes).toEqual(expect.arrayContaining(["walk-back:undo", "walk-back:park", "walk-back:close"]));
  const edges = graph.edges.map(({ source, target }) => `${source} → ${target}`);
  expect(edges).toContain("gate-decide-credit → decide-credit");
  expect(edges).toContain("settle → walk-back:__start__");
});

test("says what it takes: the application, as its contract describes it", async () => {
  const { input_schema: input, state_schema: state } = await server.client.assistants.getSchemas("credit-decision");

  expect(input).toMatchObject({
    required: ["credit.application"],
    properties: { "credit.application": { title: "credit.application@1", properties: { amountCents: { type: "integer" } } } },
  });
  expect(state?.properties).toHaveProperty(["credit.decision", "properties", "outcome", "enum"]);
});

test("refuses an application that does not fit, and no run was accepted", async () => {
  const { client } = server;
  const { thread_id: runId } = await client.threads.create();
  const application = { ...anApplication(), amountCents: -1 };

  const refused = client.runs.wait(runId, "credit-decision", { input: { "credit.application": application } });

  await expect(refused).rejects.toThrow(/InputInvalid.*does not fit credit\.application@1: \/amountCents/);
  await expect(inspect(runId)).rejects.toMatchObject({ code: "RUN_UNKNOWN" });
});

test("waits for a human, and walks the run back when the human says no", async () => {
  const { client, shopLog } = server;
  const { thread_id: runId } = await client.threads.create();

  const asked = await client.runs.wait(runId, "ship-order", { input: anOrder({ id: "B-7", city: "Atlantis", parts: 2 }) });
  const waiting = (await inspect(runId)).run;
  const ended = await client.runs.wait(runId, "ship-order", { command: { resume: { decision: "reject", reason: "no boat" } } });

  expect(asked).toMatchObject({ __interrupt__: [{ value: { kind: "agent-failed", agent: "book-courier" } }] });
  expect(waiting).toMatchObject({ status: "waiting", questions: [{ id: "book-courier#0" }] });
  expect(ended).toMatchObject({ failure: { code: "REJECTED", details: { reason: "no boat" } } });
  expect((await inspect(runId)).run).toMatchObject({ status: "rolled-back", undone: [{ identity: "B-7/2" }, { identity: "B-7/1" }] });
  expect(shopLog()).toEqual(["charged B-7/1", "charged B-7/2", "refunded B-7/2", "refunded B-7/1"]);
});

function anApplication(): object {
  return { ...(creditDecision.samples[0]?.input as object) }; // samples are inputs of the workflow, objects all
}

async function inspect(runId: string): Promise<Inspection> {
  await using records = createOrchestrator({ store: server.store, workflows: [] });
  return await records.inspect(runId);
}
