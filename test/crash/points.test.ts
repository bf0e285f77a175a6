import { afterAll, describe, expect, test } from "vitest";
import { CRASH_POINTS } from "../../src/contracts/crash-point.js";
import { aHouse, type Crash } from "./house.js";
import type { Program } from "./program.js";
import { ASKS, HAPPY, PARALLEL, STUCK, TIERED, WALKED_BACK } from "./scenarios.js";

const died = new Set<string>();

/** Kills a run at the point, carries it on, and returns how it ended. */
async function killAndCarryOn(program: Program, at: string) {
  await using house = await aHouse();
  const crash: Crash = { at };
  const first = await house.start([program], RECOVERY.has(at) ? { at: "journal.intended:after" } : crash, { next: "carry" });
  const second = RECOVERY.has(at) ? await house.recover(crash) : first;
  if (second.killed) died.add(at.replace(/#.*/, ""));
  const runs = await house.finish();
  const paid = house.world.calls().flatMap(({ key, action }) => (action === "pay" ? [key] : []));
  const paidTwice = paid.filter((key, index) => paid.indexOf(key) < index);
  return { killed: second.killed, statuses: runs.map(({ status }) => status), violations: [...(await house.check()), ...paidTwice] };
}

/** Nobody claims a lease before there is something to recover. */
const RECOVERY: ReadonlySet<string> = new Set(["lease.claimed:after"]);
const FORWARD = CRASH_POINTS.filter((point) => !/undo|settled|asked|answered|tier/.test(point));
const BACK = CRASH_POINTS.filter((point) => !/settled|asked|answered|tier/.test(point));
const HUMAN = CRASH_POINTS.filter((point) => !/undo|settled|tier/.test(point));

/** With the first crash before anything is on disk, there is no run to end. */
const ending = (at: string, status: string) => (at === "run.accepted:before" ? [] : [status]);

describe.concurrent("a process that is killed at a named point leaves a run that ends well", () => {
  test.each(FORWARD)("%s, on the way forward", async (at) => {
    expect(await killAndCarryOn(HAPPY, at)).toEqual({ killed: true, statuses: ending(at, "completed"), violations: [] });
  });

  test.each(BACK)("%s, when the run is walked back", async (at) => {
    expect(await killAndCarryOn(WALKED_BACK, at)).toEqual({ killed: true, statuses: ending(at, "rolled-back"), violations: [] });
  });

  test.each(HUMAN)("%s, when a human is asked", async (at) => {
    expect(await killAndCarryOn(ASKS, at)).toEqual({ killed: true, statuses: ending(at, "completed"), violations: [] });
  });

  test.each([
    "journal.intended:after#2",
    "effect.sent:after#3",
    "step.recorded:after#4",
    "checkpoint.written:after#2",
    "journal.performed:after#4",
  ])("%s, with branches side by side", async (at) => {
    expect(await killAndCarryOn(PARALLEL, at)).toEqual({ killed: true, statuses: ["completed"], violations: [] });
  });

  test.each([
    "tier.failed:before",
    "tier.failed:after",
    "tier.failed:before#2",
    "tier.failed:after#2",
    "journal.undo-intended:after#2",
    "undo.sent:after#2",
    "journal.undone:after#3",
    "journal.undone:after#4",
    "journal.intended:after#4",
    "effect.sent:after#3",
    "effect.sent:after#5",
    "journal.performed:after#6",
    "step.recorded:before",
    "step.recorded:after",
  ])("%s, when tiers fail and the next ones take their place", async (at) => {
    expect(await killAndCarryOn(TIERED, at)).toEqual({ killed: true, statuses: ["completed"], violations: [] });
  });

  test("journal.settled:after, when a human skips what cannot be undone", async () => {
    const ended = await killAndCarryOn({ ...STUCK, settle: "skip" }, "journal.settled:after");

    expect(ended).toEqual({ killed: true, statuses: ["rolled-back"], violations: [] });
  });

  test.each(["undo.sent:after#2", "journal.undone:after#1", "run.asked:after", "run.answered:after", "journal.undo-intended:after#3"])(
    "%s, when an undo fails until a human has mended it",
    async (at) => {
      expect(await killAndCarryOn(STUCK, at)).toEqual({ killed: true, statuses: ["rolled-back"], violations: [] });
    },
  );

  test.each([
    "checkpoint.written:before#3",
    "checkpoint.written:after#5",
    "step.recorded:before#2",
    "journal.undone:after#3",
    "undo.sent:after#2",
  ])("%s, further on", async (at) => {
    expect(await killAndCarryOn(WALKED_BACK, at)).toEqual({ killed: true, statuses: ["rolled-back"], violations: [] });
  });
});

afterAll(() => {
  const missed = CRASH_POINTS.filter((point) => !died.has(point));
  expect(missed, "named crash points at which no test has killed a process").toEqual([]);
});
