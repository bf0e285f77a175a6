import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { loadConfig, type WalkbackConfig } from "walkback";
import { aFolder } from "../support/store.js";

const DEFINE = fileURLToPath(new URL("../../src/config/load.ts", import.meta.url));
const HOURLY = { limits: { budgets: { hourly: { microDollars: 5_000_000, tokens: 1_000 } } } };

/** Loads what a folder with this one file says. */
async function loaded(name: string, text: string, environment: Record<string, string> = {}): Promise<WalkbackConfig> {
  await using folder = await aFolder();
  writeFileSync(folder.file(name), text);
  return await loadConfig({ folder: folder.path, environment });
}

function loadedFrom(config: unknown, environment: Record<string, string> = {}): Promise<WalkbackConfig> {
  return loaded("walkback.config.mjs", `export default ${JSON.stringify(config)};`, environment);
}

/** The paths of all that is wrong, without the folder. */
async function wrongPaths(loading: Promise<unknown>): Promise<readonly string[]> {
  const thrown = await loading.then(
    () => Promise.reject(new Error("nothing was wrong")),
    (error: { code: string; details: { issues: readonly { path: string }[] } }) => error,
  );
  expect(thrown.code).toBe("CONFIG_INVALID");
  return thrown.details.issues.map(({ path }) => path.replace(/^.*walkback\.config/, "walkback.config"));
}

describe("the file", () => {
  test.each([
    [
      "walkback.config.ts",
      `import { defineConfig } from "${DEFINE}";\nexport default defineConfig({ queue: { maxConcurrent: 3 as number } });`,
    ],
    ["walkback.config.mts", "const most: number = 3;\nexport default { queue: { maxConcurrent: most } };"],
    ["walkback.config.mjs", "export default { queue: { maxConcurrent: 3 } };"],
    ["walkback.config.js", "export default { queue: { maxConcurrent: 3 } };"],
  ])("may be %s", async (name, text) => {
    expect(await loaded(name, text)).toEqual({ queue: { maxConcurrent: 3 } });
  });

  test("names its paths from its own folder", async () => {
    await using folder = await aFolder();
    writeFileSync(folder.file("other.mjs"), 'export default { store: "runs.db", dataDir: "books" };');

    const config = await loadConfig({ file: folder.file("other.mjs"), environment: {} });

    expect(config).toEqual({ store: folder.file("runs.db"), dataDir: folder.file("books") });
  });

  test("need not be there, unless it is named", async () => {
    await using folder = await aFolder();

    expect(await loadConfig({ folder: folder.path, environment: {} })).toEqual({});
    await expect(loadConfig({ folder: folder.path, file: "none.ts", environment: {} })).rejects.toMatchObject({ code: "CONFIG_INVALID" });
  });

  test.each([
    ["without a default export", "export const config = {};", "has no default export"],
    ["that throws", 'throw new Error("no disk");', "cannot be imported: no disk"],
    ["that cannot be parsed", "export default {", "cannot be imported"],
  ])("one %s is refused", async (_, text, message) => {
    await expect(loaded("walkback.config.ts", text)).rejects.toMatchObject({
      code: "CONFIG_INVALID",
      message: expect.stringContaining(message),
    });
  });
});

describe("what it says", () => {
  test.each([
    [{ stroe: "a.db" }, "#"],
    [{ store: 5 }, "#/store"],
    [{ queue: { maxConcurrent: "4" } }, "#/queue/maxConcurrent"],
    [{ queue: { perTenant: { maxConcurrent: 0 } } }, "#/queue/perTenant/maxConcurrent"],
    [{ limits: { maxConcurrentAgents: 0 } }, "#/limits/maxConcurrentAgents"],
    [{ limits: { budgets: { hourly: { dollars: 5 } } } }, "#/limits/budgets/hourly"],
    [null, "#"],
  ])("%j is refused at %s", async (config, path) => {
    expect(await wrongPaths(loadedFrom(config))).toEqual([`walkback.config.mjs${path}`]);
  });

  test("is refused with everything that is wrong at once, the environment included", async () => {
    const loading = loadedFrom(
      { store: "", queue: { pollMs: 0 }, limits: { budgets: { daily: { tokens: -1 } } } },
      { COST_LIMIT_DAILY: "abc", MAX_CONCURRENT_AGENTS: "0" },
    );

    expect((await wrongPaths(loading)).toSorted()).toEqual([
      "COST_LIMIT_DAILY",
      "MAX_CONCURRENT_AGENTS",
      "walkback.config.mjs#/limits/budgets/daily/tokens",
      "walkback.config.mjs#/queue/pollMs",
      "walkback.config.mjs#/store",
    ]);
  });
});

describe("the environment", () => {
  test("takes the place of what the file says, and leaves the rest", async () => {
    const environment = {
      COST_LIMIT_HOURLY: "12.50",
      COST_LIMIT_DAILY: "$100",
      COST_LIMIT_PER_RUN: "0.000001",
      MAX_CONCURRENT_AGENTS: "8",
    };

    expect(await loadedFrom(HOURLY, environment)).toEqual({
      limits: {
        maxConcurrentAgents: 8,
        budgets: {
          hourly: { microDollars: 12_500_000, tokens: 1_000 },
          daily: { microDollars: 100_000_000 },
          perRun: { microDollars: 1 },
        },
      },
    });
  });

  test("counts as none where it is empty", async () => {
    expect(await loadedFrom(HOURLY, { COST_LIMIT_HOURLY: "", MAX_CONCURRENT_AGENTS: "  " })).toEqual(HOURLY);
  });

  test.each(["1e3", "-1", "abc", "1.2345678", "1,50", "0x10", "."])("has no amount of %s", async (amount) => {
    expect(await wrongPaths(loadedFrom({}, { COST_LIMIT_HOURLY: amount }))).toEqual(["COST_LIMIT_HOURLY"]);
  });

  test.each(["0", "-1", "1.5", "1e3", "many"])("has no count of %s", async (count) => {
    expect(await wrongPaths(loadedFrom({}, { MAX_CONCURRENT_AGENTS: count }))).toEqual(["MAX_CONCURRENT_AGENTS"]);
  });
});
