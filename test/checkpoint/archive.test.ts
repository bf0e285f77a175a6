import SqliteDatabase from "better-sqlite3";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createOrchestrator, type Fence, type RunId, type Store, seal, sqliteStore } from "walkback";
import { ArchiveSeal } from "../../src/checkpoint/archive/write.js";
import { entryHash, linkHash } from "../../src/checkpoint/chain.js";
import { aLedger, anOrder, failing, shopAgents, shopWorkflow } from "../graph/support.js";
import { textOf } from "../support/archive.js";
import { acceptedIn, aVersion } from "../support/records.js";
import { aFolder } from "../support/store.js";

/** `WALKBACK_EDITS=5000` for the long form. */
const EDITS = Number(process.env["WALKBACK_EDITS"] ?? 150);
const RUN_ID = "01a1fe79-9a5b-76f7-89b7-4b6f46a690b0" as RunId;

/** The file of a real run that is parked, since one of its effects could not be undone. */
let file: string;
let target: Store;

beforeAll(async () => {
  const ledger = aLedger();
  ledger.stuck.add("charge");
  const agents = shopAgents(ledger);
  const store = sqliteStore(":memory:");
  const workflow = shopWorkflow({ ...agents, writeReceipt: failing(agents.writeReceipt) });
  const run = await createOrchestrator({ store, workflows: [workflow] }).start(workflow, anOrder(), { runId: RUN_ID });
  expect(run.status).toBe("parked");
  file = await textOf(store, RUN_ID);
  await store.close();
  target = sqliteStore(":memory:");
});

afterAll(() => target.close());

type Line = Record<string, unknown>;

/** The file with some of its lines changed, and an end that fits them. */
function resealed(change: (line: Line) => Line | readonly Line[]): string {
  const seals = new ArchiveSeal();
  const parsed = file
    .trimEnd()
    .split("\n")
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Line); // prettier-ignore
  const lines = parsed.flatMap(change).map((line) => `${JSON.stringify(line)}\n`);
  for (const line of lines) seals.add(line, (JSON.parse(line) as Line)["kind"] as string | undefined);
  return lines.join("") + seals.end();
}

async function refused(text: string): Promise<string> {
  const failure = await target.import([text]).then(
    () => "it was taken",
    (thrown: { code: string; message: string }) => `${thrown.code}: ${thrown.message}`,
  );
  expect(await target.runs.list({})).toEqual([]);
  return failure;
}

describe("a file that was touched is refused, and nothing of it is kept", () => {
  test("whatever byte was changed", async () => {
    const bytes = Buffer.from(file);
    await fc.assert(
      fc.asyncProperty(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), async (at, mask) => {
        const changed = Buffer.from(bytes);
        changed[at] = (changed[at] as number) ^ mask;
        expect(await refused(changed.toString("utf8"))).toMatch(/^ARCHIVE_INVALID/);
      }),
      { numRuns: EDITS },
    );
  });

  test("wherever it was cut off", async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(file.length - 1), async (at) => {
        expect(await refused(file.slice(0, at))).toMatch(/^ARCHIVE_INVALID/);
      }),
      { numRuns: EDITS },
    );
  });

  test("whatever line was dropped, doubled, or swapped with another", async () => {
    const lines = file.split(/(?<=\n)/);
    const place = fc.nat(lines.length - 1);
    await fc.assert(
      fc.asyncProperty(fc.constantFrom("drop", "double", "swap"), place, place, async (how, at, other) => {
        fc.pre(how !== "swap" || lines[at] !== lines[other]);
        const changed = [...lines];
        if (how === "drop") changed.splice(at, 1);
        if (how === "double") changed.splice(at, 0, lines[at] as string);
        if (how === "swap") [changed[at], changed[other]] = [lines[other] as string, lines[at] as string];
        expect(await refused(changed.join(""))).toMatch(/^ARCHIVE_INVALID/);
      }),
      { numRuns: EDITS },
    );
  });

  test("even with an end that fits: the chains and what is referred to must hold", async () => {
    const edit = (kind: string, change: (line: Line) => Line | readonly Line[]) =>
      refused(resealed((line) => (line["kind"] === kind ? change(line) : line)));

    expect(await edit("version", (line) => ({ ...line, source: "human" }))).toMatch(/chain of versions does not hold at number 0/);
    expect(await edit("journal", (line) => ({ ...line, body: "other" }))).toMatch(/chain of the journal does not hold at entry 0/);
    expect(await edit("value", (line) => ("json" in line ? { ...line, json: 7 } : line))).toMatch(/not what its hash says/);
    expect(await edit("value", () => [])).toMatch(/the value [0-9a-f]{64} is missing/);
    expect(await edit("write", () => [])).toMatch(/a value that nothing refers to/);
    expect(await edit("version", (line) => (line["number"] === 0 ? [] : line))).toMatch(/is not the next one/);
    expect(await edit("version", (line) => ({ ...line, parents: [9] }))).toMatch(/made from a later one/);
    expect(await edit("run", (line) => [line, line])).toMatch(/there twice/);
    expect(await edit("run", (line) => ({ ...line, status: "completed", endedAt: "2026-11-02T08:00:00.000Z" }))).toMatch(/another output/);
    const ended = { status: "completed", endedAt: "2026-11-02T08:00:00.000Z", outputVersion: 99 };
    expect(await edit("run", (line) => ({ ...line, ...ended }))).toMatch(/a version that is not there/);
    expect(await edit("run", (line) => ({ ...line, forkedFrom: { runId: "other", number: 0 } }))).toMatch(/chain of versions/);
    expect(await edit("run", (line) => ({ ...line, more: 1 }))).toMatch(/Unrecognized key/);
    expect(await edit("question", (line) => ({ ...line, answeredAt: "2026-11-02T08:00:00.000Z" }))).toMatch(/half answered/);
    expect(await edit("event", (line) => ({ ...line, kind: "rumor" }))).toMatch(/of no kind/);
  });

  test("even one whose journal was written anew with the key of another run", async () => {
    const other = sqliteStore(":memory:");
    await other.import([file]);
    const stranger = file.replaceAll(`"runId":"${RUN_ID}"`, '"runId":"01a1fe79-0000-7000-8000-000000000000"');
    let [version, entry] = ["0".repeat(64), "0".repeat(64)];
    const parsed = (line: Line) => {
      const runId = "01a1fe79-0000-7000-8000-000000000000" as RunId;
      if (line["kind"] === "version") {
        const link = { ...line, runId, parents: JSON.stringify(line["parents"]), previousHash: version };
        version = linkHash(link as unknown as Parameters<typeof linkHash>[0]);
        return { ...line, previousHash: link.previousHash, hash: version };
      }
      if (line["kind"] === "journal") {
        const written = { ...line, runId, body: JSON.stringify(line["body"]) };
        entry = entryHash(written as unknown as Parameters<typeof entryHash>[0], entry);
        return { ...line, hash: entry };
      }
      return "walkback" in line ? { ...line, runId } : line;
    };

    await expect(other.import([stranger])).rejects.toThrow(expect.objectContaining({ code: "ARCHIVE_INVALID" }));
    await expect(other.import([resealed(parsed)])).rejects.toThrow(/something of another run of this store/);
    expect(await other.runs.list({})).toHaveLength(1);
    expect((await other.verify()).problems).toEqual([]);
    await other.close();
  });
});

