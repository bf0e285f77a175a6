import { afterEach, describe, expect, test, vi } from "vitest";
import { type Run, sqliteStore } from "walkback";
import { aFolder } from "../support/store.js";
import { aHouse } from "./queue-support.js";

afterEach(() => {
  vi.useRealTimers();
});

const idsOf = (runs: readonly Run[]) => runs.map((run) => (run.status === "completed" ? (run.output as { id: string }).id : run.status));

describe("who is next", () => {
  test("a run that has a place and nobody before it begins at once, and is told of no queue", async () => {
    await using house = aHouse();
    const orchestrator = house.process();

    const run = await orchestrator.start(house.workflow, { id: "a" });

    expect(run).toMatchObject({ status: "completed", priority: 5, tenant: undefined, degraded: false });
    expect(house.events.map(({ type }) => type)).not.toContain("run.queued");
    expect(await house.store.runs.find(run.runId)).toMatchObject({ begunAt: run.acceptedAt });
  });

  test("the highest priority first, then first in, first out", async () => {
    await using house = aHouse({ held: true });
    const orchestrator = house.process({ maxConcurrent: 1 });
    const jobs = [
      ["first", 5],
      ["low", 9],
      ["middle-1", 5],
      ["high-1", 1],
      ["middle-2", 5],
      ["high-2", 1],
    ] as const;

    const started = jobs.map(([id, priority]) => orchestrator.start(house.workflow, { id }, { priority }));
    await vi.waitFor(() => expect(orchestrator.queue.state().queued).toBe(5));
    house.finishAll();
    await Promise.all(started);

    expect(house.begun).toEqual(["first", "high-1", "high-2", "middle-1", "middle-2", "low"]);
  });

  test("never more at a time than there are places", async () => {
    await using house = aHouse({ held: true });
    const orchestrator = house.process({ maxConcurrent: 3 });

    const started = ["a", "b", "c", "d", "e"].map((id) => orchestrator.start(house.workflow, { id }));
    await vi.waitFor(() => expect(house.begun).toEqual(["a", "b", "c"]));
    house.finish("b");
    await vi.waitFor(() => expect(house.begun).toEqual(["a", "b", "c", "d"]));

    expect(orchestrator.queue.state()).toMatchObject({ queued: 1, running: 3, waiting: [{ priority: 5, tenant: undefined, queued: 1 }] });
    house.finishAll();
    expect(idsOf(await Promise.all(started))).toEqual(["a", "b", "c", "d", "e"]);
  });

  test("a run that begins says how long it waited, and carries its place with it", async () => {
    await using house = aHouse();
    const orchestrator = house.process({ maxConcurrent: 1 });

    const [, run] = await Promise.all(
      ["a", "b"].map((id) => orchestrator.start(house.workflow, { id }, { priority: 2, tenant: "north", deadline: "2999-01-01" })),
    );

    const inspection = await orchestrator.inspect(run?.runId ?? "");
    expect(inspection.events.map(({ type }) => type).slice(0, 3)).toEqual(["run.accepted", "run.queued", "run.begun"]);
    expect(inspection.events[1]).toMatchObject({ priority: 2, tenant: "north", deadline: "2999-01-01T00:00:00.000Z" });
    expect(house.events.filter(({ runId }) => runId === run?.runId)).toEqual(inspection.events);
    expect(run).toMatchObject({ status: "completed", priority: 2, tenant: "north" });
  });
});

