import { copyFileSync, existsSync } from "node:fs";
import SqliteDatabase from "better-sqlite3";
import { describe, expect, test } from "vitest";
import { type RunId, type Store, seal, sqliteStore } from "walkback";
import { Prunes } from "../../src/checkpoint/sqlite/prunes.js";
import { dumpOf } from "../support/dump.js";
import { acceptedIn, aNewRun, anEntry, anEvent, aQuestion, aVersion } from "../support/records.js";
import { atEachStatement } from "../support/statements.js";
import { aFolder, aStore } from "../support/store.js";

const ENDED = "2026-11-02T08:01:00.000Z";
const SINCE = { before: new Date("2026-11-03T00:00:00.000Z") };
const KEPT_OF_RUNS = ["runs", "versions", "failed_steps", "journal", "events", "questions"];

/** A run with something of everything, and two namespaces of checkpoints of which each has grown a list. */
async function aRunWithAGraph(store: Store, name: string, endedAt: string | null = ENDED): Promise<RunId> {
  const run = await acceptedIn(store, { idempotencyKey: name, program: seal({ agents: { [`${name} ${"a".repeat(200)}`]: 1 } }) as never });
  await store.versions.append(aVersion(run, { data: seal({ points: 700, why: `${name} ${"because ".repeat(40)}` }) }));
  const failure = { code: "AGENT_FAILED", message: "no", details: {}, causes: [] } as const;
  await store.versions.appendFailure({ ...run, agent: "pay-out", round: 0, failure, at: ENDED });
  await store.journal.append(anEntry(run));
  store.events.emit(anEvent(run), run.epoch);
  await store.runs.ask(run, aQuestion());
  await store.runs.answer(run.runId, aQuestion().id, { decision: "retry" }, ENDED);
  for (const namespace of ["", "walk-back"]) await aThread(store, run.runId, namespace, name);
  if (endedAt !== null) await store.runs.change(run, { status: "completed", endedAt, outputVersion: 1 });
  return run.runId;
}

async function aThread(store: Store, thread_id: string, checkpoint_ns: string, name: string, length = 6): Promise<void> {
  let config: object = { configurable: { thread_id, checkpoint_ns } };
  for (let step = 1; step <= length; step++) {
    const values = { list: listOf(name, step), text: `${name} ${step} ${"x".repeat(200)}` };
    const checkpoint = {
      v: 4,
      id: `${step}`,
      ts: "",
      channel_values: values,
      channel_versions: { list: step, text: step },
      versions_seen: {},
    };
    config = await store.checkpointer.put(config, checkpoint, { source: "loop", step, parents: {} }, { list: step, text: step });
    await store.checkpointer.putWrites(config, [["list", [`${name} says ${step} ${"y".repeat(200)}`]]], "task");
  }
}

const listOf = (name: string, length: number) => Array.from({ length }, (_, index) => `${name} ${index} ${"word ".repeat(40)}`);

function tables(path: string): Record<string, string> {
  const parts = dumpOf(path).split(/\n(?=[a-z_]+\n|[a-z_]+$)/);
  return Object.fromEntries(parts.map((part) => [part.split("\n")[0] as string, part]));
}

function rowsAbout(path: string, runId: RunId): string[] {
  const database = new SqliteDatabase(path, { readonly: true });
  const count = (table: string, column: string) => database.prepare(`SELECT 1 FROM ${table} WHERE ${column} = ?`).all(runId).length > 0;
  const found = [
    ...KEPT_OF_RUNS.filter((table) => count(table, "run_id")),
    ...["graph_threads"].filter((table) => count(table, "thread_id")),
  ];
  database.close();
  return found;
}

const ids = async (store: Store, thread_id: string, namespace?: string) => {
  const found: string[] = [];
  const place = namespace === undefined ? { thread_id } : { thread_id, checkpoint_ns: namespace };
  for await (const { checkpoint } of store.checkpointer.list({ configurable: place })) found.push(checkpoint.id);
  return found;
};

async function expectSound(store: Store): Promise<void> {
  expect(await store.verify()).toMatchObject({ problems: [], anchor: "holds" });
  const database = new SqliteDatabase(store.location);
  expect(database.pragma("foreign_key_check")).toEqual([]);
  for (const table of ["versions", "failed_steps", "journal", "events", "contents"])
    if (database.prepare(`SELECT 1 FROM ${table}`).get()) expect(() => database.exec(`DELETE FROM ${table}`)).toThrow("append-only");
  database.close();
}

