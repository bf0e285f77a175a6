import { copyFileSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";
import { Annotation, Command, END, interrupt, START, StateGraph } from "@langchain/langgraph";
import SqliteDatabase from "better-sqlite3";
import { beforeAll, expect, test } from "vitest";
import { type RunId, type RunRecord, type Store, sqliteStore } from "walkback";
import { dumpOf } from "../support/dump.js";
import { aVersion } from "../support/records.js";
import { atEachStatement } from "../support/statements.js";
import { aFolder, type Folder } from "../support/store.js";

/** A store that the first release wrote (five runs, one of each status, and a graph that waits), and all that it read back from it. */
const fixture = (name: string) => readFileSync(fileURLToPath(new URL(`./fixtures/${name}`, import.meta.url)));
const FIRST_RELEASE = gunzipSync(fixture("first-release.db.gz"));

interface Reads {
  readonly runs: readonly RunRecord[];
  readonly of: Readonly<Record<string, object>>;
  readonly claimable: readonly RunRecord[];
  readonly canceled: readonly object[];
  readonly history: readonly object[];
}

let expected: Reads;
beforeAll(() => {
  expected = JSON.parse(fixture("first-release.json").toString()) as Reads;
});

function anOldStore(folder: Folder): string {
  const path = folder.file("store.db");
  writeFileSync(path, FIRST_RELEASE);
  return path;
}

/** What the first release did not know of a run. */
const SINCE = new Set(["forkedFrom", "tenant", "priority", "deadline", "begunAt", "degraded"]);

function asThen(record: RunRecord): object {
  return Object.fromEntries(Object.entries(record).filter(([name]) => !SINCE.has(name)));
}

async function readsOf(store: Store): Promise<Reads> {
  const runs = await store.runs.list({});
  const read = async (runId: RunId) => ({
    versions: await store.versions.list(runId),
    journal: await store.journal.list(runId),
    events: await store.events.list(runId),
    open: await store.runs.openQuestions(runId),
    answered: await store.runs.answered(runId),
    outcome: await store.versions.outcome(runId, "pay-out", 0),
  });
  const reads = {
    runs: runs.map(asThen),
    of: Object.fromEntries(await Promise.all(runs.map(async ({ runId }) => [runId, await read(runId)] as const))),
    claimable: (await store.runs.claimable("2026-11-03T00:00:00.000Z", 10)).map(asThen),
    canceled: await store.runs.cancelRequests(runs.map(({ runId }) => runId)),
    history: await historyOf(store),
  };
  return JSON.parse(JSON.stringify(reads)) as Reads;
}

/** As the graph was whose thread the file holds. */
function theGraph(store: Store) {
  const State = Annotation.Root({
    messages: Annotation<unknown[]>({ reducer: (before, added) => before.concat(added), default: () => [] }),
    approved: Annotation<string>,
  });
  return new StateGraph(State)
    .addNode("ask", () => ({ messages: ["never asked again"] }))
    .addNode("wait", () => ({ approved: interrupt<string, string>("may I?") }))
    .addNode("tell", ({ approved }) => ({ messages: [`done: ${approved}`] }))
    .addEdge(START, "ask")
    .addEdge("ask", "wait")
    .addEdge("wait", "tell")
    .addEdge("tell", END)
    .compile({ checkpointer: store.checkpointer });
}

const THREAD = { configurable: { thread_id: "graph" } };

async function historyOf(store: Store): Promise<object[]> {
  const history: object[] = [];
  for await (const { values, next, config, metadata, parentConfig, createdAt, tasks } of theGraph(store).getStateHistory(THREAD))
    history.push({
      values,
      next,
      config,
      metadata,
      parentConfig,
      createdAt,
      tasks: tasks.map(({ id, name, interrupts }) => ({ id, name, interrupts })),
    });
  return history;
}

test("a file of the first release reads as it did before, and everything in it holds", async () => {
  await using folder = await aFolder();
  const path = anOldStore(folder);

  const store = sqliteStore(path);

  expect(await readsOf(store)).toEqual(expected);
  expect(await store.verify()).toMatchObject({ problems: [], checked: { runs: 5, checkpoints: expected.history.length } });
  await store.close();
});

test("it goes on: runs are added to, and the graph that waited is answered", async () => {
  await using folder = await aFolder();
  const store = sqliteStore(anOldStore(folder));
  const { runId } = expected.runs.find(({ status }) => status === "running") as RunRecord;

  const lease = await store.runs.claim({ runId, holder: "another", now: "2026-11-03T00:00:00.000Z", until: "2026-11-03T00:01:00.000Z" });
  const count = await store.versions.count(runId);
  expect(await store.versions.append(aVersion(lease, { round: 9 }))).toMatchObject({ number: count });
  const ended = await theGraph(store).invoke(new Command({ resume: "yes" }), THREAD);

  expect(ended.messages.slice(2)).toEqual(["done: yes"]);
  expect((await store.verify()).problems).toEqual([]);
  await store.close();
});

test("opening it twice is as opening it once, in the same process and after another", async () => {
  await using folder = await aFolder();
  const path = anOldStore(folder);

  const [one, other] = [sqliteStore(path), sqliteStore(path)];
  expect(await readsOf(other)).toEqual(expected);
  await Promise.all([one.close(), other.close()]);
  const again = sqliteStore(path);

  expect(await readsOf(again)).toEqual(expected);
  expect((await again.verify()).problems).toEqual([]);
  await again.close();
});

test("the new file refuses to change what is append-only, and has nothing of the old tables", async () => {
  await using folder = await aFolder();
  const path = anOldStore(folder);
  await sqliteStore(path).close();

  const database = new SqliteDatabase(path);
  const tables = database.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").pluck().all() as string[];

  expect(tables.filter((name) => name.startsWith("old_") || name === "checkpoints" || name === "writes")).toEqual([]);
  for (const table of ["versions", "failed_steps", "journal", "events", "contents"])
    expect(() => database.exec(`DELETE FROM ${table}`)).toThrow(`${table} is append-only`);
  expect(database.pragma("foreign_key_check")).toEqual([]);
  database.close();
});

test("a version that was damaged before is not made to look sound", async () => {
  await using folder = await aFolder();
  const path = anOldStore(folder);
  const intruder = new SqliteDatabase(path);
  intruder.exec("DROP TRIGGER versions_no_update");
  intruder.exec(`UPDATE versions SET data = '{"points":850}' WHERE number = 1`);
  intruder.close();

  const store = sqliteStore(path);

  expect((await store.verify()).problems.map(({ where, version }) => `${where} ${version}`)).toEqual(
    Array.from({ length: 5 }, () => "versions 1"),
  );
  await expect(store.versions.list(expected.runs[0]?.runId as RunId)).rejects.toThrow(expect.objectContaining({ code: "STORE_DAMAGED" }));
  await store.close();
});

test("a crash anywhere in the upgrade leaves the file as it was, or upgraded", async () => {
  await using folder = await aFolder();
  const path = anOldStore(folder);
  const before = dumpOf(path);

  const crashes: string[] = [];
  const watching = atEachStatement((statement, moment) => {
    if (statement > 30 && statement % 9 !== 0) return;
    const to = folder.file(`crash-${statement}-${moment}.db`);
    for (const suffix of ["", "-wal"]) if (existsSync(path + suffix)) copyFileSync(path + suffix, to + suffix);
    crashes.push(to);
  });
  const store = sqliteStore(path);
  watching[Symbol.dispose]();
  await store.close();
  const after = dumpOf(path);

  expect(crashes.length).toBeGreaterThan(40);
  const outcomes = new Set(crashes.map((crash) => dumpOf(crash)));
  expect([...outcomes].every((found) => found === before || found === after)).toBe(true);
  expect(outcomes.has(before)).toBe(true);
  const halfway = sqliteStore(crashes[Math.floor(crashes.length / 2)] as string);
  expect(await readsOf(halfway)).toEqual(expected);
  await halfway.close();
});