describe("tenants", () => {
  test("take turns, whoever asked first and for how much", async () => {
    await using house = aHouse({ held: true });
    const orchestrator = house.process({ maxConcurrent: 1 });
    const jobs = ["north-1", "north-2", "north-3", "north-4", "south-1", "south-2", "none-1"];

    const started = jobs.map((id) => {
      const [tenant = ""] = id.split("-");
      return orchestrator.start(house.workflow, { id }, tenant === "none" ? {} : { tenant });
    });
    await vi.waitFor(() => expect(orchestrator.queue.state().queued).toBe(6));
    house.finishAll();
    await Promise.all(started);

    expect(house.begun).toEqual(["north-1", "north-2", "south-1", "none-1", "north-3", "south-2", "north-4"]);
  });

  test("the one with the fewest runs under way comes first", async () => {
    await using house = aHouse({ held: true });
    const orchestrator = house.process({ maxConcurrent: 3 });

    const started = ["a-1", "a-2", "b-1", "a-3", "b-2"].map((id) => orchestrator.start(house.workflow, { id }, { tenant: id.slice(0, 1) }));
    await vi.waitFor(() => expect(house.begun).toHaveLength(3));
    house.finish("a-2");
    house.finish("a-1");
    await vi.waitFor(() => expect(house.begun).toHaveLength(5));
    house.finishAll();
    await Promise.all(started);

    expect(house.begun.slice(3)).toEqual(["a-3", "b-2"]);
  });

  test("at its limit a tenant is passed over, also by another process, and also when nobody else waits", async () => {
    await using house = aHouse({ held: true });
    const perTenant = { maxConcurrent: 1 };
    const [one, two] = [house.process({ perTenant }), house.process({ perTenant })];

    const started = [
      one.start(house.workflow, { id: "north-1" }, { tenant: "north" }),
      two.start(house.workflow, { id: "north-2" }, { tenant: "north", priority: 1 }),
      one.start(house.workflow, { id: "south-1" }, { tenant: "south", priority: 9 }),
      two.start(house.workflow, { id: "none-1" }),
      two.start(house.workflow, { id: "none-2" }),
    ];
    await vi.waitFor(() => expect(house.begun.toSorted()).toEqual(["none-1", "none-2", "north-1", "south-1"]));
    expect(one.queue.state()).toMatchObject({ queued: 1, waiting: [{ priority: 1, tenant: "north" }] });
    house.finish("north-1");
    await vi.waitFor(() => expect(house.begun).toContain("north-2"));
    house.finishAll();

    expect(idsOf(await Promise.all(started))).toEqual(["north-1", "north-2", "south-1", "none-1", "none-2"]);
  });
});

describe("a full queue", () => {
  test("accepts nothing more, and says so; there is room again when one has begun", async () => {
    await using house = aHouse({ held: true });
    const orchestrator = house.process({ maxConcurrent: 1, maxQueued: 1 });
    const [first, second] = ["a", "b"].map((id) => orchestrator.start(house.workflow, { id }));

    const refused = orchestrator.start(house.workflow, { id: "c" }, { idempotencyKey: "c" });

    await expect(refused).rejects.toMatchObject({ code: "QUEUE_FULL", retryable: true, details: { queued: 1, maxQueued: 1 } });
    expect(await orchestrator.list()).toHaveLength(2);
    house.finishAll();
    await Promise.all([first, second]);
    expect(idsOf([await orchestrator.start(house.workflow, { id: "c" }, { idempotencyKey: "c" })])).toEqual(["c"]);
  });

  test("may be full for one tenant alone", async () => {
    await using house = aHouse({ held: true });
    const orchestrator = house.process({ maxConcurrent: 1, perTenant: { maxQueued: 1 } });
    const submit = (id: string) => orchestrator.submit(house.workflow, { id }, { tenant: id.slice(0, 1) });
    await submit("a-1");
    await submit("a-2");

    await expect(submit("a-3")).rejects.toMatchObject({ code: "QUEUE_FULL", details: { queued: 1, maxQueued: 1, tenant: "a" } });

    await submit("b-1");
    expect(orchestrator.queue.state()).toMatchObject({ queued: 2 });
    house.finishAll();
    await orchestrator.queue.drain();
    expect(house.begun).toEqual(["a-1", "a-2", "b-1"]);
  });
});

