import SqliteDatabase from "better-sqlite3";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
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
  copyDatabase(template.worldFile, worldFile);
  const database = new SqliteDatabase(storeFile);
  const world = openWorld(worldFile);
  const { attempted } = template;
  const triggers = () =>
    database.prepare<[], { name: string; sql: string }>("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").all();
  return {
    world,
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
    good.tamper(`UPDATE questions SET question = replace(question, '${named}', 'something else')`);
    good.tamper(`DELETE FROM journal WHERE key = '${named}' AND phase = 'performed'`);

    expect(await good.check()).toMatchObject([{ invariant: "I2", what: expect.stringContaining(named) }]);
  });

  test("I3: sees a run that neither ended nor asks anybody", async () => {
    await using good = await aGoodStore();
    good.tamper("DELETE FROM questions");

    expect(await good.check()).toMatchObject([
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
    ["changed", "UPDATE versions SET data = '{}' WHERE number = 1"],
    ["removed", "DELETE FROM versions WHERE number = 1"],
  ])("I6 and I7: sees a version that was %s", async (_what, statement) => {
    await using good = await aGoodStore();
    good.tamper(statement);

    const found = new Set((await good.check()).map(({ invariant }) => invariant));

    expect([...found].toSorted()).toEqual(["I6", "I7"]);
  });

  test("I6: sees a store that no longer refuses changes", async () => {
    await using good = await aGoodStore();
    good.dropTriggers();

    const found = await good.check();

    expect(found).toContainEqual({ invariant: "I6", run: "", what: "the store allowed: DELETE FROM journal" });
    expect(found).toHaveLength(8);
  });

  test("I7: sees a state that is not the fold of the log, and a journal whose entries make no story", async () => {
    await using good = await aGoodStore();
    const run = good.runOf("walked-back");
    good.tamper(`UPDATE journal SET phase = 'failed' WHERE run_id = '${run}' AND phase = 'undone'`);

    const found = await good.check();

    expect(found).toContainEqual(expect.objectContaining({ invariant: "I7", run, what: expect.stringContaining("the state takes") }));
    expect(found).toContainEqual(
      expect.objectContaining({ invariant: "I7", run, what: expect.stringContaining("was failed after undo-intended") }),
    );
  });

  test("I8: sees an epoch that wrote after it had passed, and a caller that came back", async () => {
    await using good = await aGoodStore();
    const run = good.runOf("happy");
    const first = good.world.calls().find(({ key }) => key.startsWith(run));
    good.tamper(`UPDATE journal SET epoch = 7 WHERE seq = (SELECT min(seq) FROM journal WHERE run_id = '${run}')`);
    const calls = [call(`${run}/a`, "another"), call(`${run}/b`, first?.caller ?? "")];

    const found = await good.check({ world: altered(good.world, { calls }) });

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
