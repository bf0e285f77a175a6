import { v7 } from "uuid";
import { describe, expect, test } from "vitest";
import { createRuntime, type LimitOptions, type RunId, type SpendCall, sqliteStore } from "walkback";
import { aSite } from "../limits/spending.js";
import { aFolder } from "./support/cli.js";

const LIMITS: LimitOptions = {
  budgets: {
    hourly: { microDollars: 2_000_000 },
    daily: { microDollars: 10_000_000, tokens: 1_000_000 },
    tenants: { acme: { daily: { microDollars: 1_000_000 } } },
  },
};
const CALL: SpendCall = { provider: "openai", model: "gpt-4o", inputTokens: 40_000, outputTokens: 20_000 };

/** Three calls that were paid for, and one whose process is still at it. */
async function spendIn(file: string): Promise<void> {
  const store = sqliteStore(file);
  const { meter } = createRuntime({ store, limits: LIMITS });
  const until = Date.now() + 60_000;
  const usage = { inputTokens: 40_000, outputTokens: 10_000 };
  for (const [agent, tenant] of [
    ["write-paper", "acme"],
    ["write-paper", "globex"],
    ["check-paper", "acme"],
  ] as const)
    await meter.spend(aSite({ runId: v7() as RunId, agent, step: agent, tenant, until }), CALL, async () => ({ result: 1, usage }));
  void meter.spend(
    aSite({ until }),
    { inputTokens: 0, outputTokens: 0, microDollars: 250_000 },
    () => new Promise<{ result: 1 }>(() => {}),
  );
  await expect.poll(() => meter.report({}).scopes[0]?.reserved.microDollars).toBe(250_000);
  await store.close();
}

describe("budget", () => {
  test("shows what is left, reserved and spent of every budget, and who spent it", async () => {
    using folder = aFolder();
    await spendIn(`${folder.path}/store.db`);

    const { code, out, err } = await folder.cli("budget");

    expect({ code, err }).toEqual({ code: 0, err: "" });
    const lines = out.split("\n").map((line) => line.trim().split(/ {2,}/).join("|"));
    expect(lines).toContain("budget|window|spent|reserved|remaining|limit");
    expect(lines).toContain("global|hour|$0.60|$0.25|$1.15|$2.00");
    expect(lines).toContain("global|day|$0.60|$0.25|$9.15|$10.00");
    expect(lines).toContain("150,000 tokens|0 tokens|850,000 tokens|1,000,000 tokens");
    expect(lines).toContain("tenant/acme|day|$0.40|$0.25|$0.35|$1.00");
    expect(lines.find((line) => line.startsWith("Since "))).toMatch(/: \$0\.60 and 150,000 tokens in 3 calls\.$/);
    expect(lines).toContain("write-paper|$0.40|100,000|2");
    expect(lines).toContain("openai:gpt-4o|$0.60|150,000|3");
    expect(lines).toContain("globex|$0.20|50,000|1");
  });

  test("says the same as one line of JSON, and adds up from a time on", async () => {
    using folder = aFolder();
    await spendIn(`${folder.path}/store.db`);

    const all = await folder.cli("budget", "--json", "--since", "1h");
    const none = await folder.cli("budget", "--json", "--since", new Date(Date.now() + 60_000).toISOString());

    expect(JSON.parse(all.out)).toMatchObject({
      scopes: expect.arrayContaining([
        expect.objectContaining({
          scope: "global",
          window: "hour",
          remaining: { microDollars: 1_150_000 },
          limit: { microDollars: 2_000_000 },
        }),
      ]),
      spend: {
        total: { microDollars: 600_000, calls: 3 },
        byAgent: [
          { name: "write-paper", calls: 2 },
          { name: "check-paper", calls: 1 },
        ],
      },
    });
    expect(JSON.parse(none.out)).toMatchObject({ spend: { total: { calls: 0 }, byAgent: [] } });
  });

  test("says that nothing was spent, and refuses a time that is none", async () => {
    using folder = aFolder();
    await sqliteStore(`${folder.path}/store.db`).close();

    expect(await folder.cli("budget")).toMatchObject({ code: 0, out: "Nothing was spent.\n" });
    expect(await folder.cli("budget", "--since", "yesterday")).toMatchObject({
      code: 2,
      err: expect.stringContaining("--since yesterday is no time"),
    });
  });
});
