import { copyFileSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import SqliteDatabase from "better-sqlite3";
import { describe, expect, test } from "vitest";
import { createOrchestrator } from "walkback";
import { aFolder, jsonLines, SHOP } from "./support/cli.js";
import { workflowPackage } from "./support/shop.js";

/** A folder whose store holds a completed run of the shop, and one that walked back. */
async function aShop() {
  const folder = aFolder();
  const store = join(folder.path, "store.db");
  const { code } = await folder.cli("run", SHOP, "--samples", "--json");
  const runs = jsonLines(await folder.cli("list", "--json")) as { runId: string; status: string }[];
  return { ...folder, store, code, runs, bytes: () => readFileSync(store) };
}

describe("verify", () => {
  test("says what it looked at, and leaves every byte of the file as it was", async () => {
    using shop = await aShop();
    const before = shop.bytes();

    const { code, out, err } = await shop.cli("verify");
    const json = await shop.cli("verify", "--json");

    expect({ code, err }).toEqual({ code: 0, err: "" });
    expect(out).toMatch(/^Looked at 2 runs, \d+ versions, .*; its end is the one that its anchor has seen\.\nEverything holds\.\n$/);
    expect(jsonLines(json)).toMatchObject([{ problems: [], anchor: "holds", checked: { runs: 2 } }]);
    expect(shop.bytes().equals(before)).toBe(true);
  });

  test("looks at one run, by a part of its id", async () => {
    using shop = await aShop();
    const [run] = shop.runs;

    expect(jsonLines(await shop.cli("verify", String(run?.runId).slice(-8), "--json"))).toMatchObject([{ checked: { runs: 1 } }]);
    expect(await shop.cli("verify", "ffffffff")).toMatchObject({ code: 2, err: expect.stringContaining("There is no run ffffffff") });
  });

  test("names every problem, the first bad version first, and exits 1", async () => {
    using shop = await aShop();
    const intruder = new SqliteDatabase(shop.store);
    intruder.exec("DROP TRIGGER versions_no_update; DROP TRIGGER events_no_update");
    const runId = intruder.prepare("SELECT run_id FROM versions WHERE number = 1").pluck().get() as string;
    intruder.exec(
      `UPDATE versions SET agent = 'nobody' WHERE number = 1 AND run_id = '${runId}'; UPDATE events SET body = '{}' WHERE run_id = '${runId}'`,
    );
    intruder.close();

    const { code, out } = await shop.cli("verify");

    expect(code).toBe(1);
    expect(out.split("\n")[1]).toBe(`v1 of run ${runId} (by nobody): version 1 is missing or not what was written`);
    expect(out).toContain(`events of run ${runId}: event 0 is missing or not what was written`);
    expect(out).toContain("the schema is not what was written");
  });

  test.each([
    ["cut off", (path: string) => truncateSync(path, 8_192)],
    ["cut to nothing", (path: string) => truncateSync(path, 0)],
    ["overwritten at its head", (path: string) => writeFileSync(path, "Dear diary", { flag: "r+" })],
  ])("tells what is wrong with a file that is %s and cannot be opened any more", async (_, harm) => {
    using shop = await aShop();
    harm(shop.store);
    const before = shop.bytes();

    const { code, out } = await shop.cli("verify");

    expect(code).toBe(1);
    expect(out).toMatch(/\d+ problems?\n/);
    expect(shop.bytes().equals(before)).toBe(true);
  });

  test("a copy that was put back on purpose is accepted when it is asked for, and only then", async () => {
    using shop = await aShop();
    const copy = join(shop.path, "copy.db");
    copyFileSync(shop.store, copy);
    for (const _ of [1, 2]) await shop.cli("run", SHOP, "--samples", "--json");
    copyFileSync(copy, shop.store);

    const before = await shop.cli("verify");
    const list = await shop.cli("list");
    const accepted = await shop.cli("verify", "--accept-restored");
    const after = await shop.cli("verify");

    expect(before).toMatchObject({ code: 1, out: expect.stringMatching(/its newest writes are lost[\s\S]*verify --accept-restored/) });
    expect(list.code).toBe(1);
    expect(accepted).toMatchObject({
      code: 0,
      out: expect.stringMatching(/^Accepted .*what was written after the copy was made is given up/),
    });
    expect(after.code).toBe(0);
    expect((await shop.cli("list")).code).toBe(0);
  });

  test("what is wrong besides the anchor is not accepted", async () => {
    using shop = await aShop();
    rmSync(`${shop.store}.anchor`);
    const intruder = new SqliteDatabase(shop.store);
    intruder.exec("DROP TRIGGER events_no_delete; DELETE FROM events");
    intruder.close();

    const { code, out } = await shop.cli("verify", "--accept-restored");

    expect({ code, out }).toEqual({ code: 1, out: expect.stringContaining("Nothing was accepted") });
    expect(jsonLines(await shop.cli("verify", "--json"))).toMatchObject([{ anchor: "missing" }]);
  });

  test("says of a store of an older release that it is one, and does not upgrade it", async () => {
    using folder = aFolder();
    const store = join(folder.path, "store.db");
    writeFileSync(store, gunzipSync(readFileSync(new URL("../checkpoint/fixtures/first-release.db.gz", import.meta.url))));
    const before = readFileSync(store);

    const { code, out } = await folder.cli("verify");

    expect({ code, out }).toEqual({ code: 0, out: expect.stringContaining("The store is of an older release (schema 1)") });
    expect(readFileSync(store).equals(before)).toBe(true);
  });

  test("a store that is not there is not created, and a file that is none is said to be none", async () => {
    using folder = aFolder();

    expect(await folder.cli("verify")).toMatchObject({ code: 2, err: expect.stringContaining("There is no store") });
    folder.file("store.db", "");
    expect(await folder.cli("verify")).toMatchObject({ code: 2, err: expect.stringContaining("is not a Walkback store") });
  });
});

describe("prune", () => {
  test("takes LangGraph's checkpoints of runs that ended; everything else can still be asked", async () => {
    using shop = await aShop();
    const run = String(shop.runs.find(({ status }) => status === "completed")?.runId);
    const asked = async () => [
      await shop.cli("inspect", run, "--json"),
      await shop.cli("diff", run, "0", "2", "--json"),
      await shop.cli("bisect", run, "--where", "$exists($)", "--json"),
      await shop.cli("replay", run, "--workflow", SHOP, "--json"),
    ];
    const before = await asked();

    const counted = await shop.cli("prune", "--older-than", "0h", "--dry-run", "--json");
    const pruned = await shop.cli("prune", "--older-than", "0h", "--json");

    expect(jsonLines(counted)).toEqual(jsonLines(pruned).map((each) => ({ ...each, dryRun: true })));
    expect(jsonLines(pruned)).toMatchObject([{ runs: 2, checkpoints: expect.any(Number), keep: "terminal", dryRun: false }]);
    expect(await asked()).toEqual(before);
    expect((await shop.cli("verify")).code).toBe(0);
    expect((await shop.cli("fork", run, "--from", "1", "--workflow", SHOP)).out).toContain("is completed");
    await using orchestrator = createOrchestrator({
      store: shop.store,
      workflows: [(await workflowPackage.open({ dataDir: undefined })).workflow],
    });
    const state = await orchestrator.graph("shop").getState({ configurable: { thread_id: run } });
    expect(state).toMatchObject({ next: [], values: { "shop.receipt": { shelf: "A1" } } });
  });

  test("with keep none the runs go, and the store holds", async () => {
    using shop = await aShop();

    const { code, out } = await shop.cli("prune", "--older-than", "0h", "--keep", "none");

    expect(code).toBe(0);
    expect(out).toMatch(/^Went: 2 runs, with \d+ checkpoints, \d+ writes and \d+ contents; [\d.]+ KiB\. The file keeps its size/);
    expect((await shop.cli("list")).out).toBe("There are no such runs.\n");
    expect((await shop.cli("verify")).code).toBe(0);
    expect((await shop.cli("prune", "--older-than", "0h")).out).toBe("Nothing was old enough to go.\n");
  });

  test("leaves alone what is younger", async () => {
    using shop = await aShop();

    expect((await shop.cli("prune", "--older-than", "12h", "--dry-run")).out).toBe("Nothing would go.\n");
    expect((await shop.cli("prune", "--older-than", "4w", "--keep", "none")).out).toBe("Nothing was old enough to go.\n");
    expect(jsonLines(await shop.cli("list", "--json"))).toHaveLength(2);
  });

  test.each(["30", "d", "-1d", "1.5d", "30 d", "3m", "99999999w", ""])("does not take %j for a time", async (time) => {
    using shop = aFolder();

    const { code, err } = await shop.cli("prune", "--older-than", time);

    expect({ code, err }).toEqual({ code: 2, err: expect.stringContaining("It must be a time like 12h, 30d or 4w.") });
  });
});
