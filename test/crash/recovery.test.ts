import type { ChildProcess } from "node:child_process";
import { setTimeout as delay } from "node:timers/promises";
import SqliteDatabase from "better-sqlite3";
import { describe, expect, test } from "vitest";
import { aHouse, type House } from "./house.js";
import type { Program } from "./program.js";
import { ASKS, HAPPY, PARALLEL, STUCK, WALKED_BACK } from "./scenarios.js";

const PAIRS: readonly (readonly [string, string, Program, string])[] = [
  ["run.accepted:after", "lease.claimed:after", HAPPY, "completed"],
  ["run.accepted:after", "checkpoint.written:before", HAPPY, "completed"],
  ["journal.intended:after", "effect.sent:after", HAPPY, "completed"],
  ["effect.sent:after", "journal.performed:after", HAPPY, "completed"],
  ["effect.sent:after#2", "effect.sent:after", HAPPY, "completed"],
  ["step.recorded:before", "step.recorded:after", HAPPY, "completed"],
  ["checkpoint.written:after#3", "run.ended:before", HAPPY, "completed"],
  ["run.ended:before", "run.ended:after", HAPPY, "completed"],
  ["step.recorded:after#3", "journal.undo-intended:after", WALKED_BACK, "rolled-back"],
  ["journal.undo-intended:after", "undo.sent:after", WALKED_BACK, "rolled-back"],
  ["undo.sent:after", "undo.sent:after", WALKED_BACK, "rolled-back"],
  ["journal.undone:after", "journal.undone:after", WALKED_BACK, "rolled-back"],
  ["journal.performed:after#3", "run.ended:before", WALKED_BACK, "rolled-back"],
  ["checkpoint.written:before#4", "checkpoint.written:after#2", WALKED_BACK, "rolled-back"],
  ["run.asked:after", "run.answered:after", ASKS, "completed"],
  ["run.answered:after", "run.asked:after", ASKS, "completed"],
  ["run.answered:after#2", "effect.sent:after", ASKS, "completed"],
  ["effect.sent:after#2", "journal.intended:before", PARALLEL, "completed"],
  ["journal.intended:after#4", "step.recorded:before#2", PARALLEL, "completed"],
  ["run.asked:after", "journal.undone:after", STUCK, "rolled-back"],
];

describe.concurrent("a process that is killed while it recovers what another one left", () => {
  test.each(PAIRS)("%s, then %s", async (first, second, program, status) => {
    await using house = await aHouse();
    const killed = [await house.start([program], { at: first }, { next: "carry" }), await house.recover({ at: second })];

    const runs = await house.finish();

    expect(killed).toMatchObject([{ killed: true }, { killed: true }]);
    expect(runs).toMatchObject([{ status }]);
    expect(await house.check()).toEqual([]);
  });
});

/** Spread over the time a run takes, and another in each run of the suite. */
const MOMENTS = Array.from({ length: 20 }, (_, index) => Math.round((index + Math.random()) * 10));

describe.concurrent("a process that is killed at any time, with three runs in it", () => {
  test.each(MOMENTS)("%i ms after it began", async (afterMs) => {
    const slow = ({ name, steps }: Program): Program => ({ name, steps: steps.map((step) => ({ ...step, pauseMs: 15 })) });
    await using house = await aHouse();
    await house.start([HAPPY, WALKED_BACK, PARALLEL].map(slow), { afterMs });

    const runs = await house.finish();

    expect(runs.map(({ status }) => status).filter((status) => status !== "completed" && status !== "rolled-back")).toEqual([]);
    expect(await house.check()).toEqual([]);
  });
});

