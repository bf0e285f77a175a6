import { once } from "node:events";
import { performance } from "node:perf_hooks";
import SqliteDatabase from "better-sqlite3";
import { afterEach, describe, expect, test, vi } from "vitest";
import { type Store, sqliteStore } from "walkback";
import { patiently } from "../../src/checkpoint/sqlite/busy.js";
import { start } from "../support/child.js";
import { acceptedIn, aNewRun } from "../support/records.js";
import { aStore } from "../support/store.js";

const HELD_MS = 800;
/** Far below the time for which the file is held, and above what a busy machine adds to the 50 ms of one try. */
const BLOCKED_MS = 300;

afterEach(() => {
  vi.useRealTimers();
});

/** Another connection that holds the write lock and lets go of it after a while. Resolves when it has. */
async function heldByAnother(store: Store, ms = HELD_MS): Promise<{ readonly letGo: Promise<void> }> {
  const other = new SqliteDatabase(store.location);
  other.exec("BEGIN IMMEDIATE");
  const letGo = new Promise<void>((resolve) => {
    setTimeout(() => {
      other.exec("COMMIT");
      other.close();
      resolve();
    }, ms);
  });
  return { letGo };
}

/** The longest time for which nothing else could happen while the work was under way. */
async function longestBlock(work: Promise<unknown>): Promise<number> {
  let longest = 0;
  let last = performance.now();
  const clock = setInterval(() => {
    longest = Math.max(longest, performance.now() - last);
    last = performance.now();
  }, 5);
  await work.finally(() => clearInterval(clock));
  return Math.max(longest, performance.now() - last);
}

const config = { configurable: { thread_id: "thread", checkpoint_ns: "" } };
const checkpoint = { v: 4, id: "1", ts: "", channel_values: { a: 1 }, channel_versions: { a: 1 }, versions_seen: {} };
const metadata = { source: "input" as const, step: -1, parents: {} };
const put = (store: Store) => store.checkpointer.put(config, checkpoint, metadata, { a: 1 });

describe("while another process writes", () => {
  test.each<[string, (store: Store) => Promise<unknown>]>([
    ["a run is accepted", (store) => acceptedIn(store)],
    ["a checkpoint is put", put],
    [
      "the writes of a checkpoint are put",
      (store) => store.checkpointer.putWrites({ configurable: { ...config.configurable, checkpoint_id: "1" } }, [["a", 2]], "t"),
    ],
    ["a thread is deleted", (store) => store.checkpointer.deleteThread("thread")],
  ])("%s as soon as that is done, and the event loop goes on in between", async (_what, write) => {
    await using store = await aStore();
    const { letGo } = await heldByAnother(store);
    let done = false;

    const writing = write(store).then(() => {
      done = true;
    });
    const blocked = longestBlock(writing);
    await letGo;
    expect(done).toBe(false);

    await writing;
    expect(await blocked).toBeLessThan(BLOCKED_MS);
  });

  test("what it wrote is there afterwards", async () => {
    await using store = await aStore();
    await heldByAnother(store, 50);

    const [run] = await Promise.all([acceptedIn(store), put(store)]);

    expect(await store.runs.find(run.runId)).toMatchObject({ runId: run.runId });
    expect(await store.checkpointer.getTuple(config)).toMatchObject({ checkpoint: { channel_values: { a: 1 } } });
  });

  test("everything can be read at once", async () => {
    await using store = await aStore();
    const run = await acceptedIn(store);
    const { letGo } = await heldByAnother(store, 100);
    let held = true;
    const released = letGo.then(() => {
      held = false;
    });

    expect(await store.runs.find(run.runId)).toMatchObject({ runId: run.runId });
    expect(await store.versions.list(run.runId)).toHaveLength(1);
    expect(held).toBe(true);
    await released;
  });

  test("a store that is up to date can be opened at once", async () => {
    await using store = await aStore();
    const { letGo } = await heldByAnother(store, 100);
    const startedAt = performance.now();

    const second = sqliteStore(store.location);

    expect(performance.now() - startedAt).toBeLessThan(100);
    await letGo;
    await second.close();
  });
});

test("while another process holds the file for long, nobody else is held up, and nothing that was put meanwhile fails", async () => {
  await using store = await aStore();
  const child = start("hold-the-file", store.location, "1500");
  await once(child.stdout, "data");
  const ended = once(child, "close");
  let held = true;
  void ended.then(() => {
    held = false;
  });

  const puts = Array.from({ length: 20 }, async (_, thread) => {
    const place = { configurable: { thread_id: `thread-${thread}`, checkpoint_ns: "" } };
    const config = await store.checkpointer.put(place, checkpoint, metadata, { a: 1 });
    await store.checkpointer.putWrites(config, [["a", thread]], "task");
    return store.checkpointer.getTuple(config);
  });
  expect(held).toBe(true);
  const blocked = await longestBlock(Promise.all(puts));
  await ended;

  expect((await Promise.all(puts)).map((tuple) => tuple?.pendingWrites)).toEqual(puts.map((_, thread) => [["task", "a", thread]]));
  expect(blocked).toBeLessThan(BLOCKED_MS);
});

test("two stores that write all the time in turns both get through", async () => {
  await using store = await aStore();
  const other = sqliteStore(store.location);

  await Promise.all([store, other].flatMap((one) => Array.from({ length: 50 }, () => Promise.all([acceptedIn(one), put(one)]))));

  expect(await store.runs.list({ limit: 1_000 })).toHaveLength(100);
  await other.close();
});

test("a lock that is never given back ends in an error that says for how long it was held", async () => {
  const locked = Object.assign(new Error("database is locked"), { code: "SQLITE_BUSY" });
  const now = vi.spyOn(performance, "now").mockReturnValueOnce(0).mockReturnValueOnce(9_000).mockReturnValueOnce(10_001);
  const attempt = vi.fn(() => {
    throw locked;
  });

  const waiting = patiently("store.db", attempt);

  await expect(waiting).rejects.toMatchObject({ code: "STORE_BUSY", details: { path: "store.db", waitedMs: 10_001 }, cause: locked });
  expect(attempt).toHaveBeenCalledTimes(2);
  now.mockRestore();
});

test("another failure is not waited for", async () => {
  const full = Object.assign(new Error("database or disk is full"), { code: "SQLITE_FULL" });
  const attempt = vi.fn(() => {
    throw full;
  });

  await expect(patiently("store.db", attempt)).rejects.toBe(full);
  expect(attempt).toHaveBeenCalledTimes(1);
});

test("the disk does not stop with the clock of a test", async () => {
  await using store = await aStore();
  await heldByAnother(store, 30);
  vi.useFakeTimers();

  await expect(store.runs.accept(aNewRun())).resolves.toBeDefined();
});
