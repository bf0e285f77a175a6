import { once } from "node:events";
import { createInterface } from "node:readline";
import { expect, test } from "vitest";
import { createOrchestrator, sqliteStore } from "walkback";
import type { BudgetCell } from "../../src/limits/budget.js";
import { run, start } from "../support/child.js";
import { aFolder } from "../support/store.js";
import { aCall, aClock, aMeter, aSite, failureOf } from "./spending.js";

const PATIENCE_MS = 240_000;

test(
  "four processes with a hundred calls each get exactly what one budget allows, and nothing over it",
  async () => {
    await using folder = await aFolder();
    const file = folder.file("store.db");
    await sqliteStore(file).close();

    const outputs = await Promise.all([1, 2, 3, 4].map(() => run("spend-for-budget", file, "100", "150")));
    const outcomes = outputs.flatMap((output) => JSON.parse(output) as string[]);

    const store = sqliteStore(file);
    const spent = store.limits.list({ kind: "spend" }).map(({ body }) => (body as { readonly microDollars: number }).microDollars);
    const cells = store.limits.readAll("budget/").map(({ cell }) => cell as unknown as BudgetCell);
    await store.close();
    expect(outcomes.filter((outcome) => outcome === "passed")).toHaveLength(150);
    expect(outcomes.filter((outcome) => outcome === "BUDGET_EXCEEDED")).toHaveLength(250);
    expect(spent).toHaveLength(150);
    expect(spent.reduce((sum, each) => sum + each)).toBe(150);
    expect(cells.flatMap(({ reserved }) => Object.keys(reserved))).toEqual([]);
  },
  PATIENCE_MS,
);

test(
  "what a killed process had reserved lapses",
  async () => {
    await using folder = await aFolder();
    const file = folder.file("store.db");
    const child = start("spend-for-budget", file, "10", "10", "hang");
    let held = 0;
    for await (const line of createInterface(child.stdout)) if (line === "held" && ++held === 10) break;
    child.kill("SIGKILL");
    await once(child, "exit");
    const store = sqliteStore(file);
    const clock = aClock(Date.now());
    const meter = aMeter(store.limits, { budgets: { hourly: { microDollars: 10 } } }, clock);
    const spend = () => meter.spend(aSite(), aCall(10), async () => ({ result: "paid" }));

    const before = await failureOf(spend());
    clock.move(60_000);
    const reserved = meter.report({}).scopes.map((scope) => scope.reserved.microDollars);

    expect(before).toMatchObject({ code: "BUDGET_EXCEEDED", details: { reserved: 10, spent: 0 } });
    expect(new Set(reserved)).toEqual(new Set([0]));
    expect(await spend()).toBe("paid");
    await store.close();
  },
  PATIENCE_MS,
);

test(
  "a budget outlives its process",
  async () => {
    await using folder = await aFolder();
    const file = folder.file("store.db");
    await run("spend-for-budget", file, "3", "4");

    await using orchestrator = createOrchestrator({ store: file, workflows: [] });
    const hour = orchestrator.budget().scopes.find(({ scope, window }) => scope === "global" && window === "hour");

    expect(hour).toMatchObject({ limit: { microDollars: 4 }, spent: { microDollars: 3 }, remaining: { microDollars: 1 } });
  },
  PATIENCE_MS,
);
