import { copyFileSync, truncateSync } from "node:fs";
import SqliteDatabase from "better-sqlite3";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { JournalEntry, Question, RunRecord, Store, Version } from "walkback";
import { type OutsideWorld, type Scene, violations } from "../support/invariants.js";
import { aFolder } from "../support/store.js";
import { aHouse, type House } from "./house.js";
import { ASKS, HAPPY, STUCK, WALKED_BACK } from "./scenarios.js";
import { openWorld } from "./world.js";

let template: House;
beforeAll(async () => {
  template = await aHouse();
  await template.start([HAPPY, WALKED_BACK, STUCK, ASKS]);
});
afterAll(() => template[Symbol.asyncDispose]());

/** A copy of a store in which all went well, of runs that completed, were walked back, and wait for a human. */
async function aGoodStore() {
  const folder = await aFolder();
  const [storeFile, worldFile] = [folder.file("store.db"), folder.file("world.db")];
  copyDatabase(template.storeFile, storeFile);
  copyFileSync(`${template.storeFile}.anchor`, `${storeFile}.anchor`);
  copyDatabase(template.worldFile, worldFile);
  const database = new SqliteDatabase(storeFile);
  const world = openWorld(worldFile);
  const { attempted } = template;
  const triggers = () =>
    database.prepare<[], { name: string; sql: string }>("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").all();
  return {
    world,
    storeFile,
    attempted,
    runOf: (workflow: string) =>
      database.prepare<[string], string>("SELECT run_id FROM runs WHERE workflow = ?").pluck().get(workflow) ?? "",
    dropTriggers() {
      for (const { name } of triggers()) database.exec(`DROP TRIGGER ${name}`);
    },
    /** Does to the file what the store itself refuses. */
    tamper(statement: string) {
      const dropped = triggers();
      this.dropTriggers();
      database.exec(statement);
      for (const { sql } of dropped) database.exec(sql);
    },
    check: (change: Partial<Scene> = {}) => violations({ storeFile, world, accepted: attempted, attempted, ...change }),
    async [Symbol.asyncDispose]() {
      database.close();
      world.close();
      await folder[Symbol.asyncDispose]();
    },
  };
}

function copyDatabase(from: string, to: string): void {
  const database = new SqliteDatabase(from);
  database.prepare("VACUUM INTO ?").run(to);
  database.close();
}

/** The world outside with a few more rows or calls than there were. */
function altered(world: OutsideWorld, change: { standing?: readonly string[]; calls?: ReturnType<OutsideWorld["calls"]> }): OutsideWorld {
  return { standing: () => [...world.standing(), ...(change.standing ?? [])], calls: () => [...world.calls(), ...(change.calls ?? [])] };
}

/** What becomes of one element of a list: itself, another in its place, or nothing. */
type Retold<Item> = (item: Item) => Item | readonly Item[];

/** Lets a store tell of other records than it holds. */
function retelling(change: {
  readonly runs?: Retold<RunRecord>;
  readonly versions?: Retold<Version>;
  readonly journal?: Retold<JournalEntry>;
  readonly questions?: Retold<Question>;
}) {
  const { runs = same, versions = same, journal = same, questions = same } = change;
  return (store: Store): Store => ({
    ...store,
    runs: {
      ...store.runs,
      list: async (query) => (await store.runs.list(query)).flatMap(runs),
      openQuestions: async (runId) => (await store.runs.openQuestions(runId)).flatMap(questions),
    },
    versions: { ...store.versions, list: async (runId) => (await store.versions.list(runId)).flatMap(versions) },
    journal: { ...store.journal, list: async (runId) => (await store.journal.list(runId)).flatMap(journal) },
  });
}

const same = <Item>(item: Item): Item => item;

const call = (key: string, caller: string) => ({ key, action: "perform", outcome: "applied", caller });

