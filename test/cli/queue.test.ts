import { existsSync } from "node:fs";
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import { aFolder, jsonLines, SHOP, startCli } from "./support/cli.js";
import { bookIn } from "./support/shop.js";

const ORDERS = [1, 2, 3].map((number) => JSON.stringify({ id: `o-${number}`, amountCents: 500 })).join("\n");

test("submit puts a run for each row into the queue, and queue shows who waits", async () => {
  using folder = aFolder();
  const file = folder.file("orders.jsonl", ORDERS);

  const submitted = await folder.cli("submit", SHOP, "--input", file, "--priority", "2", "--tenant", "north", "--deadline", "2h");

  expect(submitted.code).toBe(0);
  expect(submitted.out).toContain("3 queued");
  expect(submitted.err).toContain("3 wait in the queue. Worked off by: npx walkback work --store");
  expect(bookIn(folder.path)).toEqual([]);
  await folder.cli("submit", SHOP, "--samples", "--limit", "1");
  const { out } = await folder.cli("queue");
  expect(out).toContain("4 runs wait, 0 are being carried.");
  expect(out.split("\n").map((line) => line.trim().split(/\s+/).slice(0, 3))).toEqual(
    expect.arrayContaining([
      ["2", "north", "3"],
      ["5", "none", "1"],
    ]),
  );
  const [state] = jsonLines(await folder.cli("queue", "--json"));
  expect(state).toMatchObject({
    paused: false,
    queued: 4,
    running: 0,
    waiting: [
      { priority: 2, tenant: "north", queued: 3, waitedMs: expect.any(Number) },
      { priority: 5, tenant: null, queued: 1 },
    ],
  });
  expect(jsonLines(await folder.cli("list", "--json"))).toContainEqual(expect.objectContaining({ tenant: "north", priority: 2 }));
});

test("recover works the queue off in its order", async () => {
  using folder = aFolder();
  const submit = (id: string, priority: string) =>
    folder.cli("submit", SHOP, "--input", folder.file("one.json", JSON.stringify({ id, amountCents: 500 })), "--priority", priority);
  await submit("low", "9");
  await submit("high", "1");

  const { code, out } = await folder.cli("recover", "--workflow", SHOP);

  expect(code).toBe(0);
  expect(out.match(/completed/g)).toHaveLength(2);
  expect(
    bookIn(folder.path)
      .filter((line) => line.startsWith("sale"))
      .toSorted(),
  ).toEqual(["sale high", "sale low"]);
  const [, high] = jsonLines(await folder.cli("list", "--json")).toReversed();
  expect((await folder.cli("inspect", String(high?.["runId"]))).out).toMatch(/queued with priority 1\n[\s\S]*had its turn after/);
});

test("a paused queue lets nobody begin, and everyone is told", async () => {
  using folder = aFolder();
  await folder.cli("submit", SHOP, "--samples", "--limit", "1");

  const paused = await folder.cli("queue", "pause");

  expect(paused).toMatchObject({
    code: 0,
    out: expect.stringContaining("The queue is paused: nobody begins until npx walkback queue resume"),
  });
  const recovered = await folder.cli("recover", "--workflow", SHOP);
  expect(recovered.out).toContain("The queue is paused");
  expect(bookIn(folder.path)).toEqual([]);
  expect((await folder.cli("queue", "resume")).out).toContain("1 run waits, 0 are being carried.");
  await folder.cli("recover", "--workflow", SHOP);
  expect(bookIn(folder.path)).toEqual(["reservation s-1", "sale s-1"]);
  expect((await folder.cli("queue")).out).toBe("0 runs wait, 0 are being carried.\n");
});

test("a run that waits is canceled without its workflow, and nothing of it is ever done", async () => {
  using folder = aFolder();
  const [submitted] = jsonLines(await folder.cli("submit", SHOP, "--samples", "--limit", "1", "--json"));
  const runId = String(submitted?.["runId"]);

  const canceled = await folder.cli("cancel", runId, "--reason", "changed my mind");

  expect(canceled).toMatchObject({ code: 0, out: expect.stringContaining("changed my mind") });
  await folder.cli("recover", "--workflow", SHOP);
  expect(bookIn(folder.path)).toEqual([]);
});

test("a run with faults put in begins at once, and leaves the runs of others alone", async () => {
  using folder = aFolder();
  await folder.cli("submit", SHOP, "--samples", "--limit", "1");

  const { out } = await folder.cli("run", SHOP, "--samples", "--limit", "1", "--inject", "fail:sell-order", "--json");

  expect(jsonLines({ code: 1, out, err: "" })).toMatchObject([{ status: "rolled-back" }]);
  expect(jsonLines(await folder.cli("queue", "--json"))).toMatchObject([{ queued: 1 }]);
});

test("a run of the same workflow lets those before it begin first", async () => {
  using folder = aFolder();
  await folder.cli("submit", SHOP, "--input", folder.file("one.json", JSON.stringify({ id: "before", amountCents: 500 })));

  const { code } = await folder.cli("run", SHOP, "--samples", "--limit", "1", "--concurrency", "1");

  expect(code).toBe(0);
  expect(bookIn(folder.path).filter((line) => line.startsWith("sale"))).toEqual(["sale before", "sale s-1"]);
});

test.each([
  [["--priority", "11"], "from 1 (highest) to 10"],
  [["--tenant", " "], "for whom"],
  [["--deadline", "soon"], "a time from now"],
])("%j is refused before anything is accepted", async (words, message) => {
  using folder = aFolder();

  const { code, err } = await folder.cli("submit", SHOP, "--samples", ...words);

  expect(code).toBe(2);
  expect(err).toContain(message);
  expect(existsSync(join(folder.path, "store.db"))).toBe(false);
});

test("work serves what is submitted while it runs, and stops cleanly at Ctrl-C", async () => {
  using folder = aFolder();
  const worker = startCli(folder.path, "work", "--store", join(folder.path, "store.db"), "--workflow", SHOP, "--every", "1", "--json");
  await vi.waitFor(() => expect(existsSync(join(folder.path, "store.db"))).toBe(true), { timeout: 20_000 });
  await folder.cli("submit", SHOP, "--samples", "--limit", "2");
  await vi.waitFor(async () => expect((await folder.cli("list", "--status", "completed")).out.match(/completed/g)).toHaveLength(2), {
    timeout: 20_000,
  });

  worker.child.kill("SIGINT");
  const ended = await worker.ended;

  expect(ended.code).toBe(130);
  expect(ended.err).toContain("4 at a time. Ctrl-C stops it");
  expect(jsonLines(ended)).toMatchObject([{ status: "completed" }, { status: "completed" }]);
  expect(jsonLines(await folder.cli("queue", "--json"))).toMatchObject([{ queued: 0, running: 0 }]);
});
