import { describe, expect, test } from "vitest";
import { aHouse, type House } from "./house.js";
import type { EffectPlan, Program } from "./program.js";

const sends = (kind: EffectPlan["kind"], answer?: "reject"): Program => ({
  name: `sends-${kind}`,
  steps: [
    { effects: [{ kind }], ...(answer ? { answer } : {}) },
    { ends: "fails-after", onFailure: "skip" },
  ],
});

/** What the other side heard, without the keys. */
const heard = (house: House) => house.world.calls().map(({ action, outcome }) => `${action}: ${outcome}`);

describe("an effect whose answer was lost with the process", () => {
  test("is sent again under the same key when it is keyed, and applied once", async () => {
    await using house = await aHouse();
    await house.start([sends("keyed")], { at: "effect.sent:after" });

    const [run] = await house.finish();

    expect(run?.status).toBe("completed");
    expect(heard(house)).toEqual(["perform: applied", "perform: repeated"]);
    expect(await house.check()).toEqual([]);
  });

  test("is found when it is findable, and not sent again", async () => {
    await using house = await aHouse();
    await house.start([sends("findable")], { at: "effect.sent:after" });

    const [run] = await house.finish();

    expect(run?.status).toBe("completed");
    expect(heard(house)).toEqual(["perform: applied", "find: found"]);
    expect(await house.check()).toEqual([]);
  });

  test("parks the run when it is opaque, and the question says what to find out", async () => {
    await using house = await aHouse();
    await house.start([sends("opaque")], { at: "effect.sent:after" });
    const orchestrator = house.open();

    const [run] = await orchestrator.recover();

    expect(run).toMatchObject({ status: "parked", failure: { code: "EFFECT_UNCERTAIN" }, questions: [{ kind: "uncertain" }] });
    expect(run?.status === "parked" && run.questions[0]?.description).toMatch(
      /Find out whether it happened.*done: it happened.*retry: it did not happen/s,
    );
    expect(heard(house)).toEqual(["perform: applied"]);
    expect(await house.check()).toEqual([]);
  });
});

describe("an effect whose intent was written down, and whose process died before it was sent", () => {
  test.each(["keyed", "findable"] as const)("is sent once when it is %s", async (kind) => {
    await using house = await aHouse();
    await house.start([sends(kind)], { at: "journal.intended:after" });

    const [run] = await house.finish();

    expect(run?.status).toBe("completed");
    expect(heard(house).filter((call) => call === "perform: applied")).toHaveLength(1);
    expect(await house.check()).toEqual([]);
  });

  test("parks the run when it is opaque, since nobody can tell the two apart", async () => {
    await using house = await aHouse();
    await house.start([sends("opaque")], { at: "journal.intended:after" });

    const [run] = await house.open().recover();

    expect(run).toMatchObject({ status: "parked", questions: [{ kind: "uncertain", allowed: ["done", "retry", "reject"] }] });
    expect(heard(house)).toEqual([]);
  });
});

describe("a human who is asked about an opaque effect", () => {
  test.each([
    ["done, and it is not sent again", "effect.sent:after", ["perform: applied", "find: found"]],
    ["retry, and it is sent once", "journal.intended:after", ["find: not found", "perform: applied"]],
  ])("answers %s", async (_answer, at, calls) => {
    await using house = await aHouse();
    await house.start([sends("opaque")], { at });

    const [run] = await house.finish();

    expect(run?.status).toBe("completed");
    expect(heard(house)).toEqual(calls);
    expect(await house.check()).toEqual([]);
  });

  test.each(["effect.sent:after", "journal.intended:after"])(
    "answers reject after %s, settles what the walk-back asks, and nothing is left",
    async (at) => {
      await using house = await aHouse();
      await house.start([sends("opaque", "reject")], { at });

      const [run] = await house.finish();

      expect(run).toMatchObject({ status: "rolled-back", failure: { code: "REJECTED" } });
      expect(house.world.standing()).toEqual([]);
      expect(await house.check()).toEqual([]);
    },
  );

  test("is not asked again when the process dies with the answer on disk", async () => {
    await using house = await aHouse();
    const program = sends("opaque");
    await house.start([program], { at: "effect.sent:after" });
    await house.recover({ at: "run.answered:after" });

    const [run] = await house.open().recover();

    expect(run?.status).toBe("completed");
    expect(heard(house)).toEqual(["perform: applied", "find: found"]);
    expect(await house.check()).toEqual([]);
  });
});

