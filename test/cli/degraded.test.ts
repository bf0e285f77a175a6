import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test, vi } from "vitest";
import { aFolder, jsonLines, startCli } from "./support/cli.js";

const COUNTER = fileURLToPath(new URL("support/counter.ts", import.meta.url));
const AUTHENTICATION = { agent: "answer-request", tier: "model", code: "MODEL_AUTHENTICATION" };
const UNAVAILABLE = { ...AUTHENTICATION, code: "AGENT_UNAVAILABLE" };

const rows = (...ids: readonly string[]) => ids.map((id) => JSON.stringify({ id })).join("\n");
/** The hint to look closer, with the run that it names. */
const HINT = /\(npx walkback inspect ([0-9a-f]{8}) --store \S+ tells more\)/;

test("run says after its table why runs are degraded: a line for each code, with a run to look at", async () => {
  using folder = aFolder();
  const file = folder.file("requests.jsonl", rows("locked-1", "fine-1", "away-1", "fine-2", "locked-2"));

  const { code, err } = await folder.cli("run", COUNTER, "--input", file, "--concurrency", "1");

  const [first = "", second = "", ...more] = err.trim().split("\n");
  expect({ code, more }).toEqual({ code: 0, more: [] });
  expect(first).toMatch(/^2 of 5 runs fell to a lower tier: answer-request: MODEL_AUTHENTICATION \(/);
  expect(second).toMatch(/^1 of 5 runs fell to a lower tier: answer-request: AGENT_UNAVAILABLE \(/);
  const { out } = await folder.cli("inspect", HINT.exec(first)?.[1] ?? "");
  expect(out).toContain("fell from model to code: MODEL_AUTHENTICATION: The key is wrong.");
});

test("a breaker that opened is told after what it opened by", async () => {
  using folder = aFolder();
  const file = folder.file("requests.jsonl", rows("away-1", "away-2", "fine-1", "fine-2"));

  const { err } = await folder.cli("run", COUNTER, "--input", file, "--concurrency", "1");
  const again = await folder.cli("run", COUNTER, "--input", folder.file("more.jsonl", rows("fine-3", "fine-4")));

  const told = [
    "2 of 4 runs fell to a lower tier: answer-request: AGENT_UNAVAILABLE",
    "2 of 4 runs fell to a lower tier: answer-request: BREAKER_OPEN",
  ];
  expect(err.split("\n").map((line) => line.split(" (")[0])).toEqual([...told, ""]);
  expect(again.err).toContain("2 of 2 runs fell to a lower tier: answer-request: BREAKER_OPEN");
});

test("nothing is said of runs that are not degraded, and one that is needs no count", async () => {
  using folder = aFolder();

  const fine = await folder.cli("run", COUNTER, "--input", folder.file("fine.jsonl", rows("fine-1", "fine-2")));
  const one = await folder.cli("run", COUNTER, "--input", folder.file("one.jsonl", rows("locked-1")));

  expect(fine).toMatchObject({ code: 0, err: "" });
  expect(one.err).toMatch(/^The run fell to a lower tier: answer-request: MODEL_AUTHENTICATION \(npx walkback inspect/);
});

test("JSON carries why, in run and in list, and list shows it where failures stand", async () => {
  using folder = aFolder();
  const file = folder.file("requests.jsonl", rows("locked-1", "fine-1", "away-1"));

  const run = await folder.cli("run", COUNTER, "--input", file, "--concurrency", "1", "--json");
  const list = jsonLines(await folder.cli("list", "--json"));
  const { out } = await folder.cli("list");

  expect(jsonLines(run)).toMatchObject([
    { degraded: true, degradedBy: [AUTHENTICATION] },
    {},
    { degraded: true, degradedBy: [UNAVAILABLE] },
  ]);
  expect(jsonLines(run)[1]).not.toHaveProperty("degradedBy");
  expect(list).toMatchObject([{ degradedBy: [UNAVAILABLE] }, { degraded: false }, { degradedBy: [AUTHENTICATION] }]);
  expect(list[1]).not.toHaveProperty("degradedBy");
  expect(out).toMatch(/completed, degraded .* AGENT_UNAVAILABLE\n/);
  expect(out).toMatch(/completed, degraded .* MODEL_AUTHENTICATION\n/);
});

test("a fork of a degraded run is degraded by what its own history begins with", async () => {
  using folder = aFolder();
  const run = await folder.cli("run", COUNTER, "--input", folder.file("one.jsonl", rows("locked-1")), "--json");
  const [{ runId } = {}] = jsonLines(run);

  await folder.cli("fork", String(runId), "--from", "1", "--workflow", COUNTER);

  const [fork] = jsonLines(await folder.cli("list", "--json"));
  expect(fork).toMatchObject({ forkedFrom: { runId, number: 1 }, degraded: true, degradedBy: [AUTHENTICATION] });
});

test("recover says at its end why the runs of the queue are degraded", async () => {
  using folder = aFolder();
  await folder.cli("submit", COUNTER, "--input", folder.file("requests.jsonl", rows("locked-1", "fine-1")));

  const { code, out, err } = await folder.cli("recover", "--workflow", COUNTER);

  expect(code).toBe(0);
  expect(out).toMatch(/counter {2}completed, degraded\n/);
  expect(out).toMatch(/counter {2}completed\n/);
  expect(err).toMatch(/^1 of 2 runs fell to a lower tier: answer-request: MODEL_AUTHENTICATION/);
});

test("work says it when it is stopped", async () => {
  using folder = aFolder();
  const worker = startCli(folder.path, "work", "--store", join(folder.path, "store.db"), "--workflow", COUNTER, "--every", "1", "--json");
  await vi.waitFor(() => expect(existsSync(join(folder.path, "store.db"))).toBe(true), { timeout: 20_000 });
  await folder.cli("submit", COUNTER, "--input", folder.file("requests.jsonl", rows("locked-1", "locked-2")));
  await vi.waitFor(async () => expect((await folder.cli("list", "--status", "completed")).out.match(/completed/g)).toHaveLength(2), {
    timeout: 20_000,
  });

  worker.child.kill("SIGINT");
  const ended = await worker.ended;

  expect(ended.code).toBe(130);
  expect(ended.err).toContain("2 of 2 runs fell to a lower tier: answer-request: MODEL_AUTHENTICATION (npx walkback inspect");
  expect(jsonLines(ended)).toMatchObject([{ degradedBy: [AUTHENTICATION] }, { degradedBy: [AUTHENTICATION] }]);
});