test("two processes that recover one store at a time carry each run on exactly once", async () => {
  const programs = Array.from({ length: 20 }, (_, index): Program => ({ ...(index % 2 ? WALKED_BACK : HAPPY), name: `program-${index}` }));
  await using house = await aHouse();
  await house.start(
    programs.map((program) => ({ ...program, steps: program.steps.map((step) => ({ ...step, pauseMs: 5 })) })),
    { at: "effect.sent:after#30" },
  );
  const job = { next: "recover", aheadMs: 3_600_000, beginAt: Date.now() + 1_000 } as const;

  const both = await Promise.all([house.launch(job).ended, house.launch(job).ended]);

  const carried = both.flatMap(({ notices }) => notices.flatMap((notice) => (notice.said === "ended" ? [notice.runId] : [])));
  expect(both.map(({ killed }) => killed)).toEqual([false, false]);
  expect(carried.toSorted()).toEqual(house.attempted.toSorted());
  expect(epochsIn(house)).toEqual([2]); // one for the start, and one claim
  expect((await house.finish()).map(({ status }) => status).toSorted()).toEqual([
    ...Array(10).fill("completed"),
    ...Array(10).fill("rolled-back"),
  ]);
  expect(await house.check()).toEqual([]);
});

describe.concurrent("a process that is stopped past its lease, overtaken, and then continued", () => {
  const LEASE_MS = 1_000;
  const cases: readonly (readonly [string, Program, string, string])[] = [
    [
      "between two effects",
      { name: "sleeper", steps: [{ effects: [{ kind: "keyed" }, { kind: "findable" }], pauseMs: 500 }, { effects: [{ kind: "keyed" }] }] },
      "perform",
      "completed",
    ],
    [
      "while the other side works",
      { name: "sleeper", steps: [{ effects: [{ kind: "keyed", pauseMs: 500 }] }, { effects: [{ kind: "findable" }] }] },
      "perform",
      "completed",
    ],
    [
      "in its walk-back",
      { name: "sleeper", steps: [{ effects: [{ kind: "keyed" }, { kind: "keyed", pauseMs: 500 }] }, { ends: "fails" }] },
      "undo",
      "rolled-back",
    ],
  ];

  test.each(cases)("%s, cannot write any more, though it believes that its lease still holds", async (_where, program, action, status) => {
    await using house = await aHouse();
    const sleeper = house.launchRun(program);
    await until(() => house.world.calls().some((call) => call.action === action));
    await stopBetweenWrites(sleeper.process, house);

    const other = await house.launch({ next: "recover", aheadMs: 3_600_000 }).ended; // where it is an hour later
    const before = await house.evidence();
    sleeper.process.kill("SIGCONT");
    const { notices } = await sleeper.ended;

    expect(other.notices).toContainEqual(expect.objectContaining({ said: "ended", status }));
    expect(notices).toContainEqual(expect.objectContaining({ said: "ended", status })); // as the other left it
    expect(await house.evidence()).toEqual(before);
    expect(await house.check()).toEqual([]);
  });

  test("lets go by itself when its lease has lapsed by its own clock", async () => {
    const [[, program] = ["", HAPPY]] = cases;
    await using house = await aHouse();
    const sleeper = house.launchRun(program, { leaseMs: LEASE_MS });
    await until(() => house.world.calls().some(({ action }) => action === "perform"));
    await stopBetweenWrites(sleeper.process, house);
    await delay(LEASE_MS + 200);

    const other = await house.launch({ next: "recover", aheadMs: 0 }).ended;
    const before = await house.evidence();
    sleeper.process.kill("SIGCONT");
    await sleeper.ended;

    expect(other.notices).toContainEqual(expect.objectContaining({ said: "ended", status: "completed" }));
    expect(await house.evidence()).toEqual(before);
    expect(await house.check()).toEqual([]);
  });
});

/** Stopped in the middle of a transaction it would hold the file, and nobody could overtake it before it goes on. */
async function stopBetweenWrites(process: ChildProcess, { storeFile, worldFile }: House): Promise<void> {
  for (;;) {
    process.kill("SIGSTOP");
    if (isFree(storeFile) && isFree(worldFile)) return;
    process.kill("SIGCONT");
    await delay(5);
  }
}

function isFree(file: string): boolean {
  const database = new SqliteDatabase(file, { timeout: 0 });
  try {
    database.exec("BEGIN IMMEDIATE; ROLLBACK");
    return true;
  } catch {
    return false;
  } finally {
    database.close();
  }
}

function epochsIn({ storeFile }: House): unknown[] {
  const database = new SqliteDatabase(storeFile);
  const epochs = database.prepare("SELECT DISTINCT epoch FROM runs").pluck().all();
  database.close();
  return epochs;
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await delay(5);
}
