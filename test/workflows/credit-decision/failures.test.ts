import { describe, expect, test } from "vitest";
import { type Agent, createOrchestrator, defineWorkflow, type JsonValue, type RunEvent, type Workflow } from "walkback";
import { creditWorkflow, type SqliteBank } from "walkback/workflows/credit-decision";
import { aBank, anApplication, type emptyBooks } from "./support.js";

const AGENTS = ["calculate-score", "verify-income", "detect-fraud", "assess-risk", "decide-credit"] as const;
type Name = (typeof AGENTS)[number];
const BOOK_OF: Record<Name, keyof typeof emptyBooks> = {
  "calculate-score": "bureau_inquiries",
  "verify-income": "evidence_holds",
  "detect-fraud": "fraud_cases",
  "assess-risk": "exposure_reservations",
  "decide-credit": "offers",
};

const brokenBefore = (agent: Agent): Agent => ({ ...agent, execute: () => Promise.reject(new Error("injected")) });
const brokenAfter = (agent: Agent): Agent => ({
  ...agent,
  execute: async (inputs, context) => {
    await agent.execute(inputs, context);
    throw new Error("injected");
  },
});

/** The credit workflow with these agents changed, on a bank that has seen one other application already. */
async function aDesk(change: (agent: Agent) => Agent) {
  const bank = aBank();
  const whole = creditWorkflow(bank);
  const events: RunEvent[] = [];
  const orchestrator = createOrchestrator({ workflows: [withAgents(whole, change)], onEvent: (event) => events.push(event) });
  const untouched = createOrchestrator({ workflows: [whole] });
  await untouched.start(whole, anApplication({ id: "earlier" }));
  return {
    bank,
    events,
    books: await bank.snapshot(),
    decide: () => orchestrator.start("credit-decision", anApplication()),
    orchestrator,
    untouched,
    async [Symbol.asyncDispose]() {
      await Promise.all([orchestrator.close(), untouched.close()]);
      await bank[Symbol.asyncDispose]();
    },
  };
}

function withAgents(workflow: Workflow, change: (agent: Agent) => Agent): Workflow {
  const { name, input, output, agents } = workflow;
  return defineWorkflow({ name, input, output, agents: agents.map(change) });
}

/** Which applications left something in which book. */
async function entriesOf(bank: SqliteBank, id: string): Promise<string[]> {
  const books = await bank.snapshot();
  return Object.entries(books).flatMap(([book, rows]) => rows.filter(({ applicationId }) => applicationId === id).map(() => book));
}

