import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test, vi } from "vitest";
import { aFolder, jsonLines, SHOP, startCli } from "./support/cli.js";

const GOOD = '{"id":"a","amountCents":100}\n{"id":"b","amountCents":200}\n';

describe("the configuration", () => {
  test("of the current folder says where runs are kept; the environment and the flags come first", async () => {
    using folder = aFolder();
    folder.file("orders.jsonl", GOOD);
    folder.file("walkback.config.ts", 'const store: string = "kept/runs.db";\nexport default { store, queue: { maxConcurrent: 1 } };');
    const run = ["run", SHOP, "--input", "orders.jsonl"];

    const configured = await startCli(folder.path, ...run).ended;
    vi.stubEnv("WALKBACK_STORE", "elsewhere.db");
    const named = await startCli(folder.path, ...run).ended;
    vi.stubEnv("WALKBACK_STORE", "");
    const typed = await startCli(folder.path, ...run, "--store", "typed.db").ended;

    expect([configured.code, named.code, typed.code]).toEqual([0, 0, 0]);
    expect(["kept/runs.db", "elsewhere.db", "typed.db", ".walkback"].map((file) => existsSync(join(folder.path, file)))).toEqual([
      true,
      true,
      true,
      false,
    ]);
  });

  test("limits what the runs may consume", async () => {
    using folder = aFolder();
    const config = folder.file("limits.mjs", "export default { limits: { budgets: { hourly: { microDollars: 2_500_000 } } } };");
    await folder.cli("run", SHOP, "--input", folder.file("orders.jsonl", GOOD), "--config", config);

    const fromFile = await folder.cli("budget", "--config", config);
    vi.stubEnv("COST_LIMIT_HOURLY", "12.50");
    const fromEnvironment = await folder.cli("budget", "--config", config);

    expect(fromFile).toMatchObject({ code: 0, out: expect.stringContaining("$2.50") });
    expect(fromEnvironment).toMatchObject({ code: 0, out: expect.stringContaining("$12.50") });
  });

  test("is refused with one error that lists everything wrong, and exits 2", async () => {
    using folder = aFolder();
    const config = folder.file("wrong.mjs", "export default { stroe: 1, queue: { maxConcurrent: -1 } };");
    vi.stubEnv("MAX_CONCURRENT_AGENTS", "lots");

    const told = await folder.cli("list", "--config", config);
    const json = await folder.cli("list", "--config", config, "--json");

    expect(told).toMatchObject({ code: 2, out: "" });
    for (const wrong of ["stroe", "#/queue/maxConcurrent", "MAX_CONCURRENT_AGENTS"]) expect(told.err).toContain(wrong);
    expect(told.err.trim().split("\n")).toHaveLength(1);
    expect(JSON.parse(json.err)).toMatchObject({ error: { code: "CONFIG_INVALID" } });
  });

  test("may leave no place for runs here: they are accepted for others, and whoever would carry them says so", async () => {
    using folder = aFolder();
    const config = ["--config", folder.file("accepts.mjs", "export default { queue: { maxConcurrent: 0 } };")];
    const input = ["--input", folder.file("orders.jsonl", GOOD)];

    const submitted = await folder.cli("submit", SHOP, ...input, "--json", ...config);
    const carriers = [
      ["run", SHOP, ...input],
      ["work", "--workflow", SHOP],
      ["recover", "--workflow", SHOP],
    ];
    const refused = [];
    for (const words of carriers) refused.push(await folder.cli(...words, ...config));

    expect(submitted.code).toBe(0);
    expect(jsonLines(submitted)).toMatchObject([{ status: "queued" }, { status: "queued" }]);
    expect(refused.map(({ code }) => code)).toEqual([2, 2, 2]);
  });

  test("is carried by the commands that are suggested", async () => {
    using folder = aFolder();
    const config = folder.file("own.mjs", "export default {};");

    const submitted = await folder.cli("submit", SHOP, "--input", folder.file("orders.jsonl", GOOD), "--config", config);

    expect(submitted.err).toContain(`--config ${config}`);
  });
});

describe("stats", () => {
  test("shows runs, agents, queue and breakers in 80 columns, and all of it as one object of JSON", async () => {
    using folder = aFolder();
    const orders = folder.file("orders.jsonl", GOOD);
    await folder.cli("run", SHOP, "--input", orders);
    await folder.cli("run", SHOP, "--input", orders, "--inject", "fail:sell-order");

    const table = await folder.cli("stats", "--since", "1h");
    const json = await folder.cli("stats", "--json");

    expect(table).toMatchObject({ code: 0, err: "" });
    expect(table.out).toContain("4 runs accepted: 2 completed, 2 rolled-back");
    expect(table.out).toContain("Of the 4 that ended 50.0% were completed.");
    expect(table.out).toMatch(/sell-order +4 +2 +\d+/);
    expect(table.out).toContain("0 runs wait, 0 are being carried.");
    expect(Math.max(...table.out.split("\n").map((line) => line.length))).toBeLessThanOrEqual(80);
    expect(jsonLines(json)).toMatchObject([{ runs: { accepted: 4, successRate: 0.5, byStatus: { completed: 2, "rolled-back": 2 } } }]);
  });

  test("refuses a time that is none, and a store that is not there", async () => {
    using folder = aFolder();

    expect(await folder.cli("stats", "--since", "yesterday")).toMatchObject({
      code: 2,
      err: expect.stringContaining("like 90s, 10m, 12h"),
    });
    expect(await folder.cli("stats")).toMatchObject({ code: 2, err: expect.stringContaining("There is no store") });
  });
});
