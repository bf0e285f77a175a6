import { copyFileSync, rmSync } from "node:fs";
import SqliteDatabase from "better-sqlite3";
import { expect, test } from "vitest";
import { type RunId, seal, sqliteStore } from "walkback";
import { linkHash } from "../../src/checkpoint/chain.js";
import { digestOf } from "../../src/checkpoint/sqlite/heads.js";
import { type RunRow, sealOf } from "../../src/checkpoint/sqlite/run-rows.js";
import { sumOf } from "../../src/checkpoint/sqlite/sums.js";
import type { VersionRow } from "../../src/checkpoint/sqlite/versions.js";
import { acceptedIn, aVersion } from "../support/records.js";
import { aFolder, type Folder } from "../support/store.js";

/** How far somebody goes who writes another score into the file, knowing all of this source. */
const LENGTHS = ["the chain", "the chain and the run's seal", "the chain, the seal and the store's head"] as const;

async function aStoreFile(folder: Folder): Promise<{ readonly path: string; readonly runId: RunId }> {
  const path = folder.file("store.db");
  const store = sqliteStore(path);
  const run = await acceptedIn(store);
  await store.versions.append(aVersion(run, { data: seal({ points: 300 }) }));
  await store.versions.append(aVersion(run, { agent: "assess-risk", contract: "credit.risk@1", parents: [1] }));
  await store.close();
  return { path, runId: run.runId };
}

function rewrite(path: string, runId: RunId, length: number): void {
  const database = new SqliteDatabase(path);
  const guards = database.prepare("SELECT name FROM sqlite_schema WHERE type = 'trigger'").pluck().all() as string[];
  const sql = database.prepare("SELECT sql FROM sqlite_schema WHERE type = 'trigger'").pluck().all() as string[];
  for (const guard of guards) database.exec(`DROP TRIGGER ${guard}`);
  rewriteChain(database, runId);
  if (length >= 1) reseal(database, runId);
  if (length >= 2) rewriteHead(database);
  for (const guard of sql) database.exec(guard);
  database.close();
}

function rewriteChain(database: SqliteDatabase.Database, runId: RunId): void {
  const { json, hash } = seal({ points: 850 });
  const [row] = database.prepare<[string], VersionRow>("SELECT * FROM versions WHERE run_id = ? AND number = 1").all(runId);
  database.prepare("UPDATE contents SET tail = ?, hash = ? WHERE id = ?").run(Buffer.from(json), Buffer.from(hash, "hex"), row?.content);
  database.prepare("UPDATE versions SET data_hash = ? WHERE run_id = ? AND number = 1").run(hash, runId);
  let previous: string | undefined;
  for (const version of database.prepare<[string], VersionRow>("SELECT * FROM versions WHERE run_id = ? ORDER BY number").all(runId)) {
    const { run_id, number, agent, agent_version, contract, parents, round, source, input_hash, data_hash, at } = version;
    const facts = { runId: run_id as RunId, number, agent, agentVersion: agent_version, contract, parents, round, source };
    const link = { ...facts, inputHash: input_hash, dataHash: data_hash, previousHash: previous ?? version.previous_hash, at };
    previous = linkHash(link);
    database
      .prepare("UPDATE versions SET previous_hash = ?, hash = ? WHERE run_id = ? AND number = ?")
      .run(link.previousHash, previous, runId, number);
  }
}

function reseal(database: SqliteDatabase.Database, runId: RunId): void {
  const head = database
    .prepare<[string], string>("SELECT hash FROM versions WHERE run_id = ? ORDER BY number DESC LIMIT 1")
    .pluck()
    .get(runId);
  database.prepare("UPDATE runs SET versions_head = ? WHERE run_id = ?").run(head, runId);
  const run = database.prepare<[string], RunRow>("SELECT * FROM runs WHERE run_id = ?").get(runId) as RunRow;
  database.prepare("UPDATE runs SET seal = ? WHERE run_id = ?").run(sealOf(run), runId);
}

function rewriteHead(database: SqliteDatabase.Database): void {
  const digest = digestOf(database.prepare<[], string>("SELECT seal FROM runs").pluck().all() as string[]);
  const seq = database.prepare<[], number>("SELECT max(seq) FROM heads").pluck().get() as number;
  database.prepare("UPDATE heads SET digest = ?, sum = ? WHERE seq = ?").run(digest, sumOf(seq, digest), seq);
}

async function whatIsNoticed(path: string, runId: RunId): Promise<string[]> {
  try {
    const store = sqliteStore(path);
    const { problems } = await store.verify();
    const points = await store.versions.list(runId).then(
      (versions) => JSON.stringify(versions[1]?.data),
      ({ code }: { code: string }) => code,
    );
    await store.close();
    return [...problems.map(({ where }) => where), points];
  } catch (thrown) {
    return [`opening: ${(thrown as { code: string }).code}`];
  }
}

test.each<[(typeof LENGTHS)[number], string[]]>([
  ["the chain", ["versions", "STORE_DAMAGED"]],
  ["the chain and the run's seal", ["heads", '{"points":850}']],
  ["the chain, the seal and the store's head", ["opening: STORE_DAMAGED"]],
])("a version that was rewritten is noticed, though %s was made to fit", async (length, noticed) => {
  await using folder = await aFolder();
  const { path, runId } = await aStoreFile(folder);

  rewrite(path, runId, LENGTHS.indexOf(length));

  expect(await whatIsNoticed(path, runId)).toEqual(noticed);
});

test("what is rewritten to the very end, with the anchor gone, can only be told by the anchor that is missing", async () => {
  await using folder = await aFolder();
  const { path, runId } = await aStoreFile(folder);
  rewrite(path, runId, 2);

  rmSync(`${path}.anchor`);

  expect(await whatIsNoticed(path, runId)).toEqual(["anchor", '{"points":850}']);
});

test("a run that is taken out with all that belongs to it is missed", async () => {
  await using folder = await aFolder();
  const { path, runId } = await aStoreFile(folder);
  const database = new SqliteDatabase(path);
  for (const guard of database.prepare("SELECT name FROM sqlite_schema WHERE type = 'trigger'").pluck().all() as string[])
    database.exec(`DROP TRIGGER ${guard}`);
  database.exec("DELETE FROM versions; DELETE FROM runs");
  database.close();

  expect(await whatIsNoticed(path, runId)).toContain("heads");
});

test("a file that was put back to an earlier copy is noticed by its anchor", async () => {
  await using folder = await aFolder();
  const { path } = await aStoreFile(folder);
  const earlier = folder.file("earlier.db");
  const backup = new SqliteDatabase(path);
  await backup.backup(earlier);
  backup.close();
  const store = sqliteStore(path);
  await acceptedIn(store);
  await store.close();

  copyFileSync(earlier, path);

  expect(() => sqliteStore(path)).toThrow(
    expect.objectContaining({ code: "STORE_DAMAGED", message: expect.stringContaining("its newest writes are lost") }),
  );
});
