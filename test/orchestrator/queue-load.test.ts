import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { type RunId, sqliteStore } from "walkback";
import { openWorld } from "../crash/world.js";
import { aFolder } from "../support/store.js";
import { jobs, type LoadedJob, runIdOf } from "./queue-load.js";

const QUEUED = Number(process.env["WALKBACK_QUEUED"] ?? 150);
const PROGRAM = fileURLToPath(new URL("./queue-program.ts", import.meta.url));

/** A process of its own; `onLine` hears what it prints, and complaints are passed on. */
async function run(words: readonly string[], onLine: (line: string, child: ChildProcess) => void): Promise<NodeJS.Signals | number | null> {
  const child = spawn(process.execPath, ["--expose-gc", "--import", "tsx", PROGRAM, ...words], { stdio: ["ignore", "pipe", "inherit"] });
  const closed = once(child, "close") as Promise<[number | null, NodeJS.Signals | null]>;
  for await (const line of createInterface(child.stdout)) onLine(line, child);
  const [code, signal] = await closed;
  return signal ?? code;
}

/** How far the tenants that still wait with one priority may be apart. */
function isFair(served: readonly LoadedJob[]): boolean {
  const left = new Map<string | undefined, number>();
  for (const { tenant } of served) left.set(tenant, (left.get(tenant) ?? 0) + 1);
  const had = new Map([...left.keys()].map((tenant) => [tenant, 0]));
  return served.every(({ tenant }) => {
    const waiting = [...left].filter(([, count]) => count > 0).map(([name]) => had.get(name) ?? 0);
    const isLeast = (had.get(tenant) ?? 0) <= Math.min(...waiting) + 1;
    had.set(tenant, (had.get(tenant) ?? 0) + 1);
    left.set(tenant, (left.get(tenant) ?? 0) - 1);
    return isLeast;
  });
}

test(`${QUEUED} runs wait, their worker is killed half-way: none is lost, none is worked twice, and the order holds`, {
  timeout: 120_000 + QUEUED * 200,
}, async () => {
  await using folder = await aFolder();
  const files = [folder.file("store.db"), folder.file("world.db")];
  const heaps: string[] = [];
  const worked: number[][] = [[], []];
  const startedAt = performance.now();

  expect(await run(["fill", ...files, String(QUEUED)], (line) => heaps.push(line))).toBe(0);
  const filledAt = performance.now();
  const killed = await run(["serve", ...files], (line, child) => {
    if (line.startsWith("worked")) worked[0]?.push(Number(line.split(" ")[1]));
    if (worked[0]?.length === Math.floor(QUEUED / 2)) child.kill("SIGKILL");
  });
  const ended = await run(["serve", ...files], (line) => {
    if (line.startsWith("worked")) worked[1]?.push(Number(line.split(" ")[1]));
  });
  const servedAt = performance.now();

  expect([killed, ended]).toEqual(["SIGKILL", 0]);
  const store = sqliteStore(files[0] ?? "");
  const world = openWorld(files[1] ?? "");
  const all = jobs(QUEUED);
  const records = await Promise.all(all.map(({ number }) => store.runs.find(runIdOf(number) as RunId)));
  expect(records.map((record) => record?.status)).toEqual(all.map(({ isLate }) => (isLate ? "canceled" : "completed")));
  expect(new Set(records.filter((_, index) => all[index]?.isLate).map((record) => record?.failure?.code))).toEqual(
    new Set(["DEADLINE_EXCEEDED"]),
  );

  // In the world there is one row for each run that was not late, in the order in which they had their turns.
  const order = world.standing().map((key) => Number(key.split("/")[0]?.slice(-12)));
  const served = order.flatMap((number) => all[number] ?? []);
  expect(order.toSorted((a, b) => a - b)).toEqual(all.filter(({ isLate }) => !isLate).map(({ number }) => number));
  expect(world.calls().filter(({ outcome }) => outcome === "applied")).toHaveLength(order.length);
  expect(new Set(worked.flat()).size).toBe(order.length);
  expect(served.map(({ priority }) => priority)).toEqual(served.map(({ priority }) => priority).toSorted((a, b) => a - b));
  for (let priority = 1; priority <= 10; priority++) {
    const same = served.filter((job) => job.priority === priority);
    expect(isFair(same)).toBe(true);
    for (const tenant of new Set(same.map((job) => job.tenant))) {
      const own = same.filter((job) => job.tenant === tenant).map(({ number }) => number);
      expect(own).toEqual(own.toSorted((a, b) => a - b));
    }
  }
  expect((await store.verify()).problems).toEqual([]);
  expect(heaps).toHaveLength(3);
  await store.close();
  world.close();
  report([...heaps, `accepted in ${Math.round(filledAt - startedAt)} ms, served in ${Math.round(servedAt - filledAt)} ms`]);
});

function report(lines: readonly string[]): void {
  if (process.env["WALKBACK_REPORT"]) process.stdout.write(`${lines.join("\n")}\n`);
}
