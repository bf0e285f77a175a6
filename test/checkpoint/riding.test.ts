import SqliteDatabase from "better-sqlite3";
import { expect, test } from "vitest";
import { type Lease, type Store, sqliteStore } from "walkback";
import { EPOCH_KEY } from "../../src/checkpoint/ports.js";
import { acceptedIn, anEntry, aQuestion, aVersion } from "../support/records.js";
import { aFolder, aStore } from "../support/store.js";

const LATER = { holder: "another process", now: "2026-11-02T09:00:00.000Z", until: "2026-11-02T09:00:30.000Z" };
const WRITERS: [string, (store: Store, lease: Lease) => Promise<unknown>][] = [
  ["a version", (store, lease) => store.versions.append(aVersion(lease))],
  ["a journal entry", (store, lease) => store.journal.append(anEntry(lease))],
  ["a question", (store, lease) => store.runs.ask(lease, aQuestion())],
  ["its end", (store, lease) => store.runs.change(lease, { status: "completed", endedAt: LATER.now, outputVersion: 0 })],
];

/** Puts a checkpoint as an orchestrator's graph does. */
function put(store: Store, { runId, epoch }: Lease, id = "1", parent?: string) {
  const configurable = { thread_id: runId, checkpoint_ns: "", ...(parent ? { checkpoint_id: parent } : {}), [EPOCH_KEY]: epoch };
  const checkpoint = { v: 4, id, ts: "", channel_values: { step: id }, channel_versions: { step: id as never }, versions_seen: {} };
  return store.checkpointer.put({ configurable }, checkpoint, { source: "loop", step: 1, parents: {} }, { step: id as never });
}

/** How many rows are on disk, seen from outside. */
function rowsIn(path: string, table: string): number {
  const database = new SqliteDatabase(path, { readonly: true });
  const count = database.prepare<[], number>(`SELECT count(*) FROM ${table}`).pluck().get() as number;
  database.close();
  return count;
}

function plant(path: string, sql: string): void {
  const database = new SqliteDatabase(path);
  database.exec(sql);
  database.close();
}

const FAULT = "CREATE TRIGGER fault BEFORE INSERT ON graph_checkpoints BEGIN SELECT RAISE(ABORT, 'planted'); END";

test("a run's checkpoint is not waited for, and is on disk with whatever the run writes next", async () => {
  await using store = await aStore();
  const lease = await acceptedIn(store);

  await put(store, lease);
  const before = rowsIn(store.location, "graph_checkpoints");
  await store.journal.append(anEntry(lease));

  expect({ before, after: rowsIn(store.location, "graph_checkpoints") }).toEqual({ before: 0, after: 1 });
});

test("a checkpoint of no run of ours is on disk when its promise resolves", async () => {
  await using store = await aStore();
  const checkpoint = { v: 4, id: "1", ts: "", channel_values: { a: 1 }, channel_versions: { a: 1 }, versions_seen: {} };

  await store.checkpointer.put({ configurable: { thread_id: "t" } }, checkpoint, { source: "input", step: -1, parents: {} }, { a: 1 });

  expect(rowsIn(store.location, "graph_checkpoints")).toBe(1);
});

test("who reads a run's checkpoints reads those that are still on their way", async () => {
  await using store = await aStore();
  const lease = await acceptedIn(store);
  const config = { configurable: { thread_id: lease.runId } };

  await put(store, lease, "1");
  await put(store, lease, "2", "1");
  const newest = await store.checkpointer.getTuple(config);
  await put(store, lease, "3", "2");
  const listed: unknown[] = [];
  for await (const { checkpoint } of store.checkpointer.list({ configurable: {} })) listed.push(checkpoint.id);

  expect(newest?.checkpoint.channel_values).toEqual({ step: "2" });
  expect(listed).toEqual(["3", "2", "1"]);
});

test.each(WRITERS)(
  "once a checkpoint that nobody waited for has failed, %s is refused, until the run changes hands",
  async (_what, write) => {
    await using store = await aStore();
    const lease = await acceptedIn(store);
    const other = await acceptedIn(store);
    plant(store.location, FAULT);
    await put(store, lease);
    await store.versions.append(aVersion(other)); // shares the transaction
    plant(store.location, "DROP TRIGGER fault");

    await expect(write(store, lease)).rejects.toMatchObject({ code: "STORE_FAILED", message: expect.stringContaining("planted") });
    await put(store, lease);
    await expect(write(store, lease)).rejects.toMatchObject({ code: "STORE_FAILED" });
    expect(await store.versions.count(other.runId)).toBe(2);

    const next = await store.runs.claim({ ...LATER, runId: lease.runId });
    await put(store, next);
    await write(store, next);
    expect(rowsIn(store.location, "graph_checkpoints")).toBe(1);
  },
);

test("what follows a failed checkpoint in the same transaction is refused as well", async () => {
  await using store = await aStore();
  const lease = await acceptedIn(store);
  plant(store.location, FAULT);

  await put(store, lease);
  const outcomes = await Promise.allSettled([store.journal.append(anEntry(lease)), store.versions.append(aVersion(lease))]);

  expect(outcomes.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
  expect([rowsIn(store.location, "journal"), rowsIn(store.location, "versions")]).toEqual([0, 1]);
});

test("when the disk gives up under a checkpoint, the run goes no further under its epoch", async () => {
  await using store = await aStore();
  const lease = await acceptedIn(store);
  plant(store.location, "CREATE TRIGGER fault BEFORE INSERT ON graph_checkpoints BEGIN SELECT RAISE(ROLLBACK, 'planted'); END");

  await put(store, lease);
  await expect(store.checkpointer.getTuple({ configurable: { thread_id: lease.runId } })).resolves.toBeUndefined();
  plant(store.location, "DROP TRIGGER fault");

  await expect(store.journal.append(anEntry(lease))).rejects.toMatchObject({ code: "STORE_FAILED" });
});

test("a process that has been overtaken learns of it with the next thing it waits for", async () => {
  await using folder = await aFolder();
  const mine = sqliteStore(folder.file("store.db"));
  const theirs = sqliteStore(folder.file("store.db"));
  const lease = await acceptedIn(mine);
  await mine.versions.append(aVersion(lease));
  await theirs.runs.claim({ ...LATER, runId: lease.runId });

  await put(mine, lease);
  await expect(mine.journal.append(anEntry(lease))).rejects.toMatchObject({ code: "FENCED" });

  expect(rowsIn(mine.location, "graph_checkpoints")).toBe(0);
  await mine.close();
  await theirs.close();
});
