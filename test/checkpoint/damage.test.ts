import { readFileSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import SqliteDatabase from "better-sqlite3";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { sqliteStore } from "walkback";
import { aFolder, type Folder } from "../support/store.js";
import { copied, type Examination, examine, fill, type Original, original, randomFrom } from "./damage.js";

/** `npm run test:damage` for more of them, at other places. */
const FLIPS = Number(process.env["WALKBACK_FLIPS"] ?? 60);
const TRUNCATIONS = Number(process.env["WALKBACK_TRUNCATIONS"] ?? 25);
const SEED = Number(process.env["WALKBACK_SEED"] ?? 1);
const LONG = { timeout: 1_800_000 };

let folder: Folder;
let sound: Original;
/** The same store before it was closed: much of it is still in its write-ahead log. */
let unclean: Original;

beforeAll(async () => {
  folder = await aFolder();
  const path = folder.file("store.db");
  const store = sqliteStore(path);
  await fill(store);
  copied(path, folder.file("unclean.db"));
  await store.close();
  sound = await original(path);
  unclean = await original(folder.file("unclean.db"));
});

afterAll(async () => folder[Symbol.asyncDispose]());

let copies = 0;

/** Damages a copy and looks at what became of it. */
async function afterHarm(from: Original, damage: (path: string) => void): Promise<Examination> {
  copies += 1;
  const path = copied(from.path, folder.file(`copy-${copies}.db`));
  damage(path);
  const examination = await examine(path, from);
  for (const name of [path, `${path}.to-dump`])
    for (const suffix of ["", "-wal", "-shm", ".anchor"]) rmSync(name + suffix, { force: true });
  return examination;
}

function flip(path: string, bit: number): void {
  const bytes = readFileSync(path);
  bytes[bit >> 3] = (bytes[bit >> 3] as number) ^ (1 << (bit & 7));
  writeFileSync(path, bytes);
}

/** What was damaged, with what was missed there. */
function missed(examined: readonly (readonly [what: string, Examination])[]): string[] {
  return examined.flatMap(([what, { misses }]) => (misses.length > 0 ? [`${what}: ${misses.slice(0, 4).join("; ")}`] : []));
}

function report(what: string, examined: readonly (readonly [string, Examination])[]): void {
  if (!process.env["WALKBACK_REPORT"]) return;
  const all = examined.map(([, examination]) => examination);
  const [live, dead] = [all.filter((each) => each.live), all.filter((each) => !each.live)];
  const opened = live.filter(({ noticedBy }) => noticedBy.startsWith("opening"));
  const verified = live.filter(({ noticedBy }) => noticedBy.startsWith("verify"));
  const lines: readonly (readonly [number, string])[] = [
    [all.length, `${what} (seed ${SEED})`],
    [live.length, "hit live data, of which"],
    [opened.length, "  were noticed by opening"],
    [verified.length, "  were noticed by verify, of which"],
    [verified.filter(({ refusals }) => refusals > 0).length, "    were refused by reading, too"],
    [verified.filter(({ refusals, absences }) => refusals === 0 && absences.length === 0).length, "    changed no answer"],
    [verified.filter(({ absences }) => absences.length > 0).length, "    left an answer with less than there is"],
    [dead.length, "hit dead space, of which"],
    [dead.filter(({ noticedBy }) => noticedBy !== "nothing").length, "  were noticed all the same"],
    [missed(examined).length, "were missed"],
  ];
  const parts = [...new Set(live.map(({ noticedBy }) => noticedBy))].map((part) => {
    const count = live.filter(({ noticedBy }) => noticedBy === part).length;
    return `${String(count).padStart(6)} ${part}`;
  });
  const absent = examined.flatMap(([where, { absences }]) => (absences.length > 0 ? [`${where}: ${absences.slice(0, 3).join("; ")}`] : []));
  console.log(
    [...lines.map(([count, name]) => `${String(count).padStart(6)} ${name}`), ...parts, ...missed(examined), ...absent].join("\n"),
  );
}

test("a store without damage is found sound", async () => {
  for (const from of [sound, unclean])
    expect(await afterHarm(from, () => {})).toEqual({
      live: false,
      noticedBy: "nothing",
      refusals: 0,
      misses: [],
      absences: [],
    });
  expect(statSync(sound.path).size).toBeGreaterThan(200 * 1024);
});

test(`each of ${FLIPS} flipped bits is noticed, and nothing is read as something else`, LONG, async () => {
  const random = randomFrom(SEED);
  const bits = statSync(sound.path).size * 8;
  const examined: [string, Examination][] = [];
  for (let round = 0; round < FLIPS; round++) {
    const bit = random(bits);
    examined.push([`bit ${bit & 7} of byte ${bit >> 3}`, await afterHarm(sound, (path) => flip(path, bit))]);
  }

  report("flipped bits", examined);
  expect(missed(examined)).toEqual([]);
  // Where a bit of an index is another one, a row cannot be found any more; only verify can tell that from a row that never was.
  expect(examined.filter(([, { absences }]) => absences.length > 0).length).toBeLessThanOrEqual(Math.ceil(FLIPS / 30));
});

/** Of a whole content's record: no id, a hash of 32 bytes, `json`, no base, 0 shared, 0 deep; then how long its tail is. */
const HEADER = Buffer.from([0, 76, 21, 0, 8, 8]);

test.each([
  ["the hashes", 1],
  ["the tails", HEADER.length + 1],
])("bits that make text of %s are noticed, and nothing breaks over it", async (_what, place) => {
  const { live, noticedBy, misses } = await afterHarm(sound, (path) => {
    const bytes = readFileSync(path);
    for (let at = bytes.indexOf(HEADER); at >= 0; at = bytes.indexOf(HEADER, at + 1)) flip(path, (at + place) * 8);
  });

  expect({ live, noticedBy, misses }).toEqual({ live: true, noticedBy: expect.stringContaining("contents"), misses: [] });
});

test("links that go round in a circle are noticed, and reading ends", async () => {
  const { noticedBy, misses } = await afterHarm(sound, (path) => {
    const database = new SqliteDatabase(path);
    const guard = database.prepare<[], string>("SELECT sql FROM sqlite_schema WHERE name = 'contents_no_update'").pluck().get() ?? "";
    database.exec("DROP TRIGGER contents_no_update");
    const round = database
      .prepare("UPDATE contents SET base = (SELECT max(id) FROM contents c WHERE c.base = contents.id) WHERE depth = 1")
      .run();
    database.exec(guard);
    database.close();
    expect(round.changes).toBeGreaterThan(0);
  });

  expect({ noticedBy, misses }).toEqual({ noticedBy: expect.stringContaining("contents"), misses: [] });
});

test.each([
  ["a trigger that is not text any more", "sql = CAST(sql AS BLOB) WHERE name = 'journal_no_update'"],
  ["a column that is called otherwise", "sql = replace(sql, 'contract TEXT', 'Contract TEXT') WHERE name = 'versions'"],
])("%s is noticed", async (_what, change) => {
  const { noticedBy, misses } = await afterHarm(sound, (path) => {
    const database = new SqliteDatabase(path).unsafeMode();
    database.pragma("writable_schema = ON");
    database.exec(`UPDATE sqlite_schema SET ${change}`);
    database.close();
  });

  expect({ noticedBy, misses }).toEqual({ noticedBy: expect.stringMatching(/^verify: .*file/), misses: [] });
});

test(`each of ${TRUNCATIONS} cut-off files is noticed`, LONG, async () => {
  const random = randomFrom(SEED);
  const { size } = statSync(sound.path);
  const lengths = [
    0,
    1,
    100,
    512,
    4096,
    size - 1,
    size - 4096,
    ...Array.from({ length: Math.max(0, TRUNCATIONS - 7) }, () => random(size)),
  ];
  const examined: [string, Examination][] = [];
  for (const length of lengths) examined.push([`cut to ${length} bytes`, await afterHarm(sound, (path) => truncateSync(path, length))]);

  report("truncations", examined);
  expect(missed(examined)).toEqual([]);
  expect(examined.every(([, { noticedBy }]) => noticedBy !== "nothing")).toBe(true);
});

describe("of a store that was not closed", () => {
  test("a write-ahead log that lost its end, or has a bit flipped, is noticed", LONG, async () => {
    const random = randomFrom(SEED + 1);
    const { size } = statSync(`${unclean.path}-wal`);
    const examined: [string, Examination][] = [];
    for (let round = 0; round < TRUNCATIONS; round++) {
      const length = random(size);
      examined.push([`log cut to ${length} bytes`, await afterHarm(unclean, (path) => truncateSync(`${path}-wal`, length))]);
      const bit = random(size * 8);
      examined.push([`bit ${bit & 7} of byte ${bit >> 3} of the log`, await afterHarm(unclean, (path) => flip(`${path}-wal`, bit))]);
    }

    report("damaged logs", examined);
    expect(missed(examined)).toEqual([]);
  });

  test("a log that is gone is noticed", async () => {
    const { noticedBy, misses } = await afterHarm(unclean, (path) => rmSync(`${path}-wal`));

    expect({ noticedBy, misses }).toEqual({ noticedBy: "opening: STORE_DAMAGED", misses: [] });
  });
});

describe("an anchor", () => {
  test("that is gone is told of by verify, and the next commit makes a new one", async () => {
    const { noticedBy, misses } = await afterHarm(sound, (path) => rmSync(`${path}.anchor`));

    expect({ noticedBy, misses }).toEqual({ noticedBy: "verify: anchor", misses: [] });
  });

  test("of another store is not taken for this one's", async () => {
    const other = sqliteStore(folder.file("other.db"));
    await fill(other);
    await other.close();

    const { noticedBy } = await afterHarm(sound, (path) => writeFileSync(`${path}.anchor`, readFileSync(folder.file("other.db.anchor"))));

    expect(noticedBy).toBe("opening: STORE_DAMAGED");
  });

  test.each([0, 1])("that is torn in slot %i still serves with the other, or says that it is not there", async (slot) => {
    const { noticedBy, misses } = await afterHarm(sound, (path) => {
      const bytes = readFileSync(`${path}.anchor`);
      bytes.fill(0, slot * 256 + 20, slot * 256 + 150);
      writeFileSync(`${path}.anchor`, bytes);
    });

    expect(misses).toEqual([]);
    expect(noticedBy).toBe("nothing");
  });

  test("with any bit flipped never makes a sound store look damaged, or a damaged one sound", LONG, async () => {
    const random = randomFrom(SEED + 2);
    const bits = statSync(`${sound.path}.anchor`).size * 8;
    const examined: Examination[] = [];
    for (let round = 0; round < 20; round++) {
      const bit = random(bits);
      examined.push(await afterHarm(sound, (path) => flip(`${path}.anchor`, bit)));
    }

    expect(examined.flatMap(({ misses }) => misses)).toEqual([]);
    expect([...new Set(examined.map(({ noticedBy }) => noticedBy))]).toEqual(["nothing"]);
  });
});
