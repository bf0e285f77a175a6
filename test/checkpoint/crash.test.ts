import { once } from "node:events";
import { createInterface } from "node:readline";
import { expect, test } from "vitest";
import { type RunId, type Store, sqliteStore } from "walkback";
import { run, start } from "../support/child.js";
import { aFolder, firstBroken } from "../support/store.js";

interface Acknowledged {
  readonly runId: RunId;
  readonly versions: number;
  readonly entries: number;
}

test.each([1, 7, 40])("a process that is killed after %i acknowledged batches has lost nothing of them", async (batches) => {
  await using folder = await aFolder();
  const path = folder.file("store.db");
  const child = start("write-for-ever", path);
  const acknowledged: Acknowledged[] = [];

  for await (const line of createInterface({ input: child.stdout })) {
    acknowledged.push(JSON.parse(line) as Acknowledged);
    if (acknowledged.length === batches) child.kill("SIGKILL");
  }
  if (child.exitCode === null && child.signalCode === null) await once(child, "close");

  const last = acknowledged.at(-1);
  const store = sqliteStore(path);
  const versions = await store.versions.list(last?.runId as RunId);
  expect(child.signalCode).toBe("SIGKILL");
  expect(versions.length).toBeGreaterThanOrEqual(last?.versions ?? Number.POSITIVE_INFINITY);
  expect(versions.map(({ number }) => number)).toEqual(versions.map((_, index) => index));
  expect((await store.journal.list(last?.runId as RunId)).length).toBeGreaterThanOrEqual(last?.entries ?? Number.POSITIVE_INFINITY);
  expect(await firstBroken(store, last?.runId as RunId)).toBeUndefined();
  await store.close();
});

/** A checkpoint that a program was told is kept, with the write after it. */
interface Put {
  readonly config: { readonly configurable: { readonly thread_id: string } };
  readonly values: { readonly name: string };
  readonly step: number;
}

async function expectPresent(store: Store, puts: readonly Put[]): Promise<void> {
  for (const { config, values, step } of puts)
    expect(await store.checkpointer.getTuple(config)).toMatchObject({
      checkpoint: { channel_values: values },
      pendingWrites: [["task", "list", { name: values.name, step }]],
    });
}

test.each([1, 40])("a process that is killed after %i acknowledged checkpoints has lost none of them", async (count) => {
  await using folder = await aFolder();
  const path = folder.file("store.db");
  const child = start("put-for-ever", path, "only");
  const acknowledged: Put[] = [];

  for await (const line of createInterface({ input: child.stdout })) {
    acknowledged.push(JSON.parse(line) as Put);
    if (acknowledged.length === count) child.kill("SIGKILL");
  }
  if (child.exitCode === null && child.signalCode === null) await once(child, "close");

  const store = sqliteStore(path);
  expect(child.signalCode).toBe("SIGKILL");
  expect(acknowledged.length).toBeGreaterThanOrEqual(count);
  await expectPresent(store, acknowledged);
  expect((await store.verify()).problems).toEqual([]);
  await store.close();
});

test("two processes that put into one file, into threads of their own and into the same one, lose nothing to each other", async () => {
  await using folder = await aFolder();
  const path = folder.file("store.db");

  const outputs = await Promise.all(["one", "other"].map((name) => run("put-for-ever", path, name, "40")));

  const puts = outputs.map((output) =>
    output
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as Put),
  ); // prettier-ignore
  const store = sqliteStore(path);
  expect(puts.map(({ length }) => length)).toEqual([120, 120]);
  await expectPresent(store, puts.flat());
  expect((await store.verify()).problems).toEqual([]);
  await store.close();
});
