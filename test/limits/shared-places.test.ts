import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { AgentUnavailable, completed, createOrchestrator, defineAgent, defineContract, defineWorkflow } from "walkback";
import * as z from "zod";
import { sharedPlaces } from "../../src/limits/guard.js";
import { aGuard, hangs, tick } from "./calls.js";

beforeEach(() => {
  vi.useFakeTimers({ now: new Date("2026-11-02T08:00:00.000Z") });
});

afterEach(() => {
  vi.useRealTimers();
});

/** Works until it is told to stop, and says that it has begun. */
function aWorker() {
  let finish = () => {};
  const state = { begun: false };
  const work = () => {
    state.begun = true;
    return new Promise<string>((resolve) => {
      finish = () => resolve("done");
    });
  };
  return { state, work, finish: () => finish() };
}

test("the guards of all agents share the places, and the time in line is not the attempt's", async () => {
  const shared = sharedPlaces(1);
  const [first, second] = [aWorker(), aWorker()];
  const one = aGuard({ shared }).call(first.work);
  const two = aGuard({ shared, timeoutMs: 1_000 }).call(second.work);

  await tick(20_000);
  expect([first.state.begun, second.state.begun]).toEqual([true, false]);
  first.finish();
  await tick(900);
  expect(second.state.begun).toBe(true);
  second.finish();

  expect(await Promise.all([one, two])).toEqual(["done", "done"]);
});

test("whoever waits for a place stops at once when the run is stopped, and the place goes to the next", async () => {
  const shared = sharedPlaces(1);
  const first = aWorker();
  const stopping = new AbortController();
  const one = aGuard({ shared }).call(first.work);
  const stopped = aGuard({ shared }).failing(hangs, stopping.signal);
  const third = aGuard({ shared }).call(async () => "third");

  await tick();
  stopping.abort();
  expect((await stopped).code).toBe("ABORTED");
  first.finish();

  expect(await Promise.all([one, third])).toEqual(["done", "third"]);
});

test("no place is held between two attempts", async () => {
  const shared = sharedPlaces(1);
  const retried = aGuard({ shared, retries: 1, backoff: { initialMs: 10_000, maxMs: 10_000 } });
  const tried = retried.call(async ({ number }) => {
    if (number === 1) throw new AgentUnavailable("later", { agent: "pay-out" });
    return "at last";
  });
  await tick();

  expect(await aGuard({ shared }).call(async () => "in between")).toBe("in between");
  await tick(10_000);

  expect(await tried).toBe("at last");
});

test("an orchestrator calls no more agents at a time than it is told, whoever they are", async () => {
  vi.useRealTimers();
  const Job = defineContract({ name: "jobs.job", version: 1, schema: z.object({ id: z.int() }) });
  const [Left, Right, Both] = ["left", "right", "both"].map((name) =>
    defineContract({ name: `jobs.${name}`, version: 1, schema: z.object({ id: z.int() }) }),
  ) as [typeof Job, typeof Job, typeof Job];
  const now = { working: 0, most: 0 };
  const work = async (id: number) => {
    now.working++;
    now.most = Math.max(now.most, now.working);
    await new Promise(setImmediate);
    now.working--;
    return completed({ id });
  };
  const left = defineAgent({ name: "left", consumes: { job: Job }, produces: Left, execute: ({ job }) => work(job.id) });
  const right = defineAgent({ name: "right", consumes: { job: Job }, produces: Right, execute: ({ job }) => work(job.id) });
  const both = defineAgent({
    name: "both",
    consumes: { one: Left, other: Right },
    produces: Both,
    execute: ({ one }) => work(one.id),
  });
  const workflow = defineWorkflow({ name: "jobs", input: Job, output: Both, agents: [left, right, both] });
  await using orchestrator = createOrchestrator({ workflows: [workflow], limits: { maxConcurrentAgents: 3 } });

  const runs = await Promise.all(Array.from({ length: 8 }, (_, id) => orchestrator.start(workflow, { id })));

  expect(runs.every(({ status }) => status === "completed")).toBe(true);
  expect(now.most).toBe(3);
});