describe("a run that kills its process again and again", () => {
  /** Dies at the same place until somebody gives up on it. */
  async function killedThreeTimes(program: Program, at: string) {
    const house = await aHouse();
    for (const _ of [1, 2, 3])
      expect((await (house.attempted.length === 0 ? house.start([program], { at }) : house.recover({ at }))).killed).toBe(true);
    return house;
  }

  test.each([
    ["retry", "completed", 1],
    ["reject", "rolled-back", 0],
  ] as const)("is quarantined after three times; %s ends it as %s", async (decision, status, standing) => {
    await using house = await killedThreeTimes(sends("keyed"), "effect.sent:after");
    const orchestrator = house.open();

    const [run] = await orchestrator.recover();
    const ended = await orchestrator.resume(run?.runId ?? "", { decision, reason: "seen to" });

    expect(run).toMatchObject({
      status: "parked",
      failure: { code: "QUARANTINED", details: { crashes: 3 } },
      questions: [{ kind: "quarantined" }],
    });
    expect(ended.status).toBe(status);
    expect(house.world.standing()).toHaveLength(standing);
    expect(await house.check()).toEqual([]);
  });

  test.each(["undo.sent:after", "journal.undo-intended:after"])("is quarantined in its walk-back, too (%s)", async (at) => {
    const program: Program = { name: "undoes", steps: [{ effects: [{ kind: "keyed" }] }, { ends: "fails" }] };
    await using house = await killedThreeTimes(program, at);

    const [run] = await house.open().recover();

    expect(run).toMatchObject({ status: "parked", failure: { code: "QUARANTINED" } });
  });

  test("is not quarantined as long as it gets on", async () => {
    const steps = [0, 1, 2, 3, 4].map((index) => ({ effects: [{ kind: "keyed" as const }], ...(index > 0 ? { after: [index - 1] } : {}) }));
    await using house = await aHouse();
    await house.start([{ name: "gets-on", steps }], { at: "effect.sent:after" });
    for (const _ of [1, 2, 3]) await house.recover({ at: "effect.sent:after#2" }); // the first of them is the one that was lost

    const [run] = await house.open().recover();

    expect(run?.status).toBe("completed");
    expect(await house.check()).toEqual([]);
  });
});

test("a run whose agent was done when the process died gives its output to compensate", async () => {
  const program: Program = { name: "compensates", steps: [{ compensates: true }, { ends: "fails" }] };
  await using house = await aHouse();
  await house.start([program], { at: "step.recorded:after" });
  const orchestrator = house.open();

  const [run] = await orchestrator.recover();

  const { effects } = await orchestrator.inspect(run?.runId ?? "");
  expect(effects).toMatchObject([{ effect: "work", status: "undone", receipt: { text: "good" } }]);
});

describe("a call that costs money", () => {
  const paid = (house: House) => house.world.calls().filter(({ action }) => action === "pay").length;

  test("is not made again when the process dies after it was recorded", async () => {
    await using house = await aHouse();
    await house.start([{ name: "pays", steps: [{ pays: 3, effects: [{ kind: "keyed" }] }] }], { at: "journal.intended:before" });

    const [run] = await house.finish();

    expect(run?.status).toBe("completed");
    expect(paid(house)).toBe(3);
  });

  test.each([
    ["approved", "irreversible"],
    ["found out about", "opaque"],
  ] as const)("is not made again when a human has %s what came of it", async (_what, kind) => {
    await using house = await aHouse();
    await house.start([
      { name: "pays", steps: [{ pays: 2, effects: [{ kind, ...(kind === "opaque" ? { perform: "loses-answer" } : {}) }] }] },
    ]);

    const [run] = await house.finish();

    expect(run?.status).toBe("completed");
    expect(paid(house)).toBe(2);
  });

  test("is made again when a human asks for another try", async () => {
    await using house = await aHouse();
    await house.start([{ name: "pays", steps: [{ pays: 2, ends: "fails-after", onFailure: "ask", answer: "retry" }] }]);

    const [run] = await house.finish();

    expect(run?.status).toBe("completed");
    expect(paid(house)).toBe(4);
  });
});

test("an answer that was sent back for repair is still repaired when its second round must be approved", async () => {
  const program: Program = {
    name: "repairs",
    steps: [{ ends: "answers-badly", effects: [{ kind: "opaque", perform: "loses-answer" }] }, {}],
  };
  await using house = await aHouse();
  await house.start([program]);

  const [run] = await house.finish();

  expect(run?.status).toBe("completed");
  expect(await house.check()).toEqual([]);
});