describe("what is kept of a run that ended", () => {
  test("is all that was recorded, and the last checkpoint of each of its threads", async () => {
    await using store = await aStore();
    const old = await aRunWithAGraph(store, "old");
    const before = tables(store.location);

    const pruned = await store.prune(SINCE);

    expect(pruned).toMatchObject({ runs: 1, checkpoints: 10, writes: 10 });
    expect(pruned.contents).toBeGreaterThan(0);
    expect(await ids(store, old, "")).toEqual(["6"]);
    expect(await ids(store, old, "walk-back")).toEqual(["6"]);
    expect(await store.checkpointer.getTuple({ configurable: { thread_id: old, checkpoint_ns: "" } })).toMatchObject({
      checkpoint: { channel_values: { list: listOf("old", 6) } },
      pendingWrites: [["task", "list", [expect.stringContaining("old says 6")]]],
    });
    const after = tables(store.location);
    for (const table of KEPT_OF_RUNS) expect(after[table]).toBe(before[table]);
    await expectSound(store);
    expect(await store.prune(SINCE)).toEqual({ runs: 0, checkpoints: 0, writes: 0, contents: 0, bytes: 0 });
  });

  test("is nothing with keep none, and its idempotency key is free again", async () => {
    await using store = await aStore();
    const old = await aRunWithAGraph(store, "old");
    const young = await aRunWithAGraph(store, "young", "2026-11-04T00:00:00.000Z");

    const pruned = await store.prune({ ...SINCE, keep: "none" });

    expect(pruned).toMatchObject({ runs: 1, checkpoints: 12, writes: 12 });
    expect(rowsAbout(store.location, old)).toEqual([]);
    expect(await store.runs.find(old)).toBeUndefined();
    expect(await ids(store, old)).toEqual([]);
    expect(await ids(store, young, "")).toHaveLength(6);
    await expectSound(store);
    expect(await store.runs.accept(aNewRun({ idempotencyKey: "old", input: seal("other") }))).toMatchObject({ kind: "accepted" });
  });

  test.each(["terminal", "none"] as const)(
    "with keep %s nothing of a run that has not ended, however old, nor of a thread without one",
    async (keep) => {
      await using store = await aStore();
      const running = await aRunWithAGraph(store, "running", null);
      const lease = await store.runs.claim({
        runId: running,
        holder: "h",
        now: "2027-01-01T00:00:00.000Z",
        until: "2027-01-01T00:00:01.000Z",
      });
      await store.runs.ask(lease, aQuestion({ id: "undo", kind: "undo-failed" }), {
        code: "UNDO_FAILED",
        message: "",
        details: {},
        causes: [],
      });
      await aThread(store, "a conversation", "", "conversation");
      const before = dumpOf(store.location, ["store_facts"]);

      const pruned = await store.prune({ before: new Date("2030-01-01"), keep });

      expect(pruned).toEqual({ runs: 0, checkpoints: 0, writes: 0, contents: 0, bytes: 0 });
      expect(dumpOf(store.location, ["store_facts"])).toBe(before);
    },
  );
});

test("a fork outlives the run that it shares history with", async () => {
  await using store = await aStore();
  const old = await aRunWithAGraph(store, "old");
  const { runId, acceptedAt, holder, until } = aNewRun();
  await store.runs.fork({ runId, acceptedAt, holder, until, from: { runId: old, number: 1 }, data: undefined });
  const [versions, program] = [await store.versions.list(runId), await store.runs.programOf(runId)];

  await store.prune({ ...SINCE, keep: "none" });

  expect(await store.runs.find(runId)).toMatchObject({ forkedFrom: { runId: old, number: 1 } });
  expect(await store.versions.list(runId)).toEqual(versions);
  expect(await store.runs.programOf(runId)).toEqual(program);
  await expectSound(store);
});

test.each(["terminal", "none"] as const)("a dry run with keep %s counts what then goes, and changes nothing", async (keep) => {
  await using store = await aStore();
  for (const name of ["a", "b", "c"]) await aRunWithAGraph(store, name);
  await aRunWithAGraph(store, "young", "2026-11-04T00:00:00.000Z");
  const before = dumpOf(store.location);

  const counted = await store.prune({ ...SINCE, keep, dryRun: true });

  expect(dumpOf(store.location)).toBe(before);
  expect(counted.bytes).toBeGreaterThan(10_000);
  expect(await store.prune({ ...SINCE, keep })).toEqual(counted);
});

test("a run that does not hold is refused before anything goes", async () => {
  await using store = await aStore();
  await aRunWithAGraph(store, "sound");
  const other = await aRunWithAGraph(store, "other");
  const intruder = new SqliteDatabase(store.location);
  intruder.exec(`DROP TRIGGER events_no_update; UPDATE events SET body = '{}' WHERE run_id = '${other}'`);
  intruder.close();
  const before = dumpOf(store.location);

  await expect(store.prune({ ...SINCE, keep: "none" })).rejects.toMatchObject({
    code: "STORE_DAMAGED",
    details: { where: "events", runId: other },
  });

  expect(dumpOf(store.location)).toBe(before);
});