describe.each(AGENTS)("a failure in %s", (name) => {
  test.each([
    ["before its work", brokenBefore],
    ["after its work", brokenAfter],
  ] as const)("%s: the run is rolled back in reverse order, nothing moves forward, and the books are as before", async (_when, fail) => {
    await using desk = await aDesk((agent) => (agent.name === name ? fail(agent) : agent));

    const run = await desk.decide();

    if (run.status !== "rolled-back") throw new Error(`ended ${run.status}`);
    expect(run.failure).toMatchObject({ code: "AGENT_FAILED", details: { agent: name } });
    expect(await desk.bank.snapshot()).toEqual(desk.books);
    const calls = (await desk.bank.calls()).filter(({ applicationId }) => applicationId === "A-1");
    const entered = calls.filter(({ action, outcome }) => action === "enter" && outcome === "done").map(({ book }) => book);
    expect(calls.filter(({ action }) => action === "strike").map(({ book }) => book)).toEqual(entered.reverse());
    const afterFailure = desk.events.slice(desk.events.findIndex(({ type }) => type === "run.failed"));
    expect(afterFailure.filter(({ type }) => type === "agent.started")).toEqual([]);
    const order = run.versions
      .slice(1)
      .map(({ agent }) => agent)
      .reverse();
    expect(run.undone.map(({ agent }) => agent).filter((agent) => order.includes(agent))).toEqual(order);
  });

  test("skip: the run goes on with the fallback, and only the failing agent left nothing", async () => {
    await using desk = await aDesk((agent) =>
      agent.name === name ? { ...brokenAfter(agent), onFailure: "skip", fallback: () => answers[name] as never } : agent,
    );

    const run = await desk.decide();

    expect(run).toMatchObject({ status: "completed", output: { applicationId: "A-1" } });
    expect((await entriesOf(desk.bank, "A-1")).sort()).toEqual(
      Object.values(BOOK_OF)
        .filter((book) => book !== BOOK_OF[name])
        .sort(),
    );
  });

  test("cached: the run goes on with the answer of an earlier run on the same application", async () => {
    let broken = false;
    const fickle = (agent: Agent): Agent => ({
      ...agent,
      onFailure: "cached",
      execute: (inputs, context) => (broken ? brokenAfter(agent) : agent).execute(inputs, context),
    });
    await using desk = await aDesk((agent) => (agent.name === name ? fickle(agent) : agent));
    const first = await desk.decide();
    broken = true;

    const second = await desk.decide();

    expect(second).toMatchObject({ status: "completed", output: (first as { output: JsonValue }).output });
    const { versions } = await desk.orchestrator.inspect(second.runId);
    expect(versions.find(({ agent }) => agent === name)).toMatchObject({ source: "cache" });
    expect((await entriesOf(desk.bank, "A-1")).filter((book) => book === BOOK_OF[name])).toHaveLength(1);
  });

  test("ask: the run waits, and goes on or back as the human says", async () => {
    await using desk = await aDesk((agent) => (agent.name === name ? { ...brokenAfter(agent), onFailure: "ask" } : agent));
    const [on, back] = [await desk.decide(), await desk.decide()];

    const completed = await desk.orchestrator.resume(on.runId, { decision: "use", output: answers[name] as JsonValue });
    const rolledBack = await desk.orchestrator.resume(back.runId, { decision: "reject", reason: "by hand" });

    expect([on.status, back.status]).toEqual(["waiting", "waiting"]);
    expect(completed).toMatchObject({ status: "completed", output: { applicationId: "A-1" } });
    expect(rolledBack).toMatchObject({ status: "rolled-back", failure: { code: "REJECTED" } });
    expect((await entriesOf(desk.bank, "A-1")).length).toBe(AGENTS.length - 1);
  });
});

test("two of the parallel agents failing at once are one walk-back", async () => {
  for (const fail of [brokenBefore, brokenAfter]) {
    await using desk = await aDesk((agent) => (["calculate-score", "detect-fraud"].includes(agent.name) ? fail(agent) : agent));

    const run = await desk.decide();

    expect(run).toMatchObject({ status: "rolled-back", failure: { code: "AGENT_FAILED" } });
    expect(await desk.bank.snapshot()).toEqual(desk.books);
  }
});

test("an answer that stays wrong after the repair walks the run back", async () => {
  const wrong = (agent: Agent): Agent => ({
    ...agent,
    execute: async (inputs, context) => {
      const answer = await agent.execute(inputs, context);
      return { ...answer, output: { ...(answer as { output: object }).output, probabilityOfDefault: 7 } } as never;
    },
  });
  await using desk = await aDesk((agent) => (agent.name === "calculate-score" ? wrong(agent) : agent));

  const run = await desk.decide();

  expect(run).toMatchObject({
    status: "rolled-back",
    failure: { code: "CONTRACT_VIOLATED", details: { agent: "calculate-score", round: 1 } },
  });
  expect(await desk.bank.snapshot()).toEqual(desk.books);
});

/** What the five agents answer for the application of these tests; taken from a run, so that every contract holds. */
const answers: Readonly<Record<string, JsonValue>> = await recordedAnswers();

async function recordedAnswers(): Promise<Record<string, JsonValue>> {
  await using bank = aBank();
  const workflow = creditWorkflow(bank);
  await using orchestrator = createOrchestrator({ workflows: [workflow] });
  const { runId } = await orchestrator.start(workflow, anApplication());
  const { versions } = await orchestrator.inspect(runId);
  return Object.fromEntries(versions.map(({ agent, data }) => [agent, data]));
}
