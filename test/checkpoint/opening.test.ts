import { mkdir, readFile, writeFile } from "node:fs/promises";
import SqliteDatabase from "better-sqlite3";
import { expect, test } from "vitest";
import { sqliteStore } from "walkback";
import { run } from "../support/child.js";
import { acceptedIn, anEntry, anEvent, aQuestion, aVersion } from "../support/records.js";
import { aFolder, firstBroken } from "../support/store.js";

test("makes the folders of a file that does not exist yet", async () => {
  await using folder = await aFolder();
  const path = folder.file("deep/down/store.db");

  const store = sqliteStore(path);
  await acceptedIn(store);
  await store.close();

  expect(store.location).toBe(path);
  expect((await readFile(path)).subarray(0, 15).toString()).toBe("SQLite format 3");
});

test("what was acknowledged survives a power cut: write-ahead log, synchronized at every commit", async () => {
  await using folder = await aFolder();
  const path = folder.file("store.db");
  const store = sqliteStore(path);

  const database = (store.checkpointer as unknown as { readonly ground: { readonly database: SqliteDatabase.Database } }).ground.database; // the store's only connection

  expect(database.pragma("journal_mode", { simple: true })).toBe("wal");
  expect(database.pragma("synchronous", { simple: true })).toBe(2);
  expect(database.pragma("foreign_keys", { simple: true })).toBe(1);
  await store.close();
});

test("everything is still there when the file is opened again", async () => {
  await using folder = await aFolder();
  const path = folder.file("store.db");
  const before = sqliteStore(path);
  const run = await acceptedIn(before);
  const version = await before.versions.append(aVersion(run));
  await before.journal.append(anEntry(run));
  await before.runs.ask(run, aQuestion());
  before.events.emit(anEvent(run), run.epoch);
  await before.close();

  const after = sqliteStore(path);

  expect(await after.runs.find(run.runId)).toMatchObject({ status: "waiting" });
  expect(await after.runs.openQuestions(run.runId)).toEqual([aQuestion()]);
  expect(await after.versions.find(run.runId, 1)).toEqual(version);
  expect(await firstBroken(after, run.runId)).toBeUndefined();
  expect(await after.journal.list(run.runId)).toEqual([anEntry(run)]);
  expect(await after.events.list(run.runId)).toEqual([anEvent(run)]);
  await after.close();
});

test("refuses a file that a newer release wrote, and leaves it as it was", async () => {
  await using folder = await aFolder();
  const path = folder.file("store.db");
  const newer = new SqliteDatabase(path);
  newer.pragma("user_version = 999");
  newer.close();

  expect(() => sqliteStore(path)).toThrow(
    expect.objectContaining({
      code: "STORE_NEWER",
      details: { path, schemaVersion: 999, supported: expect.any(Number) },
      message: expect.stringContaining("Upgrade walkback"),
    }),
  );
  const untouched = new SqliteDatabase(path);
  expect(untouched.pragma("user_version", { simple: true })).toBe(999);
  untouched.close();
});

test("a file that is no database is refused with its path and what to do, and left as it was", async () => {
  await using folder = await aFolder();
  const path = folder.file("store.db");
  await writeFile(path, "Dear diary, ".repeat(1_000));

  expect(() => sqliteStore(path)).toThrow(
    expect.objectContaining({
      code: "STORE_FAILED",
      details: { path, operation: "open" },
      message: expect.stringMatching(new RegExp(`^The store ${path} cannot be opened: .*not a database.* Check the path`)),
    }),
  );
  expect((await readFile(path)).toString()).toMatch(/^Dear diary/);
});

test.each(["a folder", "a file/store.db"])("a path that cannot be a file is refused with its path: %s", async (name) => {
  await using folder = await aFolder();
  await mkdir(folder.file("a folder"));
  await writeFile(folder.file("a file"), "");
  const path = folder.file(name);

  expect(() => sqliteStore(path)).toThrow(
    expect.objectContaining({ code: "STORE_FAILED", details: { path, operation: "open" }, message: expect.stringContaining(path) }),
  );
});

test("a store in memory is a store of its own each time", async () => {
  const [one, other] = [sqliteStore(":memory:"), sqliteStore(":memory:")];

  const run = await acceptedIn(one);

  expect(await other.runs.find(run.runId)).toBeUndefined();
  await Promise.all([one.close(), other.close()]);
});

test("four processes that create the same file at the same moment all succeed", async () => {
  await using folder = await aFolder();
  const at = String(Date.now() + 2_500);

  const outputs = await Promise.all(Array.from({ length: 4 }, () => run("open-store", folder.file("store.db"), at)));

  expect(outputs).toEqual(Array.from({ length: 4 }, () => "opened\n"));
  const store = sqliteStore(folder.file("store.db"));
  expect(await store.runs.list({})).toHaveLength(4);
  await store.close();
});

test.each([
  ["tables of its own", "CREATE TABLE customers (id INTEGER); INSERT INTO customers VALUES (1)"],
  ["a table called like one of ours", "CREATE TABLE runs (id INTEGER)"],
  ["tables of its own and a version", "CREATE TABLE customers (id INTEGER); PRAGMA user_version = 7"],
])("a database of somebody else with %s is refused, and no byte of it is changed", async (_what, sql) => {
  await using folder = await aFolder();
  const path = folder.file("app.db");
  const theirs = new SqliteDatabase(path);
  theirs.exec(sql);
  theirs.close();
  const before = await readFile(path);

  expect(() => sqliteStore(path)).toThrow(
    expect.objectContaining({ code: "STORE_FAILED", message: expect.stringContaining("no Walkback store") }),
  );
  expect(await readFile(path)).toEqual(before);
});