test("what another process writes meanwhile never refers to what goes", { timeout: 120_000 }, async () => {
  await using folder = await aFolder();
  const [one, other] = [sqliteStore(folder.file("store.db")), sqliteStore(folder.file("store.db"))];
  for (let index = 0; index < 20; index++) await aRunWithAGraph(one, `run ${index}`);
  const run = await acceptedIn(other);
  await aThread(other, "a thread", "", "run 0");
  let pruning = true;
  let round = 0;
  const writing = async () => {
    // Just what is about to go, written anew.
    for (; pruning; round++) {
      const name = `run ${round % 20}`;
      await other.versions.append(aVersion(run, { round, data: seal({ points: 700, why: `${name} ${"because ".repeat(40)}` }) }));
      if (round % 20 === 0) await aThread(other, "a thread", `${round}`, name, 2);
    }
  };

  const written = writing();
  const pruned = await one.prune({ ...SINCE, keep: "none" });
  pruning = false;
  await written;

  expect(pruned.runs).toBe(20);
  expect(round).toBeGreaterThan(0);
  expect((await other.versions.list(run.runId)).length).toBe(round + 1);
  await expectSound(other);
  await Promise.all([one.close(), other.close()]);
});

test("while a sweep is under way no content that it may take is referred to anew, until it has not been heard of for long", async () => {
  await using store = await aStore();
  const run = await acceptedIn(store);
  const sweeper = new SqliteDatabase(store.location);
  const contents = () => sweeper.prepare("SELECT count(*) FROM contents").pluck().get();
  const append = (round: number) => store.versions.append(aVersion(run, { round }));
  await append(0);
  await append(1);
  expect(contents()).toBe(2); // the input, and what both versions say

  sweeper.transaction(() => new Prunes(sweeper, () => {}).beginSweep(1_000)).immediate();
  await append(2);
  expect(contents()).toBe(3);
  sweeper.exec("UPDATE store_facts SET value = '1000 token 1' WHERE name = 'sweep'");
  await append(3);

  expect(contents()).toBe(3);
  expect(sweeper.prepare("SELECT value FROM store_facts WHERE name = 'sweep'").get()).toBeUndefined();
  sweeper.close();
  await expectSound(store);
});

test("a checkpoint that another process keeps at hand is not gone on from once it went", async () => {
  await using folder = await aFolder();
  const [one, other] = [sqliteStore(folder.file("store.db")), sqliteStore(folder.file("store.db"))];
  const old = await aRunWithAGraph(one, "old");
  await aThread(other, old, "late", "late", 1); // the newest of its namespace that this one has put
  const second = { v: 4, id: "2", ts: "", channel_values: { text: "z" }, channel_versions: { text: 2 }, versions_seen: {} };
  const at = { configurable: { thread_id: old, checkpoint_ns: "late", checkpoint_id: "1" } };
  await one.checkpointer.put(at, second, { source: "loop", step: 2, parents: {} }, { text: 2 });

  await one.prune(SINCE);
  const third = { ...second, id: "3", channel_values: { list: listOf("late", 1), text: "q" }, channel_versions: { list: 1, text: 3 } };
  await other.checkpointer.put(at, third, { source: "loop", step: 3, parents: {} }, { text: 3 });

  await expectSound(other);
  expect(await other.checkpointer.getTuple(at)).toBeUndefined();
  await Promise.all([one.close(), other.close()]);
});

test.each(["terminal", "none"] as const)(
  "a crash between any two statements of a prune with keep %s leaves a store that holds, and the next prune does the rest",
  { timeout: 300_000 },
  async (keep) => {
    await using folder = await aFolder();
    const path = folder.file("store.db");
    const copy = (to: string) => {
      for (const suffix of ["", "-wal", ".anchor"]) if (existsSync(path + suffix)) copyFileSync(path + suffix, to + suffix);
      return to;
    };
    const store = sqliteStore(path);
    for (const name of ["a", "b"]) await aRunWithAGraph(store, name);
    await aRunWithAGraph(store, "young", "2026-11-04T00:00:00.000Z");

    const crashes: string[] = [];
    const watching = atEachStatement((statement, moment) => {
      if (statement % 8 === 0) crashes.push(copy(folder.file(`crash-${statement}-${moment}.db`)));
    });
    try {
      await store.prune({ ...SINCE, keep });
    } finally {
      watching[Symbol.dispose]();
    }
    const after = dumpOf(copy(folder.file("after.db")), ["store_facts", "heads"]);
    await store.close();

    expect(crashes.length).toBeGreaterThan(20);
    for (const crash of crashes) {
      const found = sqliteStore(crash);
      expect(await found.verify()).toMatchObject({ problems: [], anchor: "holds" });
      await found.prune({ ...SINCE, keep });
      await found.close();
      expect(dumpOf(crash, ["store_facts", "heads"])).toBe(after);
    }
  },
);
