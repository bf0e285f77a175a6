import { describe, expect, test } from "vitest";
import { createOrchestrator, isTerminal, type QueueOptions, type RunId, sqliteStore } from "walkback";
import { textOf } from "../support/archive.js";
import { goldenFiles, readGolden } from "./golden.js";
import { aWorld, goldenWorkflow } from "./program.js";
import { SCENARIOS } from "./scenarios.js";

const HOUR_MS = 3_600_000;

/** A run of an earlier release in a store of this one, and the world it was made in. */
async function imported(name: string, { queue = {} }: { readonly queue?: QueueOptions | false } = {}) {
  const { text, golden } = readGolden(name);
  const world = aWorld(golden.rows, golden.broken);
  const store = sqliteStore(":memory:");
  const { runId, status } = await store.import([text]);
  const later = () => new Date(Date.now() + HOUR_MS);
  const orchestrator = createOrchestrator({ store, workflows: [goldenWorkflow(world)], now: later, queue });
  const rowsOf = (id: RunId) => [...world.rows].flatMap(([key, row]) => (key.startsWith(id) ? [row] : [])).toSorted();
  return { text, golden, world, store, runId, status, orchestrator, rowsOf, [Symbol.asyncDispose]: () => store.close() };
}

const files = goldenFiles();

test("there is a golden run of every kind, in every status that a run comes to rest in", async () => {
  const statuses = files.map((name) => (readGolden(name).golden.inspection as { run: { status: string } }).run.status);

  expect([...new Set(statuses)].toSorted()).toEqual(["canceled", "completed", "parked", "queued", "rolled-back", "running", "waiting"]);
  expect(SCENARIOS.filter(({ name }) => !files.some((file) => file.endsWith(`/${name}`)))).toEqual([]);
});

describe.each(files)("%s", (name) => {
  test("is sound in a store of this release, and says what it said", async () => {
    await using run = await imported(name);

    const inspection: unknown = JSON.parse(JSON.stringify(await run.orchestrator.inspect(run.runId)));

    expect((await run.store.verify()).problems).toEqual([]);
    expect(inspection).toMatchObject(run.golden.inspection);
  });

  test("becomes the same file again", async () => {
    await using run = await imported(name);

    expect(await textOf(run.store, run.runId)).toBe(run.text);
  });

  test("is worked again without a difference", async () => {
    await using run = await imported(name);

    expect(await run.orchestrator.replay(run.runId)).toMatchObject({ differs: undefined });
    expect([...run.world.rows]).toEqual(run.golden.rows);
  });

  test("goes on to its end, and leaves outside what it should", async () => {
    await using run = await imported(name);
    const { next } = run.golden;
    expect(next === undefined).toBe(isTerminal(run.status));
    run.world.broken.clear(); // whatever did not work has been put right
    if (next?.act === "recover") await run.orchestrator.recover();
    else if (next?.act === "cancel") await run.orchestrator.cancel(run.runId, "enough");
    else if (next) await run.orchestrator.resume(run.runId, next.act);

    const { status } = await run.orchestrator.get(run.runId);

    expect(status).toBe(next?.status ?? run.status);
    expect(run.rowsOf(run.runId)).toEqual(next ? [...next.rows].toSorted() : run.golden.rows.map(([, row]) => row).toSorted());
    expect((await run.store.verify()).problems).toEqual([]);
  });

  test("can be forked from its input, and is left as it was", async () => {
    await using run = await imported(name, { queue: false }); // a run that waits its turn is to go on waiting
    run.world.broken.clear();

    const fork = await run.orchestrator.fork(run.runId, { from: 0 });

    const asks = fork.status === "waiting" && fork.questions.map(({ kind }) => kind);
    expect(asks || fork.status).toEqual(asks ? ["approval"] : "completed");
    expect(run.rowsOf(fork.runId)).toEqual(["charge", "gift-note", "parcel", "reservation", "scan", "scan"]);
    expect(await textOf(run.store, run.runId)).toBe(run.text);
  });
});
