import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import SqliteDatabase from "better-sqlite3";
import { describe, expect, test } from "vitest";
import { aFolder, jsonLines, SHOP, startCli } from "./support/cli.js";
import { bookIn } from "./support/shop.js";

/** A folder with one run of the shop in it. */
async function aRun(order: object = { id: "o-1", amountCents: 500 }, ...flags: readonly string[]) {
  const folder = aFolder();
  const input = folder.file("order.json", JSON.stringify(order));
  const [run] = jsonLines(await folder.cli("run", SHOP, "--input", input, "--json", ...flags));
  return { ...folder, runId: String(run?.["runId"]) };
}

describe("export", () => {
  test("writes the run to standard output, each line JSON", async () => {
    using shop = await aRun();

    const exported = await shop.cli("export", shop.runId.slice(-8));

    expect(exported).toMatchObject({ code: 0, err: "" });
    const lines = jsonLines(exported);
    expect(lines[0]).toMatchObject({ walkback: "run", format: 1, runId: shop.runId, workflow: "shop" });
    expect(lines.at(-1)).toMatchObject({ kind: "end", lines: lines.length - 1, sha256: expect.stringMatching(/^[0-9a-f]{64}$/) });
  });

  test("writes a file, and replaces one only when it is told to", async () => {
    using shop = await aRun();
    const out = join(shop.path, "run.jsonl");
    writeFileSync(out, "mine");

    const refused = await shop.cli("export", shop.runId, "--out", out);
    const kept = readFileSync(out, "utf8");
    const forced = await shop.cli("export", shop.runId, "--out", out, "--force", "--json");

    expect(refused).toMatchObject({ code: 2, err: expect.stringMatching(/There is a file .*run\.jsonl already.*--force/) });
    expect(kept).toBe("mine");
    const text = readFileSync(out, "utf8");
    expect(jsonLines(forced)).toEqual([{ runId: shop.runId, file: out, lines: text.trimEnd().split("\n").length }]);
    expect(text).toBe((await shop.cli("export", shop.runId)).out);
  });

  test("leaves nothing behind when it cannot come to its end", async () => {
    using shop = await aRun();
    const out = join(shop.path, "run.jsonl");
    const database = new SqliteDatabase(join(shop.path, "store.db"));
    database.exec("DROP TRIGGER events_no_update; UPDATE events SET at = '2000-01-01T00:00:00.000Z'");
    database.close();

    const { code, err } = await shop.cli("export", shop.runId, "--out", out);
    const nowhere = await shop.cli("export", shop.runId, "--out", join(shop.path, "no-such-folder", "run.jsonl"));

    expect([code, err]).toEqual([1, expect.stringContaining("is damaged")]);
    expect(nowhere).toMatchObject({ code: 2, err: expect.stringContaining("cannot be written") });
    expect(readdirSync(shop.path).filter((name) => name.startsWith("run.jsonl"))).toEqual([]);
  });

  test("of a run or a store that is not there is wrong input", async () => {
    using shop = await aRun();
    using empty = aFolder();

    expect(await shop.cli("export", "ffffffff")).toMatchObject({
      code: 2,
      out: "",
      err: expect.stringContaining("There is no run ffffffff"),
    });
    expect(await empty.cli("export", shop.runId)).toMatchObject({ code: 2, err: expect.stringContaining("There is no store") });
  });
});

describe("import", () => {
  test("takes a run over into a new store, where everything about it can be asked", async () => {
    using shop = await aRun();
    using other = aFolder();
    const file = join(shop.path, "run.jsonl");
    await shop.cli("export", shop.runId, "--out", file);

    const imported = await other.cli("import", file);

    expect(imported).toMatchObject({
      code: 0,
      out: expect.stringMatching(`Run ${shop.runId} is in .*store\\.db: shop@1, completed\\.\n$`),
    });
    expect((await other.cli("inspect", shop.runId, "--json")).out).toBe((await shop.cli("inspect", shop.runId, "--json")).out);
    expect(await other.cli("replay", shop.runId, "--workflow", SHOP)).toMatchObject({ code: 0 });
    expect((await other.cli("export", shop.runId)).out).toBe(readFileSync(file, "utf8"));
  });

  test("an unfinished run is carried on in its new place", async () => {
    using shop = await aRun({ id: "o-9", amountCents: 500 }, "--inject", "fail:sell-order", "--on-failure", "sell-order=ask");
    using other = aFolder();
    const file = join(shop.path, "run.jsonl");
    await shop.cli("export", shop.runId, "--out", file);

    const imported = await other.cli("import", file);
    const resumed = await other.cli("resume", shop.runId, "--decision", "retry", "--workflow", SHOP);

    expect(imported.out).toMatch(/waiting\.\nLeave it alone where it came from\. Here it goes on with: npx walkback inbox/);
    expect(resumed).toMatchObject({ code: 0, out: expect.stringContaining("completed") });
    expect([bookIn(shop.path), bookIn(other.path)]).toEqual([["reservation o-9"], ["sale o-9"]]);
  });

  test("reads standard input", async () => {
    using shop = await aRun();
    using other = aFolder();
    const { out } = await shop.cli("export", shop.runId);

    const { child, ended } = startCli(other.path, "--store", "store.db", "import", "-", "--json");
    child.stdin.end(out);

    expect(jsonLines(await ended)).toMatchObject([{ runId: shop.runId, status: "completed" }]);
    expect((await other.cli("list")).out).toContain("completed");
  });

  test("refuses what is there, what was cut off, and what is not there, as wrong input", async () => {
    using shop = await aRun();
    using other = aFolder();
    const { out } = await shop.cli("export", shop.runId);
    const [whole, half] = [other.file("whole.jsonl", out), other.file("half.jsonl", out.slice(0, out.length / 2))];
    await other.cli("import", whole);

    const outcomes = [await other.cli("import", whole), await shop.cli("import", half), await other.cli("import", "nothing.jsonl")];
    const json = await other.cli("import", half, "--json");

    expect(outcomes.map(({ code }) => code)).toEqual([2, 2, 2]);
    expect(outcomes.map(({ err }) => err)).toEqual([
      expect.stringContaining("exactly as the file has it"),
      expect.stringMatching(/cannot be imported.*Nothing of it was kept/),
      expect.stringContaining("cannot be read"),
    ]);
    expect(JSON.parse(json.err)).toMatchObject({ error: { code: "ARCHIVE_INVALID" } });
    expect(existsSync(join(other.path, "nothing.jsonl"))).toBe(false);
  });
});

test("an import that is refused leaves no new store behind, and a folder is no file to export into", async () => {
  using shop = aFolder();
  const garbage = shop.file("g.jsonl", "garbage");

  const refused = await shop.cli("import", garbage);
  const left = readdirSync(shop.path);
  await shop.cli("run", SHOP, "--input", shop.file("order.json", JSON.stringify({ id: "o-1", amountCents: 500 })));
  const [run] = jsonLines(await shop.cli("list", "--json"));
  const folder = await shop.cli("export", String(run?.["runId"]), "--out", shop.path, "--force");

  expect(refused.code).toBe(2);
  expect(left).toEqual(["g.jsonl"]);
  expect(folder).toMatchObject({ code: 2, err: expect.stringContaining("is a folder") });
});

test("both have an example in their help", async () => {
  using folder = aFolder();

  expect((await folder.cli("export", "--help")).out).toContain("walkback export 0199f3a1 --out run.jsonl");
  expect((await folder.cli("import", "--help")).out).toContain("| walkback --store other.db import");
});
