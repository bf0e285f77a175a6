import SqliteDatabase from "better-sqlite3";
import { describe, expect, test } from "vitest";
import { type Failure, type Lease, type Store, sqliteStore } from "walkback";
import { acceptedIn, anEntry, anEvent, aVersion } from "../support/records.js";
import { aFolder, aStore, firstBroken } from "../support/store.js";

const FAILURE: Failure = { code: "AGENT_FAILED", message: "no", details: {}, causes: [] };

/** A run with a row in every table. */
async function aRecordedRun(store: Store): Promise<Lease> {
  const run = await acceptedIn(store);
  await store.versions.append(aVersion(run));
  await store.versions.append(aVersion(run, { agent: "assess-risk", parents: [0, 1] }));
  await store.versions.appendFailure({ ...run, agent: "pay-out", round: 0, failure: FAILURE, at: "2026-11-02T08:00:04.000Z" });
  await store.journal.append(anEntry(run));
  store.events.emit(anEvent(run), run.epoch);
  await store.journal.append(anEntry(run, { phase: "performed", body: "receipt" }));
  return run;
}

/** What somebody with the file in hand does to it. */
function tamper(store: Store, ...statements: readonly string[]): void {
  const intruder = new SqliteDatabase(store.location);
  try {
    for (const statement of statements) intruder.exec(statement);
  } finally {
    intruder.close();
  }
}

describe("the file itself refuses to change what was written, to whoever asks:", () => {
  const COLUMNS = { versions: "at", failed_steps: "failure", journal: "body", events: "body", contents: "type" };

  test.each(Object.entries(COLUMNS))("%s", async (table, column) => {
    await using store = await aStore();
    await aRecordedRun(store);

    expect(() => tamper(store, `UPDATE ${table} SET ${column} = '{}'`)).toThrow(`${table} is append-only`);
    expect(() => tamper(store, `DELETE FROM ${table}`)).toThrow(`${table} is append-only`);
  });
});

test("nor may a row be replaced, which would take it away without deleting it", async () => {
  await using store = await aStore();
  await aRecordedRun(store);

  for (const table of ["versions", "journal", "events", "contents"]) {
    expect(() => tamper(store, `INSERT OR REPLACE INTO ${table} SELECT * FROM ${table} LIMIT 1`)).toThrow(`${table} is append-only`);
  }
});

describe("the hash chain finds the first version that was", () => {
  const PERMITTED = ["versions_no_update", "versions_no_delete", "contents_no_update"].map((guard) => `DROP TRIGGER ${guard}`);
  /** Of version 1. */
  const CONTENT = "(SELECT content FROM versions WHERE number = 1)";
  const change = (column: string, value: string, number: number) => `UPDATE versions SET ${column} = ${value} WHERE number = ${number}`;

  test.each([
    ["given other data", `UPDATE contents SET tail = CAST('{"points":850}' AS BLOB) WHERE id = ${CONTENT}`, 1],
    ["given data that is no JSON", `UPDATE contents SET tail = CAST('oops' AS BLOB) WHERE id = ${CONTENT}`, 1],
    [
      "given other data and its hash",
      `UPDATE contents SET tail = CAST('1' AS BLOB), hash = x'6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b' WHERE id = ${CONTENT}`,
      1,
    ],
    ["given the data of another version", change("content", "(SELECT content FROM versions WHERE number = 0)", 1), 1],
    [
      "given the data of another version, with its hash",
      "UPDATE versions SET (content, data_hash) = (SELECT content, data_hash FROM versions WHERE number = 0) WHERE number = 1",
      1,
    ],
    ["filed under another contract", change("document", "'credit.application'", 1), 1],
    ["given to another agent", change("agent", "'decide-credit'", 1), 1],
    ["given to another version of its agent", change("agent_version", "2", 1), 1],
    ["given another contract", change("contract", "'credit.score@2'", 1), 1],
    ["given other parents", change("parents", "'[0]'", 2), 2],
    ["given parents that are no JSON", change("parents", "'oops'", 2), 2],
    ["given another source", change("source", "'human'", 1), 1],
    ["given another question", change("input_hash", "'another'", 1), 1],
    ["given another time", change("at", "'2026-11-02T09:00:00.000Z'", 0), 0],
    ["given another link", change("previous_hash", "'0'", 1), 1],
    ["given another hash", change("hash", "'0'", 1), 1],
    ["put into another place", change("number", "9", 1), 1],
    ["taken out", "DELETE FROM versions WHERE number = 1", 1],
    ["taken out at the start", "DELETE FROM versions WHERE number = 0", 0],
  ])("%s", async (_what, statement, number) => {
    await using store = await aStore();
    const run = await aRecordedRun(store);
    expect(await firstBroken(store, run.runId)).toBeUndefined();

    tamper(store, ...PERMITTED, statement);

    expect(await firstBroken(store, run.runId)).toBe(number);
    await expect(store.versions.list(run.runId)).rejects.toThrow(expect.objectContaining({ code: "STORE_DAMAGED" }));
  });

  test("moved to another run", async () => {
    await using store = await aStore();
    const [run, other] = [await aRecordedRun(store), await acceptedIn(store)];

    tamper(store, ...PERMITTED, `UPDATE versions SET run_id = '${other.runId}' WHERE run_id = '${run.runId}' AND number = 1`);

    expect(await firstBroken(store, run.runId)).toBe(1);
    expect(await firstBroken(store, other.runId)).toBe(1);
  });
});

test("two stores on one file take turns, and the chain of a run they share has no gap", async () => {
  await using folder = await aFolder();
  const [one, other] = [sqliteStore(folder.file("store.db")), sqliteStore(folder.file("store.db"))];
  const run = await acceptedIn(one);

  await Promise.all(Array.from({ length: 100 }, (_, round) => (round % 2 === 0 ? one : other).versions.append(aVersion(run, { round }))));

  expect((await other.versions.list(run.runId)).map(({ number }) => number)).toEqual(Array.from({ length: 101 }, (_, n) => n));
  expect(await firstBroken(one, run.runId)).toBeUndefined();
  await Promise.all([one.close(), other.close()]);
});
