import { once } from "node:events";
import { createInterface } from "node:readline";
import { expect, test } from "vitest";
import type { RunId } from "walkback";
import { sqliteStore } from "walkback";
import { start } from "../support/child.js";
import { aFolder } from "../support/store.js";

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
  expect(await store.versions.firstBroken(last?.runId as RunId)).toBeUndefined();
  await store.close();
});