describe("waiting", () => {
  test("raises a run's priority, so that the lowest has its turn", async () => {
    await using house = aHouse({ held: true });
    const orchestrator = house.process({ maxConcurrent: 1, ageingMs: 1_000 });
    vi.useFakeTimers({ toFake: ["Date"] });
    await orchestrator.submit(house.workflow, { id: "first" });
    await orchestrator.submit(house.workflow, { id: "low" }, { priority: 10 });
    vi.setSystemTime(Date.now() + 9_000);
    await orchestrator.submit(house.workflow, { id: "high" }, { priority: 1 });

    house.finishAll();
    await orchestrator.queue.drain();

    expect(house.begun).toEqual(["first", "low", "high"]);
  });

  test("beyond its deadline it ends canceled and is never worked, whether or not a place is free", async () => {
    await using house = aHouse({ held: true });
    const orchestrator = house.process({ maxConcurrent: 1 });
    const first = orchestrator.start(house.workflow, { id: "a" });
    const deadline = new Date(Date.now() + 30);

    const late = await orchestrator.start(house.workflow, { id: "late" }, { deadline });

    expect(late).toMatchObject({
      status: "canceled",
      failure: { code: "DEADLINE_EXCEEDED", details: { deadline: deadline.toISOString() } },
    });
    expect((await orchestrator.inspect(late.runId)).events.map(({ type }) => type)).toEqual([
      "run.accepted",
      "run.queued",
      "run.failed",
      "run.ended",
    ]);
    house.finishAll();
    await first;
    expect(house.begun).toEqual(["a"]);
    expect(await orchestrator.start(house.workflow, { id: "past" }, { deadline: new Date(0) })).toMatchObject({ status: "canceled" });
    expect(house.begun).toEqual(["a"]);
    expect((await house.store.verify()).problems).toEqual([]);
  });

  test("a run that has begun does not mind its deadline", async () => {
    await using house = aHouse({ held: true });
    const orchestrator = house.process();
    const run = orchestrator.start(house.workflow, { id: "a" }, { deadline: new Date(Date.now() + 20) });
    await vi.waitFor(() => expect(house.begun).toEqual(["a"]));
    await new Promise((resolve) => setTimeout(resolve, 40));

    house.finishAll();

    expect(await run).toMatchObject({ status: "completed" });
  });

  test("a run that waits can be canceled from another process, and whoever started it is told", async () => {
    await using house = aHouse({ held: true });
    const [one, other] = [house.process({ maxConcurrent: 1 }), house.process(false)];
    const first = one.start(house.workflow, { id: "a" });
    const started = one.start(house.workflow, { id: "b" });
    await vi.waitFor(() => expect(one.queue.state().queued).toBe(1));
    const [{ runId } = { runId: "" }] = await other.list({ status: "queued" });

    const canceled = await other.cancel(runId, "not needed");

    expect(canceled).toMatchObject({ status: "canceled", failure: { code: "CANCELED", details: { reason: "not needed" } }, undone: [] });
    expect(await started).toEqual(canceled);
    house.finishAll();
    await first;
    expect(house.begun).toEqual(["a"]);
    await expect(other.cancel(runId)).rejects.toMatchObject({ code: "RUN_FINISHED" });
  });

  test("the same start again waits with the first one", async () => {
    await using house = aHouse({ held: true });
    const orchestrator = house.process({ maxConcurrent: 1 });
    const first = orchestrator.start(house.workflow, { id: "a" });
    const start = () => orchestrator.start(house.workflow, { id: "b" }, { idempotencyKey: "b" });

    const both = [start(), start()];
    await vi.waitFor(() => expect(orchestrator.queue.state().queued).toBe(1));
    const third = start();
    house.finishAll();
    const runs = await Promise.all([...both, third]);

    expect(idsOf(runs)).toEqual(["b", "b", "b"]);
    expect(new Set(runs.map(({ runId }) => runId)).size).toBe(1);
    await first;
    expect(house.begun).toEqual(["a", "b"]);
  });
});

describe("pausing", () => {
  test("lets nobody begin in any process, until it is resumed, and survives a restart", async () => {
    await using folder = await aFolder();
    await using house = aHouse({ store: sqliteStore(folder.file("store.db")) });
    const [one, two] = [house.process(), house.process()];
    await one.queue.pause();
    const runId = await two.submit(house.workflow, { id: "a" });
    const started = one.start(house.workflow, { id: "b" });
    const reopened = sqliteStore(folder.file("store.db"));

    expect(await one.recover()).toEqual([]);
    const after = house.process({}, reopened);

    expect(after.queue.state()).toMatchObject({ paused: true, queued: 2, running: 0 });
    expect(house.begun).toEqual([]);
    await after.queue.resume();
    expect(await started).toMatchObject({ status: "completed" });
    await vi.waitFor(async () => expect(await one.get(runId)).toMatchObject({ status: "completed" }));
    expect(house.begun).toEqual(["a", "b"]);
    expect(one.queue.state()).toEqual({ paused: false, queued: 0, running: 0, waiting: [] });
    await after.close();
    await reopened.close();
  });
});