describe("the invariant checker", () => {
  test("finds nothing where nothing is wrong", async () => {
    await using good = await aGoodStore();

    expect(await good.check()).toEqual([]);
  });

  test("I1: sees an effect that was applied twice under one key", async () => {
    await using good = await aGoodStore();
    const { world } = good;
    const twice = world.calls().find(({ outcome, key }) => outcome === "applied" && !key.endsWith("/work"));
    const last = world.calls().findLast(({ key }) => key.slice(0, 36) === twice?.key.slice(0, 36));

    const found = await good.check({ world: altered(world, { calls: [call(twice?.key ?? "", last?.caller ?? "")] }) });

    expect(found).toMatchObject([{ invariant: "I1", what: `${twice?.key} was applied 2 times` }]);
  });

  test("I2: sees what stands outside without a receipt, and on behalf of a run that is not there", async () => {
    await using good = await aGoodStore();
    const strange = `${good.runOf("happy")}/step-9/keyed-0/x/0`;

    const found = await good.check({ world: altered(good.world, { standing: [strange, "no-such-run/step-0/keyed-0/x/0"] }) });

    expect(found.map(({ invariant, run }) => [invariant, run])).toEqual([
      ["I2", "no-such-run"],
      ["I2", good.runOf("happy")],
    ]);
  });

  test("I2: accepts what a parked run names, and nothing else of it", async () => {
    await using good = await aGoodStore();
    const [named = ""] = good.world.standing().filter((key) => key.startsWith(good.runOf("stuck")));
    const journal = (entry: JournalEntry) => (entry.key === named && entry.phase === "performed" ? [] : entry);
    const questions = (question: Question) => JSON.parse(JSON.stringify(question).replaceAll(named, "something else")) as Question;

    expect((await good.check({ retell: retelling({ journal }) })).filter(({ invariant }) => invariant === "I2")).toEqual([]);
    expect(await good.check({ retell: retelling({ journal, questions }) })).toMatchObject([
      { invariant: "I2", run: good.runOf("stuck"), what: expect.stringContaining(named) },
    ]);
  });

  test("I3: sees a run that neither ended nor asks anybody", async () => {
    await using good = await aGoodStore();

    expect(await good.check({ retell: retelling({ questions: () => [] }) })).toMatchObject([
      { invariant: "I3", run: good.runOf("asks") },
      { invariant: "I3", run: good.runOf("stuck") },
    ]);
  });

  test("I4: sees what a run that was walked back has left behind, and what a completed one has lost", async () => {
    await using good = await aGoodStore();
    const { world } = good;
    const left = world.calls().find(({ key, action }) => action === "perform" && key.startsWith(good.runOf("walked-back")))?.key ?? "";
    const lost = world.standing().find((key) => key.startsWith(good.runOf("happy")) && !key.endsWith("/work")) ?? "";
    world.undo(lost, "opaque");

    const found = await good.check({ world: altered(world, { standing: [left] }) });

    expect(found).toContainEqual(
      expect.objectContaining({ invariant: "I4", what: `the run is rolled-back, but ${left} still stands outside` }),
    );
    expect(found).toContainEqual(
      expect.objectContaining({ invariant: "I4", what: `the run completed, but ${lost} does not stand outside` }),
    );
  });

  test.each([
    ["a version that was changed", "UPDATE versions SET agent = 'nobody' WHERE number = 1"],
    ["a version that was removed", "DELETE FROM versions WHERE number = 1"],
    [
      "a version whose data was changed",
      "UPDATE contents SET tail = x'7b7d' WHERE id = (SELECT content FROM versions WHERE number = 1 LIMIT 1)",
    ],
    ["a journal entry that was changed", "UPDATE journal SET phase = 'failed' WHERE phase = 'undone'"],
    ["a question that was removed", "DELETE FROM questions"],
  ])("I6 and I7: sees %s, and that the run cannot be read any more", async (_what, statement) => {
    await using good = await aGoodStore();
    good.tamper(statement);

    const found = await good.check();

    expect([...new Set(found.map(({ invariant }) => invariant))].toSorted()).toEqual(["I6", "I7"]);
    expect(found).toContainEqual({ invariant: "I7", run: expect.stringMatching(/./), what: expect.stringContaining("refuses to be read") });
  });

  test("I6: sees a run's row that was changed", async () => {
    await using good = await aGoodStore();
    good.tamper("UPDATE runs SET status = 'completed' WHERE workflow = 'stuck'");

    const found = await good.check();

    expect(found).toContainEqual({ invariant: "I6", run: good.runOf("stuck"), what: expect.stringContaining("the row of the run") });
    expect(found).toContainEqual({ invariant: "I6", run: "", what: expect.stringContaining("refuses to be read") });
  });

  test("I6: sees a store that was cut off", async () => {
    await using good = await aGoodStore();
    truncateSync(good.storeFile, 4096);

    expect(await good.check()).toMatchObject([{ invariant: "I6", run: "", what: expect.stringContaining("refuses to be read") }]);
  });

  test("I6: sees a version that is missing, and a run that has none", async () => {
    await using good = await aGoodStore();
    const [run, none] = [good.runOf("happy"), good.runOf("asks")];
    const lossy = retelling({ versions: (version) => (version.number === 2 ? [] : version) });
    const retell = (store: Store): Store => {
      const told = lossy(store);
      return { ...told, versions: { ...told.versions, list: async (runId) => (runId === none ? [] : told.versions.list(runId)) } };
    };

    const found = await good.check({ retell });

    expect(found).toContainEqual({ invariant: "I6", run, what: "version 2 is missing" });
    expect(found).toContainEqual({ invariant: "I6", run: none, what: "the run has no version 0" });
  });

  test("I6: sees a store that no longer refuses changes", async () => {
    await using good = await aGoodStore();
    good.dropTriggers();

    const allowed = (await good.check()).filter(({ what }) => what.startsWith("the store allowed"));

    expect(allowed).toContainEqual({ invariant: "I6", run: "", what: "the store allowed: DELETE FROM journal" });
    expect(allowed).toHaveLength(10);
  });

  test("I7: sees a state that is not the fold of the log, and a journal whose entries make no story", async () => {
    await using good = await aGoodStore();
    const run = good.runOf("walked-back");
    const journal = (entry: JournalEntry) => (entry.phase === "undone" ? ({ ...entry, phase: "failed" } as const) : entry);
    const versions = (version: Version) => (version.number === 1 ? { ...version, hash: "another", data: {} } : version);

    const found = await good.check({ retell: retelling({ journal, versions }) });

    for (const what of ["the state takes", "was failed after undo-intended", "the state's version 1 is not the one", "is not version 1"])
      expect(found).toContainEqual({ invariant: "I7", run, what: expect.stringContaining(what) });
  });

  test("I7: sees a run that ended without what its end needs", async () => {
    await using good = await aGoodStore();

    const found = await good.check({ retell: retelling({ runs: (record) => ({ ...record, outputVersion: 99, failure: undefined }) }) });

    expect(found.toSorted((a, b) => a.what.localeCompare(b.what))).toEqual(
      [
        { invariant: "I7", run: good.runOf("walked-back"), what: "the run is rolled-back without a failure" },
        { invariant: "I7", run: good.runOf("happy"), what: "the run completed without an output" },
      ].toSorted((a, b) => a.what.localeCompare(b.what)),
    );
  });

  test("I8: sees an epoch that wrote after it had passed, and a caller that came back", async () => {
    await using good = await aGoodStore();
    const run = good.runOf("happy");
    const first = good.world.calls().find(({ key }) => key.startsWith(run));
    const calls = [call(`${run}/a`, "another"), call(`${run}/b`, first?.caller ?? "")];
    const journal = (entry: JournalEntry) => (entry.runId === run && entry.phase === "intended" ? { ...entry, epoch: 7 } : entry);

    const found = await good.check({ world: altered(good.world, { calls }), retell: retelling({ journal }) });

    expect(found).toMatchObject([
      { invariant: "I8", run, what: expect.stringContaining("after a later one") },
      { invariant: "I8", run, what: `${first?.caller} called outside again after it had been overtaken` },
    ]);
  });

  test("I11: sees a secret in the store's file", async () => {
    await using good = await aGoodStore();

    expect(await good.check({ secret: "crash.order@1" })).toMatchObject([{ invariant: "I11" }]);
  });

  test("I12: sees a run that was accepted and is gone, and one that nobody started", async () => {
    await using good = await aGoodStore();

    const found = await good.check({ accepted: ["gone"], attempted: good.attempted.slice(1) });

    expect(found).toEqual([
      { invariant: "I12", run: "gone", what: "the run was accepted and is gone" },
      { invariant: "I12", run: good.attempted[0], what: "nobody started this run" },
    ]);
  });
});
