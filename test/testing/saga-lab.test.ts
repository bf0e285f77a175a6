import { describe, expect, test } from "vitest";
import { judgeSaga, type LedgerEntry, type SagaEngine, SagaEngineInvalid, type SagaObservation, sagaLab } from "walkback/testing";
import { openLedger } from "../../src/testing/saga-lab/ledger.js";

/** A log from lines like `undo B done`. */
function aLog(...lines: readonly string[]): LedgerEntry[] {
  return lines.map((line, atMs) => {
    const [action, step = "", outcome] = line.split(" ");
    return { action, step, outcome, life: 1, atMs } as LedgerEntry;
  });
}

const FORWARD = ["perform A done", "perform B done", "perform C done", "perform D refused"];

function judge(scenario: SagaObservation["scenario"], lines: readonly string[], more: Partial<SagaObservation> = {}) {
  const lives = scenario === "crash" ? [{ ended: "crashed" as const }, { ended: "exited" as const }] : [{ ended: "exited" as const }];
  return judgeSaga({ scenario, log: aLog(...lines), lives, ...more });
}

describe("fail", () => {
  const walkedBack = [...FORWARD, "undo C done", "undo B refused", "undo A done"];

  test("passes when all but B is undone, once each, whether or not the engine says what remains", () => {
    expect(judge("fail", walkedBack)).toMatchObject({ passed: true, left: ["B"], reported: "unsaid" });
    expect(judge("fail", walkedBack, { report: { remaining: ["B"] } })).toMatchObject({ passed: true, reported: "right" });
  });

  test.each([[[]], [["A", "B"]]])("does not pass when the engine says that %j remains", (remaining) => {
    const verdict = judge("fail", walkedBack, { report: { remaining } });

    expect(verdict).toMatchObject({ passed: false, reported: "wrong", findings: [expect.stringContaining("but it is B")] });
  });

  test("does not pass when the walk-back stops at B", () => {
    const verdict = judge("fail", [...FORWARD, "undo C done", "undo B refused"]);

    expect(verdict).toMatchObject({ passed: false, left: ["A", "B"], findings: ["A is left standing."] });
  });

  test("does not pass when everything is undone but the engine never ends", () => {
    const verdict = judge("fail", walkedBack, { lives: [{ ended: "timed-out" }] });

    expect(verdict.findings).toEqual(["The engine did not finish in time."]);
  });

  test("does not pass when a step was performed twice, even if it was undone twice", () => {
    const verdict = judge("fail", ["perform A done", ...walkedBack, "undo A done"]);

    expect(verdict).toMatchObject({ passed: false, doubled: ["perform A"], left: ["B"] });
  });

  test("forgives an undo of what never happened, and a call that is repeated under its key", () => {
    const verdict = judge("fail", [...FORWARD, "undo D done", "undo C done", "undo C repeated", "undo B refused", "undo A done"]);

    expect(verdict).toMatchObject({ passed: true, undoneInVain: ["D"], doubled: [] });
  });

  test("does not pass an engine that does nothing", () => {
    expect(judge("fail", []).findings).toContain("perform D was never refused: the saga did not get that far.");
  });
});

describe("crash", () => {
  const untilTheKill = [...FORWARD, "undo C done", "undo B done"];

  test("passes when the second life finishes what the first began, without doing any of it again", () => {
    expect(judge("crash", [...untilTheKill, "undo B repeated", "undo A done"])).toMatchObject({ passed: true, left: [] });
  });

  test("does not pass when the undo in flight takes effect again", () => {
    const verdict = judge("crash", [...untilTheKill, "undo B done", "undo A done"]);

    expect(verdict).toMatchObject({ passed: false, doubled: ["undo B"], left: [] });
  });

  test("does not pass when the second life does not go on", () => {
    expect(judge("crash", untilTheKill)).toMatchObject({ passed: false, findings: ["A is left standing."] });
  });

  test("does not pass when there was nothing to kill", () => {
    const verdict = judge("crash", FORWARD, { lives: [{ ended: "exited" }] });

    expect(verdict.findings).toContain("The process ended before it could be killed.");
  });
});