describe("several processes", () => {
  test("serve one queue, and none of its runs is begun twice or forgotten", async () => {
    await using folder = await aFolder();
    const path = folder.file("store.db");
    await using house = aHouse({ store: sqliteStore(path) });
    const stores = [sqliteStore(path), sqliteStore(path)];
    const door = house.process({ maxConcurrent: 0 });
    const jobs = Array.from({ length: 60 }, (_, index) => `job-${index}`);
    const started = Promise.all(jobs.map((id) => door.start(house.workflow, { id })));
    await vi.waitFor(() => expect(door.queue.state().queued).toBe(60));

    const workers = stores.map((store) => house.process({ maxConcurrent: 4 }, store));

    expect(idsOf(await started)).toEqual(jobs);
    expect(house.begun.toSorted()).toEqual(jobs.toSorted());
    for (const worker of workers) await worker.close();
    for (const store of stores) await store.close();
  });

  test("a run that its worker has left is carried on by whoever waits for it", async () => {
    await using folder = await aFolder();
    const path = folder.file("store.db");
    await using house = aHouse({ held: true, store: sqliteStore(path) });
    const workerStore = sqliteStore(path);
    const worker = house.process({ maxConcurrent: 1 }, workerStore);
    const door = house.process({ maxConcurrent: 0 });
    const started = door.start(house.workflow, { id: "a" });
    await vi.waitFor(() => expect(house.begun).toEqual(["a"]));

    await worker.stop({ deadlineMs: 1 });
    await workerStore.close();
    house.finishAll();

    expect(await started).toMatchObject({ status: "completed" });
    expect(house.begun).toEqual(["a", "a"]);
  });
});

describe("stopping and restarting", () => {
  test("who waits stays in the queue, and recover works it off in its order", async () => {
    await using house = aHouse({ held: true });
    const first = house.process({ maxConcurrent: 1 });
    const started = ["a", "b", "c", "d"].map((id, index) => first.start(house.workflow, { id }, { priority: 9 - index }));
    await vi.waitFor(() => expect(house.begun).toEqual(["a"]));

    const closing = first.close();
    house.finish("a");
    await closing;

    expect((await Promise.all(started)).map(({ status }) => status)).toEqual(["completed", "queued", "queued", "queued"]);
    house.finishAll();
    const recovered = await house.process({ maxConcurrent: 1 }).recover();
    expect(idsOf(recovered)).toEqual(["d", "c", "b"]);
    expect(house.begun).toEqual(["a", "d", "c", "b"]);
  });

  test("stop leaves them there as well, and whoever waits is told how they stand", async () => {
    await using house = aHouse({ held: true });
    const orchestrator = house.process({ maxConcurrent: 1 });
    const [running, waiting] = ["a", "b"].map((id) => orchestrator.start(house.workflow, { id }, { deadline: "2999-01-01T00:00:00Z" }));
    await vi.waitFor(() => expect(orchestrator.queue.state().queued).toBe(1));

    await orchestrator.stop({ deadlineMs: 1 });

    expect(await waiting).toMatchObject({ status: "queued", deadline: "2999-01-01T00:00:00.000Z" });
    expect(await running).toMatchObject({ status: "running" });
    expect(house.begun).toEqual(["a"]);
  });
});

test("a run that this program cannot carry on goes back to its place, and the others go on", async () => {
  await using folder = await aFolder();
  const path = folder.file("store.db");
  await using house = aHouse({ store: sqliteStore(path) });
  const door = house.process({ maxConcurrent: 0 });
  const runId = await door.submit(house.workflow, { id: "a" }, { priority: 1 });
  await using other = aHouse({ store: sqliteStore(path), jobVersion: 2 });
  const otherDoor = other.process({ maxConcurrent: 0 });
  await otherDoor.submit(other.workflow, { id: "b" });
  const told: unknown[] = [];

  const carried = await other.process({ onError: (thrown, id) => told.push([thrown, id]) }).recover({ onError: () => {} });

  expect(idsOf(carried)).toEqual(["b"]);
  expect(told).toEqual([[expect.objectContaining({ code: "WORKFLOW_CHANGED" }), runId]]);
  expect(await door.get(runId)).toMatchObject({ status: "queued" });
  expect(idsOf(await house.process().recover())).toEqual(["a"]);
  expect((await house.store.verify()).problems).toEqual([]);
});

test.each([
  [{ priority: 11 }, "/priority"],
  [{ priority: 1.5 }, "/priority"],
  [{ tenant: "" }, "/tenant"],
  [{ deadline: "soon" }, "/deadline"],
])("%j is refused, and nothing is accepted", async (options, path) => {
  await using house = aHouse();
  const orchestrator = house.process();

  const refused = orchestrator.start(house.workflow, { id: "a" }, options);

  await expect(refused).rejects.toMatchObject({ code: "INPUT_INVALID", details: { issues: [{ path }] } });
  expect(await orchestrator.list()).toEqual([]);
});

test.each([{ maxConcurrent: -1 }, { maxQueued: 0.5 }, { ageingMs: 0 }, { pollMs: 0 }, { perTenant: { maxConcurrent: 0 } }])(
  "an orchestrator cannot be made with %j",
  async (queue) => {
    await using house = aHouse();

    expect(() => house.process(queue)).toThrow(expect.objectContaining({ code: "CONFIG_INVALID" }));
  },
);