test("a fork is refused where another run has the id of its source", async () => {
  const [store, other] = [sqliteStore(":memory:"), sqliteStore(":memory:")];
  const source = await acceptedIn(store);
  const times = { acceptedAt: "2026-11-02T09:00:00.000Z", holder: "us", until: "2026-11-02T09:00:30.000Z" };
  const runId = "01a1fe79-0000-7000-8000-00000000f0f0" as RunId;
  await store.runs.fork({ runId, ...times, from: { runId: source.runId, number: 0 }, data: undefined });
  await acceptedIn(other, { runId: source.runId, input: seal("another one") });

  await expect(other.import([await textOf(store, runId)])).rejects.toThrow(/forked from another run/);

  await Promise.all([store.close(), other.close()]);
});

test("a run that does not hold is not given out", async () => {
  await using folder = await aFolder();
  const path = folder.file("store.db");
  const store = sqliteStore(path);
  await store.import([file]);
  const database = new SqliteDatabase(path);
  database.exec("DROP TRIGGER events_no_update; UPDATE events SET body = replace(body, 'shop', 'shed')");
  database.close();

  await expect(textOf(store, RUN_ID)).rejects.toMatchObject({ code: "STORE_DAMAGED", details: { where: "events" } });
  await store.close();
});

test("a list that grows costs what was added, and a run of a thousand versions comes in lines", async () => {
  const [store, other] = [sqliteStore(":memory:"), sqliteStore(":memory:")];
  const lease: Fence = await acceptedIn(store);
  const notes: string[] = [];
  for (let number = 1; number < 1_000; number++) {
    notes.push(`note ${number}: ${"a word ".repeat(5)}`);
    await store.versions.append(aVersion(lease, { round: number, parents: [number - 1], data: seal({ notes }) }));
  }

  const lengths: number[] = [];
  const lines: string[] = [];
  for await (const line of store.export(lease.runId)) {
    lengths.push(line.length);
    lines.push(line);
  }
  await other.import(lines);

  expect(lengths.reduce((sum, length) => sum + length)).toBeLessThan(1_000 * 1_000); // written out, it would be 23 MB
  expect(await textOf(other, lease.runId)).toBe(lines.join(""));
  expect((await other.versions.list(lease.runId)).at(-1)?.data).toEqual({ notes });
  await Promise.all([store.close(), other.close()]);
});

test("a store can be read on while somebody has begun to export and left", async () => {
  await using folder = await aFolder();
  const store = sqliteStore(folder.file("store.db"));
  await store.import([file]);
  for await (const _ of store.export(RUN_ID)) break;

  await acceptedIn(store);

  expect(await store.runs.list({})).toHaveLength(2);
  await store.close();
  await expect(textOf(store, RUN_ID)).rejects.toMatchObject({ code: "STORE_CLOSED" });
});
