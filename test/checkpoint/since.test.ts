import SqliteDatabase from "better-sqlite3";
import { expect, test } from "vitest";
import { sqliteStore } from "walkback";
import { acceptedIn, anEvent } from "../support/records.js";
import { aFolder } from "../support/store.js";

const LONG_AGO = "2000-01-01T00:00:00.000Z";

async function countOf(items: AsyncIterable<unknown>): Promise<number> {
  let count = 0;
  for await (const _ of items) count++;
  return count;
}

test.each([
  ["events", "DROP TRIGGER events_no_update; UPDATE events SET body = replace(body, 'pay-out', 'pay-in')"],
  ["runs", "UPDATE runs SET workflow = 'another'"],
])("what is read of %s that are not what was written is refused", async (where, damage) => {
  await using folder = await aFolder();
  const path = folder.file("store.db");
  const store = sqliteStore(path);
  const run = await acceptedIn(store);
  store.events.emit(anEvent(run), run.epoch);
  await store.close();
  const database = new SqliteDatabase(path);
  database.exec(damage);
  database.close();

  const damaged = sqliteStore(path);
  const read = where === "runs" ? damaged.runs.since(LONG_AGO) : damaged.events.since(LONG_AGO, ["agent.started"]);

  await expect(countOf(read)).rejects.toMatchObject({ code: "STORE_DAMAGED", details: { where, runId: run.runId } });
  await damaged.close();
});
