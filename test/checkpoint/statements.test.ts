import { copyFileSync, existsSync } from "node:fs";
import { expect, test } from "vitest";
import { sqliteStore } from "walkback";
import { run as runProgram } from "../support/child.js";
import { dumpOf } from "../support/dump.js";
import { atEachStatement } from "../support/statements.js";
import { aFolder } from "../support/store.js";
import { type Operation, operations, readied } from "./operations.js";

const FILES = ["", "-wal", ".anchor"];
const NAMES = Object.keys(operations) as Operation[];

/** The file as a process that dies at this moment leaves it: what the system has been told to write, and no shared memory. */
function copy(from: string, to: string): string {
  for (const suffix of FILES) if (existsSync(from + suffix)) copyFileSync(from + suffix, to + suffix);
  return to;
}

async function problemsOf(path: string): Promise<unknown> {
  const store = sqliteStore(path);
  try {
    const { problems, anchor } = await store.verify();
    return { problems, anchor };
  } finally {
    await store.close();
  }
}

test.each(NAMES)(
  "a crash between any two statements of %s leaves all of it or nothing, and all of it once it was acknowledged",
  async (operation) => {
    await using folder = await aFolder();
    const path = folder.file("store.db");
    const store = sqliteStore(path);
    const ready = await readied(store);
    const before = dumpOf(copy(path, folder.file("before.db")));

    const crashes: string[] = [];
    const watching = atEachStatement((statement, moment) => {
      crashes.push(copy(path, folder.file(`crash-${statement}-${moment}.db`)));
    });
    try {
      await operations[operation](store, ready);
    } finally {
      watching[Symbol.dispose]();
    }
    const after = dumpOf(copy(path, folder.file("after.db")));
    await store.close();

    expect(after).not.toBe(before);
    const outcomes: string[] = [];
    for (const crash of crashes) {
      expect(await problemsOf(crash)).toEqual({ problems: [], anchor: "holds" });
      const found = dumpOf(crash);
      outcomes.push(found === before ? "nothing" : found === after ? "all" : `something else at ${crash}`);
    }
    expect([...new Set(outcomes)]).toEqual(["nothing", "all"]);
    expect(outcomes.toSorted().toReversed()).toEqual(outcomes);
  },
);

/** In `npm test` two moments, each in a process of its own; with WALKBACK_LONG all moments of all operations. */
const KILLS: [Operation, readonly number[]][] = process.env["WALKBACK_LONG"]
  ? NAMES.map((name) => [name, Array.from({ length: 1_000 }, (_, index) => index + 2)])
  : [
      ["put", [9]],
      ["fork", [14]],
    ]; // prettier-ignore

test.each(KILLS)(
  "a process that kills itself in the middle of %s leaves a store that holds",
  { timeout: 600_000 },
  async (operation, moments) => {
    await using folder = await aFolder();
    for (const moment of moments) {
      const path = folder.file(`store-${moment}.db`);

      const output = await runProgram("die-at-statement", path, operation, String(moment));

      expect(await problemsOf(path)).toEqual({ problems: [], anchor: "holds" });
      if (output === "ready\nacknowledged\n") return expect(moment).toBeGreaterThan(10); // it got through: all moments were tried
      expect(output).toBe("ready\n");
    }
  },
);
