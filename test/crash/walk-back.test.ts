import { describe, expect, test } from "vitest";
import type { Undone } from "walkback";
import { decide } from "./carry.js";
import { aHouse, type House } from "./house.js";
import type { Program, StepPlan } from "./program.js";

const stuck = { effects: [{ kind: "keyed", undo: "fails" }] } as const;
const TWO_STUCK: Program = { name: "two-stuck", settle: "skip", steps: [stuck, { ...stuck, after: [0] }, { ends: "fails" }] };

/** The one run there is. */
async function theRun(house: House) {
  const orchestrator = house.open();
  const [record] = await orchestrator.list();
  return { orchestrator, run: await orchestrator.get(record?.runId ?? "") };
}

test("a human who settles one undo is asked about the next one, when the walk-back stops at each", async () => {
  await using house = await aHouse();
  await house.start([{ ...TWO_STUCK, onUndoFailure: "stop" }]);
  const { orchestrator, run } = await theRun(house);

  const again = await orchestrator.resume(run.runId, { decision: "skip", reason: "the first may stay" });

  expect(run).toMatchObject({ status: "parked", remaining: [{ agent: "step-1" }] });
  expect(again).toMatchObject({ status: "parked", remaining: [{ agent: "step-0" }], undone: [{ agent: "step-1", outcome: "skipped" }] });
});

test("a human who has settled several undos at once is not asked again when the process dies in the middle of writing it down", async () => {
  await using house = await aHouse();
  await house.start([TWO_STUCK]);
  await house.recover({ at: "journal.settled:after" });

  const [run] = await house.open().recover();

  expect(run).toMatchObject({ status: "rolled-back", undone: [{ outcome: "skipped" }, { outcome: "skipped" }] });
  expect(await house.check()).toEqual([]);
});

test("the graph's state knows of an undo whose process died before its checkpoint", async () => {
  const program: Program = { name: "undoes-two", steps: [{ effects: [{ kind: "keyed" }, { kind: "findable" }] }, { ends: "fails" }] };
  await using house = await aHouse();
  await house.start([program], { at: "journal.undone:after" });
  const { orchestrator, run } = await theRun(house);

  await orchestrator.recover();

  const { values } = await orchestrator.graph(program.name).getState({ configurable: { thread_id: run.runId } });
  const undone = Object.values(values["undone"] as Record<string, Undone>);
  expect(undone.map(({ effect }) => effect).toSorted()).toEqual(["findable-1", "keyed-0"]);
});

test("a human's answer to a run that is being walked back is not lost with the process", async () => {
  await using house = await aHouse();
  const program: Program = { ...TWO_STUCK, settle: "retry" };
  await house.start([program]);
  const { run } = await theRun(house);
  if (run.status !== "parked" || !run.questions[0]) throw new Error(`The run is ${run.status}.`);
  decide(program, house.world, run, run.questions[0]);
  await house.recover({ at: "run.answered:after" });

  const [ended] = await house.open().recover();

  expect(ended?.status).toBe("rolled-back");
  expect(await house.check()).toEqual([]);
});

test("runs of another program do not keep a process from recovering its own", async () => {
  const others = Array.from({ length: 20 }, (_, index): Program => ({ name: `other-${index}`, steps: [{ pauseMs: 5_000 }] }));
  const own: Program = { name: "own", steps: [{ pauseMs: 1 }] };
  await using house = await aHouse();
  await house.start([...others, own], { at: "step.recorded:before" });

  const recovered = await house.launch({ programs: [own], aheadMs: 3_600_000, next: "recover" }).ended;

  expect(recovered.notices).toContainEqual(expect.objectContaining({ said: "ended", status: "completed" }));
});

describe("past a point of no return", () => {
  const pivots = (kind: "pivot" | "irreversible", step: StepPlan): Program => ({
    name: "pivots",
    steps: [{ effects: [{ kind: "keyed" }] }, { ...step, effects: [{ kind: "keyed" }, { kind }] }],
  });

  test.each(["use", "skip"] as const)("a human who answers %s finds everything still standing", async (answer) => {
    await using house = await aHouse();
    await house.start([pivots("pivot", { ends: "fails-after", answer })]);

    const [run] = await house.finish();

    expect(run?.status).toBe("completed");
    expect(house.world.standing()).toHaveLength(3);
    expect(await house.check()).toEqual([]);
  });

  test("an answer is repaired without taking anything back", async () => {
    await using house = await aHouse();
    await house.start([pivots("irreversible", { ends: "answers-badly" })]);

    const [run] = await house.finish();

    expect(run).toMatchObject({ status: "completed", output: { text: "good" } });
    expect(house.world.standing()).toHaveLength(3);
    expect(await house.check()).toEqual([]);
  });

  test("a run that kills its process cannot be rejected", async () => {
    await using house = await aHouse();
    await house.start([pivots("pivot", {})], { at: "run.ended:before" });
    await house.recover({ at: "run.ended:before" });
    await house.recover({ at: "run.ended:before" });

    const [run] = await house.open().recover();

    expect(run).toMatchObject({ status: "parked", questions: [{ kind: "quarantined", allowed: ["retry"] }] });
    expect(await house.check()).toEqual([]);
  });
});

describe("a run that is canceled", () => {
  const IN_FLIGHT: Program = {
    name: "in-flight",
    steps: [{ effects: [{ kind: "keyed", pauseMs: 60 }] }, { effects: [{ kind: "findable" }] }],
  };

  test.each(["journal.performed:after", "journal.undo-intended:after", "undo.sent:after", "journal.undone:after", "run.ended:before"])(
    "in the middle of an effect leaves nothing behind, and not when its process dies at %s",
    async (at) => {
      await using house = await aHouse();
      const first = await house.start([IN_FLIGHT], { at }, { next: "cancel" });

      const [run] = await house.finish();

      expect(first.killed).toBe(true);
      expect(run).toMatchObject({ status: "canceled", failure: { code: "CANCELED" } });
      expect(house.world.standing()).toEqual([]);
      expect(await house.check()).toEqual([]);
    },
  );

  test("while the process that parked it is dead, but not yet known to be, is canceled once that is known", async () => {
    await using house = await aHouse();
    await house.start([{ name: "parks", steps: [{ effects: [{ kind: "opaque", perform: "loses-answer" }] }] }], { at: "run.asked:after" });
    await house.launch({ next: "cancel" }).ended; // at the same hour: the lease still holds

    const [run] = await house.open().recover();

    expect(run).toMatchObject({ status: "parked", failure: { code: "CANCELED" }, questions: [{ kind: "undo-failed" }] });
    expect(await house.check()).toEqual([]);
  });
});
