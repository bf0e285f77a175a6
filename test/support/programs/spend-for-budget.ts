import { setTimeout } from "node:timers/promises";
import { v7 } from "uuid";
// By path, not by the public name: nothing resolves that name outside vitest.
import { createRuntime, type RunId, sqliteStore } from "../../../src/index.js";

/** Spends one micro-dollar so many times at once, each time in a run of its own; with "hang" it never comes to an end. */
const [path = "", calls = "0", limit = "0", ending = ""] = process.argv.slice(2);
const store = sqliteStore(path);
const { meter } = createRuntime({ store, limits: { budgets: { hourly: { microDollars: Number(limit) } } } });
const until = Date.now() + 600_000;
const { signal } = new AbortController();

async function spend(): Promise<string> {
  const site = {
    runId: v7() as RunId,
    tenant: "acme",
    agent: "spender",
    step: "spender",
    signal,
    until,
    own: <T>(asked: Promise<T>) => asked,
  };
  const work = async () => {
    if (ending === "hang") process.stdout.write("held\n");
    await setTimeout(ending === "hang" ? 600_000 : 20 * Math.random());
    return { result: "passed" };
  };
  return meter
    .spend(site, { inputTokens: 0, outputTokens: 0, microDollars: 1 }, work)
    .catch((thrown: Error) => ("code" in thrown ? String(thrown.code) : thrown.message));
}

const outcomes = await Promise.all(Array.from({ length: Number(calls) }, spend));
await meter.close();
await store.close();
process.stdout.write(JSON.stringify(outcomes));
