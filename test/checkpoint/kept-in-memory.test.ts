import { expect, test } from "vitest";
import { type Store, seal, sqliteStore } from "walkback";
import { acceptedIn, anEvent, aVersion } from "../support/records.js";
import { aFolder } from "../support/store.js";

/** Two stores on one file, as two processes have them. */
async function aPair() {
  const folder = await aFolder();
  const mine = sqliteStore(folder.file("store.db"));
  const theirs = sqliteStore(folder.file("store.db"));
  return {
    mine,
    theirs,
    async [Symbol.asyncDispose]() {
      await mine.close();
      await theirs.close();
      await folder[Symbol.asyncDispose]();
    },
  };
}

const LONG = "the same long text, again and again. ".repeat(20);

async function put(store: Store, id: string, text: string, parent?: string): Promise<void> {
  const configurable = { thread_id: "thread", checkpoint_ns: "", ...(parent ? { checkpoint_id: parent } : {}) };
  const checkpoint = { v: 4, id, ts: "", channel_values: { text }, channel_versions: { text: id as never }, versions_seen: {} };
  await store.checkpointer.put({ configurable }, checkpoint, { source: "loop", step: 1, parents: {} }, { text: id as never });
}

const newest = async (store: Store) => (await store.checkpointer.getTuple({ configurable: { thread_id: "thread" } }))?.checkpoint;

test("a run that two processes write to by turns is seen by each as it stands", async () => {
  await using pair = await aPair();
  const { mine, theirs } = pair;
  const lease = await acceptedIn(mine);

  for (let round = 0; round < 6; round++) {
    const writer = round % 2 === 0 ? mine : theirs;
    const { number } = await writer.versions.append(aVersion(lease, { round, data: seal({ points: round }) }));
    writer.events.emit(anEvent(lease), lease.epoch);
    expect(number).toBe(round + 1);
    expect([await mine.versions.count(lease.runId), await theirs.versions.count(lease.runId)]).toEqual([round + 2, round + 2]);
  }
  await mine.runs.requestCancel(lease.runId, "enough");

  expect(await theirs.runs.cancelRequests([lease.runId])).toEqual([{ runId: lease.runId, reason: "enough" }]);
  expect((await theirs.verify()).problems).toEqual([]);
});

test("a run that ended elsewhere is not written to from what is remembered of it", async () => {
  await using pair = await aPair();
  const { mine, theirs } = pair;
  const lease = await acceptedIn(mine);
  await mine.versions.append(aVersion(lease));
  await theirs.runs.change(lease, { status: "completed", endedAt: "2026-11-02T08:01:00.000Z", outputVersion: 1 });

  await expect(mine.versions.append(aVersion(lease, { round: 1 }))).rejects.toMatchObject({ code: "RUN_FINISHED" });
  expect((await mine.runs.find(lease.runId))?.status).toBe("completed");
});

test("a thread that was deleted elsewhere begins anew", async () => {
  await using pair = await aPair();
  const { mine, theirs } = pair;
  await put(mine, "1", LONG);
  await put(mine, "2", `${LONG}, and more`, "1");

  await theirs.checkpointer.deleteThread("thread");
  await put(mine, "3", LONG, "2");

  expect((await newest(theirs))?.channel_values).toEqual({ text: LONG });
  expect((await mine.verify()).problems).toEqual([]);
});

test("a value that was pruned elsewhere is written again", async () => {
  await using pair = await aPair();
  const { mine, theirs } = pair;
  const data = seal({ text: LONG });
  const lease = await acceptedIn(mine, { input: data });
  await acceptedIn(mine, { input: seal({ text: `another, since the newest value stays: ${LONG}` }) });
  await mine.runs.change(lease, { status: "completed", endedAt: "2026-11-02T08:01:00.000Z", outputVersion: 0 });

  const { runs, contents } = await theirs.prune({ keep: "none", before: new Date("2026-11-03T00:00:00.000Z") });
  const again = await acceptedIn(mine, { input: data });

  expect({ runs, contents }).toEqual({ runs: 1, contents: 1 });
  expect(await mine.runs.find(lease.runId)).toBeUndefined();
  expect((await theirs.versions.find(again.runId, 0))?.data).toEqual({ text: LONG });
  expect((await theirs.verify()).problems).toEqual([]);
});

test("a run that was pruned here is forgotten here", async () => {
  await using pair = await aPair();
  const { mine } = pair;
  const lease = await acceptedIn(mine);
  await mine.runs.change(lease, { status: "completed", endedAt: "2026-11-02T08:01:00.000Z", outputVersion: 0 });
  expect((await mine.runs.find(lease.runId))?.status).toBe("completed");

  await mine.prune({ keep: "none", before: new Date("2026-11-03T00:00:00.000Z") });

  expect(await mine.runs.find(lease.runId)).toBeUndefined();
});
