import SqliteDatabase from "better-sqlite3";
import { expect, test } from "vitest";
import { Writer } from "../../src/checkpoint/sqlite/writer.js";

/** A writer on a table of names, each only once; `commits` counts transactions. */
function aWriter() {
  const commits: string[] = [];
  const database = new SqliteDatabase(":memory:", { verbose: (statement) => statement === "COMMIT" && commits.push("COMMIT") });
  database.exec("CREATE TABLE names (name TEXT PRIMARY KEY)");
  const writer = new Writer(database, ":memory:");
  const insert = database.prepare("INSERT INTO names (name) VALUES (?)");
  return {
    writer,
    database,
    commits,
    add: (name: string) => writer.write(() => insert.run(name).lastInsertRowid),
    names: () => database.prepare("SELECT name FROM names ORDER BY rowid").pluck().all(),
  };
}

test("writes that wait together share one commit", async () => {
  const { add, commits, names } = aWriter();

  await Promise.all(["a", "b", "c", "d"].map(add));

  expect(names()).toEqual(["a", "b", "c", "d"]);
  expect(commits).toHaveLength(1);
});

test("writes happen in the order in which they were asked for, over several batches", async () => {
  const { add, names } = aWriter();
  const letters = [..."abcdefghij"];

  const first = letters.slice(0, 5).map(add);
  await first[0];
  await Promise.all([...first, ...letters.slice(5).map(add)]);

  expect(names()).toEqual(letters);
});

test("a write that fails does not fail its neighbors in the batch, and leaves nothing behind", async () => {
  const { writer, add, database, names } = aWriter();

  const outcomes = await Promise.allSettled([
    add("a"),
    writer.write(() => {
      database.exec("INSERT INTO names (name) VALUES ('half-done')");
      throw new Error("changed my mind");
    }),
    add("a"),
    add("b"),
  ]);

  expect(outcomes.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "rejected", "fulfilled"]);
  expect(outcomes[1]).toMatchObject({ reason: { code: "STORE_FAILED", message: expect.stringContaining("changed my mind") } });
  expect(outcomes[2]).toMatchObject({ reason: { code: "STORE_FAILED", details: { operation: "write" } } });
  expect(names()).toEqual(["a", "b"]);
});

test("when the disk gives up in the middle, the whole batch fails and the next one is tried again", async () => {
  const { add, database, names } = aWriter();
  await add("a");
  database.pragma("max_page_count = 1");

  const outcomes = await Promise.allSettled([add("b"), add("x".repeat(100_000)), add("c")]);

  expect(outcomes.map(({ status }) => status)).toEqual(["rejected", "rejected", "rejected"]);
  expect(outcomes[0]).toMatchObject({ reason: { code: "STORE_FAILED" } });
  database.pragma("max_page_count = 1000000");
  await add("d");
  expect(names()).toEqual(["a", "d"]);
});

test("when no transaction can be begun, everybody hears of it and nobody hangs", async () => {
  const { add, writer, database } = aWriter();
  database.exec("BEGIN");

  await expect(add("a")).rejects.toThrow(
    expect.objectContaining({ code: "STORE_FAILED", details: { path: ":memory:", operation: "begin" } }),
  );

  database.exec("ROLLBACK");
  await expect(add("b")).resolves.toBe(1);
  await writer.close();
});

test("a write is acknowledged with what it returned, only once it is committed", async () => {
  const { add, commits } = aWriter();
  const order: string[] = [];

  const write = add("a").then((row) => order.push(`row ${row}, ${commits.length} commit`));
  await Promise.resolve();
  expect(order).toEqual([]);
  await write;

  expect(order).toEqual(["row 1, 1 commit"]);
});