describe("parallel", () => {
  test.each([
    ["is undone after it happened", ["perform A2 refused", "perform A1 done", "undo A1 done"]],
    ["was never performed", ["perform A2 refused"]],
    ["is undone again after an undo that came too early", ["perform A2 refused", "undo A1 done", "perform A1 done", "undo A1 done"]],
  ])("passes when A1 %s", (_, lines) => {
    expect(judge("parallel", lines)).toMatchObject({ passed: true, left: [] });
  });

  test.each([
    ["left alone", ["perform A2 refused", "perform A1 done"]],
    ["undone before it happens", ["perform A2 refused", "undo A1 done", "perform A1 done"]],
  ])("does not pass when A1 is %s", (_, lines) => {
    expect(judge("parallel", lines)).toMatchObject({ passed: false, findings: ["A1 is left standing."] });
  });
});

describe("the ledger", () => {
  test("does a call again unless it comes under the same key", async () => {
    const ledger = openLedger({ scenario: "fail", slowMs: 0 });

    for (const key of ["k1", "k1", "k2", undefined, undefined]) await ledger.take({ action: "undo", step: "A", key });

    expect(ledger.log.map(({ outcome }) => outcome)).toEqual(["done", "repeated", "done", "done", "done"]);
  });

  test("carries out what it was asked for although nobody waits for the answer", async () => {
    const ledger = openLedger({ scenario: "parallel", slowMs: 30 });

    void ledger.take({ action: "perform", step: "A1", key: "k" });
    void ledger.take({ action: "perform", step: "A1", key: "k" });
    await ledger.settled();

    expect(ledger.log.map(({ outcome }) => outcome)).toEqual(["done", "repeated"]);
  });
});

/** An engine in a few words of JavaScript; `call("undo/B")` calls the ledger. */
function anEngine(script: string): SagaEngine {
  const call = "const call = (door, body) => fetch(process.env.SAGA_LEDGER + '/' + door, { method: 'POST', body }).then((r) => r.status);";
  return { name: "words", command: process.execPath, args: ["--input-type=module", "-e", `${call}${script}`] };
}

describe("the lab", () => {
  test("kills an engine that does not end, and says so", async () => {
    const { passed, verdicts } = await sagaLab(anEngine("setInterval(() => {}, 1000)"), {
      scenarios: ["parallel"],
      timeoutMs: 300,
      lingerMs: 0,
    });

    expect(passed).toBe(false);
    expect(verdicts).toMatchObject([{ scenario: "parallel", lives: [{ ended: "timed-out", exitCode: null }] }]);
  });

  test("starts a killed engine again with the same folder, and sees what it does then", async () => {
    const remembers = `
      import { appendFileSync, readFileSync } from "node:fs";
      appendFileSync(process.env.SAGA_DIR + "/lives", process.env.SAGA_LIFE);
      console.log(readFileSync(process.env.SAGA_DIR + "/lives", "utf8"));
      await call("undo/B");`;

    const { verdicts } = await sagaLab(anEngine(remembers), { scenarios: ["crash"], lingerMs: 0 });

    expect(verdicts[0]?.lives).toMatchObject([
      { ended: "crashed", output: "1\n" },
      { ended: "exited", exitCode: 0, output: "12\n" },
    ]);
    expect(verdicts[0]?.log).toMatchObject([
      { action: "undo", step: "B", life: 1 },
      { action: "undo", step: "B", life: 2 },
    ]);
  });

  test("takes effects into account that arrive after the engine's end", async () => {
    const script = 'void call("perform/A1"); await call("perform/A2"); process.exit(3);';

    const { verdicts } = await sagaLab(anEngine(script), { scenarios: ["parallel"], slowMs: 100, lingerMs: 0 });

    expect(verdicts).toMatchObject([{ passed: false, findings: ["A1 is left standing."], lives: [{ exitCode: 3 }] }]);
  });

  test("believes no report", async () => {
    const script = `
      for (const step of "ABCD") await call("perform/" + step);
      await call("undo/B");
      await call("report", '{ "remaining": [] }');
      console.log(await call("report", "all is well"), await call("perform"), await call("sing/A"));`;

    const { verdicts } = await sagaLab(anEngine(script), { scenarios: ["fail"], lingerMs: 0 });

    expect(verdicts).toMatchObject([{ passed: false, left: ["A", "B", "C"], reported: "wrong", lives: [{ output: "400 404 404\n" }] }]);
  });

  test("says when there is no such program", async () => {
    const lab = sagaLab({ name: "nobody", command: "no-such-engine" });

    await expect(lab).rejects.toThrow(SagaEngineInvalid);
    await expect(lab).rejects.toThrow(/nobody could not be started: .*ENOENT.*Check its command and cwd/);
  });
});
