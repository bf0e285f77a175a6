import { describe, expect, test } from "vitest";
import { type Failure, type Fence, hashOf, type NewRun, type RunId, type Store, seal, type Version } from "walkback";
import type { NewFork } from "../../src/checkpoint/ports.js";
import type { Program } from "../../src/contracts/program.js";
import { acceptedIn, aNewRun, anEntry, anEvent, aQuestion, aRunId, aVersion } from "../support/records.js";
import { firstBroken } from "../support/store.js";
import { movesRuns } from "./archives.js";
import { keepsTheQueue } from "./queue.js";

const FAILURE: Failure = { code: "AGENT_FAILED", message: "pay-out threw: no.", details: { agent: "pay-out" }, causes: [] };
const ENDED_AT = "2026-11-02T08:01:00.000Z";
const withCode = (code: string) => expect.objectContaining({ code });

/** What every store must do, whatever it is made of. `open` gives an empty one. */
export function storeConformance(name: string, open: () => Promise<Store & AsyncDisposable>): void {
  describe(`a store in ${name}`, () => {
    describe("accepting a run", () => acceptsRuns(open));
    describe("the state of a run", () => keepsStates(open));
    describe("leases", () => keepsLeases(open));
    describe("the queue", () => keepsTheQueue(open));
    describe("questions to a human", () => keepsQuestions(open));
    describe("the version log", () => keepsVersions(open));
    describe("what became of a round of work", () => keepsOutcomes(open));
    describe("the state at a version", () => showsStates(open));
    describe("a fork", () => forks(open));
    describe("the program of a run", () => keepsPrograms(open));
    describe("a part of a run's id", () => findsByPart(open));
    describe("verifying", () => verifies(open));
    describe("pruning", () => prunes(open));
    describe("the journal", () => keepsJournal(open));
    describe("events", () => keepsEvents(open));
    describe("reading since a moment", () => readsSince(open));
    describe("a run as a file", () => movesRuns(open));
    describe("closing", () => closes(open));
    describe("LangGraph's checkpoints", () => keepsCheckpoints(open));
  });
}

type Open = () => Promise<Store & AsyncDisposable>;

function acceptsRuns(open: Open): void {
  test("writes the run's row and its input as version 0 in one go", async () => {
    await using store = await open();
    const acceptance = aNewRun();

    const accepted = await store.runs.accept(acceptance);

    const [version] = await store.versions.list(acceptance.runId);
    expect(version).toMatchObject({ number: 0, agent: "input", contract: "credit.application@1", source: "input", parents: [] });
    expect(version?.data).toEqual({ applicantId: "a-1" });
    expect(accepted).toEqual({
      kind: "accepted",
      version,
      lease: { runId: acceptance.runId, epoch: 1, until: acceptance.until, crashes: 0, cancelReason: undefined },
    });
    expect(await store.runs.find(acceptance.runId)).toEqual({
      runId: acceptance.runId,
      workflow: "credit-decision",
      workflowVersion: 1,
      status: "running",
      acceptedAt: acceptance.acceptedAt,
      endedAt: undefined,
      failure: undefined,
      outputVersion: undefined,
      forkedFrom: undefined,
      tenant: undefined,
      priority: 5,
      deadline: undefined,
      begunAt: acceptance.acceptedAt,
      degraded: false,
    });
    expect(await store.versions.list(acceptance.runId)).toHaveLength(1);
  });

  test("refuses an id that is taken, and leaves the run that has it alone", async () => {
    await using store = await open();
    const acceptance = aNewRun();
    await store.runs.accept(acceptance);

    const again = store.runs.accept({ ...acceptance, workflow: "other", input: seal("other") });

    await expect(again).rejects.toThrow(withCode("RUN_EXISTS"));
    expect(await store.runs.find(acceptance.runId)).toMatchObject({ workflow: "credit-decision" });
    expect(await store.versions.list(acceptance.runId)).toMatchObject([{ data: { applicantId: "a-1" } }]);
  });

  test("accepts one of twenty that ask for the same id at the same time", async () => {
    await using store = await open();
    const acceptance = aNewRun();

    const answers = await Promise.allSettled(Array.from({ length: 20 }, () => store.runs.accept(acceptance)));

    expect(answers.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    expect(await store.versions.list(acceptance.runId)).toHaveLength(1);
  });

  test("lists runs newest first, whatever their ids", async () => {
    await using store = await open();
    const ids = ["bbbb", "aaaa", "cccc"].map((id) => `${id}0000-0000-4000-8000-000000000000` as RunId);
    for (const [index, runId] of ids.entries()) await acceptedIn(store, { runId, acceptedAt: `2026-11-02T08:00:0${index}.000Z` });

    const listed = await store.runs.list({});

    expect(listed.map(({ runId }) => runId)).toEqual(ids.toReversed());
  });

  test("lists runs by status, by workflow, by both, and as many as are asked for", async () => {
    await using store = await open();
    const [a, b, c] = [
      await acceptedIn(store, { workflow: "credit" }),
      await acceptedIn(store, { workflow: "research" }),
      await acceptedIn(store, { workflow: "credit" }),
    ];
    await store.runs.change(a, { status: "completed", endedAt: ENDED_AT, outputVersion: 0 });
    const ids = async (query: Parameters<Store["runs"]["list"]>[0]) => (await store.runs.list(query)).map(({ runId }) => runId);

    expect(await ids({ status: "completed" })).toEqual([a.runId]);
    expect(await ids({ workflow: "credit" })).toEqual([c.runId, a.runId]);
    expect(await ids({ workflow: "credit", status: "running" })).toEqual([c.runId]);
    expect(await ids({ workflow: "nobody's" })).toEqual([]);
    expect(await ids({ limit: 2 })).toEqual([c.runId, b.runId]);
  });

  test("lists fifty runs when no number is given", async () => {
    await using store = await open();
    await Promise.all(Array.from({ length: 51 }, () => acceptedIn(store)));

    expect(await store.runs.list({})).toHaveLength(50);
  });

  test("finds nothing where there is nothing", async () => {
    await using store = await open();

    expect(await store.runs.find(aRunId())).toBeUndefined();
    expect(await store.runs.list({})).toEqual([]);
    expect(await store.versions.list(aRunId())).toEqual([]);
    expect(await store.versions.find(aRunId(), 0)).toBeUndefined();
    await expect(store.verify(aRunId())).rejects.toThrow(withCode("RUN_UNKNOWN"));
  });
}

function keepsStates(open: Open): void {
  test.each([
    [{ status: "completed", endedAt: ENDED_AT, outputVersion: 0 } as const],
    [{ status: "rolled-back", endedAt: ENDED_AT, failure: FAILURE } as const],
    [{ status: "canceled", endedAt: ENDED_AT, failure: FAILURE } as const],
  ])("a run that is $status stays so: everything after it is refused", async (end) => {
    await using store = await open();
    const run = await acceptedIn(store);
    await store.runs.change(run, end);

    const late = [
      store.runs.change(run, { status: "running" }),
      store.runs.change(run, { status: "rolled-back", endedAt: "2027-01-01T00:00:00.000Z", failure: FAILURE }),
      store.runs.ask(run, aQuestion()),
      store.runs.answer(run.runId, "pay-out#0", { decision: "retry" }, ENDED_AT),
      store.versions.append(aVersion(run)),
      store.journal.append(anEntry(run)),
    ];

    for (const change of late) await expect(change).rejects.toThrow(withCode("RUN_FINISHED"));
    expect(await store.runs.find(run.runId)).toMatchObject(end);
    expect(await store.runs.openQuestions(run.runId)).toEqual([]);
  });

  test("a parked run has its failure on record until it goes on", async () => {
    await using store = await open();
    const run = await acceptedIn(store);

    await store.runs.change(run, { status: "parked", failure: FAILURE });
    expect(await store.runs.find(run.runId)).toMatchObject({ status: "parked", failure: FAILURE });
    await store.runs.change(run, { status: "running" });

    expect(await store.runs.find(run.runId)).toMatchObject({ status: "running", failure: undefined, endedAt: undefined });
    await store.runs.change(run, { status: "completed", endedAt: ENDED_AT, outputVersion: 0 });
    expect(await store.runs.find(run.runId)).toMatchObject({ status: "completed", failure: undefined, endedAt: ENDED_AT });
  });

  test("a run nobody knows cannot change", async () => {
    await using store = await open();
    const run = { runId: aRunId(), epoch: 1 };

    const changes = [
      store.runs.change(run, { status: "running" }),
      store.runs.ask(run, aQuestion()),
      store.runs.answer(run.runId, "pay-out#0", { decision: "retry" }, ENDED_AT),
      store.versions.append(aVersion(run)),
      store.journal.append(anEntry(run)),
    ];

    for (const change of changes) await expect(change).rejects.toThrow(withCode("RUN_UNKNOWN"));
  });
}

function keepsQuestions(open: Open): void {
  test("a run that asks is waiting until it is answered", async () => {
    await using store = await open();
    const run = await acceptedIn(store);
    const question = aQuestion();

    await store.runs.ask(run, question);

    expect(await store.runs.find(run.runId)).toMatchObject({ status: "waiting" });
    expect(await store.runs.openQuestions(run.runId)).toEqual([question]);
    await store.runs.answer(run.runId, question.id, { decision: "retry" }, ENDED_AT);
    expect(await store.runs.find(run.runId)).toMatchObject({ status: "running" });
    expect(await store.runs.openQuestions(run.runId)).toEqual([]);
  });

  test("a walk-back that asks parks its run, with the failure", async () => {
    await using store = await open();
    const run = await acceptedIn(store);

    await store.runs.ask(run, aQuestion({ kind: "undo-failed" }), FAILURE);

    expect(await store.runs.find(run.runId)).toMatchObject({ status: "parked", failure: FAILURE });
  });

  test("with two open questions the run waits for both answers", async () => {
    await using store = await open();
    const run = await acceptedIn(store);
    await store.runs.ask(run, aQuestion({ id: "a#0" }));
    await store.runs.ask(run, aQuestion({ id: "b#0" }));

    await store.runs.answer(run.runId, "a#0", { decision: "retry" }, ENDED_AT);

    expect(await store.runs.find(run.runId)).toMatchObject({ status: "waiting" });
    expect(await store.runs.openQuestions(run.runId)).toMatchObject([{ id: "b#0" }]);
    await store.runs.answer(run.runId, "b#0", { decision: "retry" }, ENDED_AT);
    expect(await store.runs.find(run.runId)).toMatchObject({ status: "running" });
  });

  test("a question that was answered is not opened again by a node that runs twice", async () => {
    await using store = await open();
    const run = await acceptedIn(store);
    await store.runs.ask(run, aQuestion());
    await store.runs.answer(run.runId, aQuestion().id, { decision: "retry" }, ENDED_AT);

    await store.runs.ask(run, aQuestion());

    expect(await store.runs.find(run.runId)).toMatchObject({ status: "running" });
    expect(await store.runs.openQuestions(run.runId)).toEqual([]);
  });

  test("the first answer counts, and is on record with its question", async () => {
    await using store = await open();
    const run = await acceptedIn(store);
    await store.runs.ask(run, aQuestion());

    await store.runs.answer(run.runId, aQuestion().id, { decision: "retry" }, ENDED_AT);
    await store.runs.answer(run.runId, aQuestion().id, { decision: "reject", reason: "too late" }, "2027-01-01T00:00:00.000Z");

    expect(await store.runs.answered(run.runId)).toEqual([{ question: aQuestion(), answer: { decision: "retry" }, answeredAt: ENDED_AT }]);
  });

  test("an answer to a question that nobody asked changes nothing", async () => {
    await using store = await open();
    const run = await acceptedIn(store);
    await store.runs.change(run, { status: "parked", failure: FAILURE });

    await store.runs.answer(run.runId, "nobody asked", { decision: "retry" }, ENDED_AT);

    expect(await store.runs.find(run.runId)).toMatchObject({ status: "parked" });
    expect(await store.runs.answered(run.runId)).toEqual([]);
  });

  test("the questions of one run are not those of another", async () => {
    await using store = await open();
    const [asking, other] = [await acceptedIn(store), await acceptedIn(store)];
    await store.runs.ask(asking, aQuestion());

    await store.runs.answer(other.runId, aQuestion().id, { decision: "retry" }, ENDED_AT);

    expect(await store.runs.find(asking.runId)).toMatchObject({ status: "waiting" });
    expect(await store.runs.openQuestions(other.runId)).toEqual([]);
  });
}

function keepsLeases(open: Open): void {
  const NOW = "2026-11-02T08:00:10.000Z";
  const UNTIL = "2026-11-02T08:00:30.000Z";
  const LATER = "2026-11-02T08:00:31.000Z";
  const claimOf = ({ runId }: Fence, now = LATER) => ({ runId, holder: "another", now, until: "2026-11-02T08:01:01.000Z" });

  test("a run that is being carried cannot be claimed until its lease has lapsed", async () => {
    await using store = await open();
    const run = await acceptedIn(store, { until: UNTIL, holder: "the first" });

    await expect(store.runs.claim(claimOf(run, NOW))).rejects.toThrow(
      expect.objectContaining({ code: "RUN_HELD", details: { runId: run.runId, holder: "the first", until: UNTIL } }),
    );
    expect(await store.runs.claim(claimOf(run, LATER))).toMatchObject({ runId: run.runId, epoch: 2 });
  });

  test("one of twenty that claim a run at the same time gets it", async () => {
    await using store = await open();
    const run = await acceptedIn(store);

    const claims = await Promise.allSettled(Array.from({ length: 20 }, () => store.runs.claim(claimOf(run))));

    expect(claims.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
  });

  test("whoever lost the run can write nothing to it any more", async () => {
    await using store = await open();
    const lost = await acceptedIn(store);
    const lease = await store.runs.claim(claimOf(lost));

    const late = [
      store.versions.append(aVersion(lost)),
      store.versions.appendFailure({ ...lost, agent: "pay-out", round: 0, failure: FAILURE, at: ENDED_AT }),
      store.journal.append(anEntry(lost)),
      store.runs.change(lost, { status: "completed", endedAt: ENDED_AT, outputVersion: 0 }),
      store.runs.ask(lost, aQuestion()),
    ];
    store.events.emit(anEvent(lost), lost.epoch);

    for (const write of late)
      await expect(write).rejects.toThrow(
        expect.objectContaining({ code: "FENCED", details: { runId: lost.runId, epoch: lost.epoch, currentEpoch: lease.epoch } }),
      );
    await store.versions.append(aVersion(lease));
    expect(await store.versions.list(lost.runId)).toHaveLength(2);
    expect(await store.journal.list(lost.runId)).toEqual([]);
    expect(await store.events.list(lost.runId)).toEqual([]);
    expect(await store.runs.find(lost.runId)).toMatchObject({ status: "running" });
  });

  test("a lease that is renewed in time is kept; the others are named", async () => {
    await using store = await open();
    const [kept, lost] = [await acceptedIn(store), await acceptedIn(store)];
    await store.runs.claim(claimOf(lost));

    expect(await store.runs.renew([kept, lost], "2026-11-02T09:00:00.000Z")).toEqual([lost.runId]);

    await expect(store.runs.claim(claimOf(kept))).rejects.toThrow(withCode("RUN_HELD"));
  });

  test("a lease that is given back can be claimed at once, but not by giving back somebody else's", async () => {
    await using store = await open();
    const run = await acceptedIn(store);

    await store.runs.release(run.runId, 99);
    await expect(store.runs.claim(claimOf(run, NOW))).rejects.toThrow(withCode("RUN_HELD"));
    await store.runs.release(run.runId, run.epoch);

    expect(await store.runs.claim(claimOf(run, NOW))).toMatchObject({ epoch: 2, crashes: 0 });
  });

  test("counts the holders in a row that died without getting the run any further", async () => {
    await using store = await open();
    const run = await acceptedIn(store);
    const dies = async (hour: number) =>
      store.runs.claim({
        runId: run.runId,
        holder: "another",
        now: `2026-11-02T${hour}:00:00.000Z`,
        until: `2026-11-02T${hour}:00:30.000Z`,
      });

    const first = await dies(10);
    const second = await dies(11);
    await store.versions.append(aVersion(second));
    const third = await dies(12);
    const fourth = await dies(13);

    expect([first, second, third, fourth].map(({ crashes }) => crashes)).toEqual([1, 2, 1, 2]);
  });

  test("a run that has ended or that nobody knows cannot be claimed", async () => {
    await using store = await open();
    const run = await acceptedIn(store);
    await store.runs.change(run, { status: "completed", endedAt: ENDED_AT, outputVersion: 0 });

    await expect(store.runs.claim(claimOf(run))).rejects.toThrow(withCode("RUN_FINISHED"));
    await expect(store.runs.claim(claimOf({ runId: aRunId(), epoch: 1 }))).rejects.toThrow(withCode("RUN_UNKNOWN"));
  });

  test("finds the runs that nobody carries, oldest first: not the held, the waiting, the parked or the ended", async () => {
    await using store = await open();
    const [lapsed, held, waiting, parked, ended, released] = [
      await acceptedIn(store, { until: NOW }),
      await acceptedIn(store, { until: "2026-11-02T09:00:00.000Z" }),
      await acceptedIn(store, { until: NOW }),
      await acceptedIn(store, { until: NOW }),
      await acceptedIn(store, { until: NOW }),
      await acceptedIn(store, { until: "2026-11-02T09:00:00.000Z" }),
    ];
    await store.runs.ask(waiting, aQuestion());
    await store.runs.change(parked, { status: "parked", failure: FAILURE });
    await store.runs.change(ended, { status: "completed", endedAt: ENDED_AT, outputVersion: 0 });
    await store.runs.release(released.runId, released.epoch);
    const claimable = async (limit: number) => (await store.runs.claimable(LATER, limit)).map(({ runId }) => runId);

    expect(await claimable(10)).toEqual([lapsed.runId, released.runId]);
    expect(await claimable(1)).toEqual([lapsed.runId]);
    expect(await store.runs.find(held.runId)).toMatchObject({ status: "running" });
  });

  test("the first wish to cancel is kept for whoever carries the run, and brings a waiting one back to life", async () => {
    await using store = await open();
    const [run, other] = [await acceptedIn(store, { until: NOW }), await acceptedIn(store)];
    await store.runs.ask(run, aQuestion());

    await store.runs.requestCancel(run.runId, "the customer withdrew");
    await store.runs.requestCancel(run.runId, "again");

    expect(await store.runs.cancelRequests([run.runId, other.runId])).toEqual([{ runId: run.runId, reason: "the customer withdrew" }]);
    expect((await store.runs.claimable(LATER, 10)).map(({ runId }) => runId)).toContain(run.runId);
    expect(await store.runs.claim(claimOf(run))).toMatchObject({ cancelReason: "the customer withdrew" });
  });

  describe("the same start twice, by its idempotency key,", () => {
    const keyed = (change: Partial<NewRun> = {}) => aNewRun({ idempotencyKey: "order-1", ...change });

    test("is one run", async () => {
      await using store = await open();
      const first = keyed();
      await store.runs.accept(first);

      expect(await store.runs.accept(keyed())).toEqual({ kind: "known", runId: first.runId });
      expect(await store.runs.list({})).toHaveLength(1);
    });

    test.each([
      ["another input", { input: seal("other") }],
      ["another workflow", { workflow: "other" }],
    ])("is refused with %s", async (_what, change) => {
      await using store = await open();
      const first = keyed();
      await store.runs.accept(first);

      await expect(store.runs.accept(keyed(change))).rejects.toThrow(
        expect.objectContaining({ code: "KEY_REUSED", details: { idempotencyKey: "order-1", runId: first.runId } }),
      );
    });
  });
}

function keepsVersions(open: Open): void {
  test("two hundred appends at once get two hundred numbers without a gap, in one chain", async () => {
    await using store = await open();
    const run = await acceptedIn(store);

    const appended = await Promise.all(
      Array.from({ length: 200 }, (_, n) => store.versions.append(aVersion(run, { agent: `agent[${n}]` }))),
    );

    const versions = await store.versions.list(run.runId);
    expect(versions.map(({ number }) => number)).toEqual(Array.from({ length: 201 }, (_, n) => n));
    expect(appended.map(({ agent }) => agent)).toEqual(Array.from({ length: 200 }, (_, n) => `agent[${n}]`));
    expect(versions.slice(1).map(({ previousHash }) => previousHash)).toEqual(versions.slice(0, -1).map(({ hash }) => hash));
    expect(new Set(versions.map(({ hash }) => hash)).size).toBe(201);
    expect(await firstBroken(store, run.runId)).toBeUndefined();
  });

  test("runs that write at the same time have a chain each", async () => {
    await using store = await open();
    const runs = await Promise.all(Array.from({ length: 5 }, () => acceptedIn(store)));

    await Promise.all(Array.from({ length: 10 }, (_, round) => runs.map((run) => store.versions.append(aVersion(run, { round })))).flat());

    for (const run of runs) {
      expect((await store.versions.list(run.runId)).map(({ number }) => number)).toEqual(Array.from({ length: 11 }, (_, n) => n));
      expect(await firstBroken(store, run.runId)).toBeUndefined();
    }
  });

  test("gives back what was appended, its data frozen", async () => {
    await using store = await open();
    const run = await acceptedIn(store);
    const data = seal({ points: 700, reasons: ["é", { "a/b": null }] });

    const appended = await store.versions.append(aVersion(run, { parents: [0], round: 2, source: "human", data }));

    expect(appended).toMatchObject({
      number: 1,
      agent: "calculate-score",
      agentVersion: 1,
      contract: "credit.score@1",
      round: 2,
      source: "human",
    });
    expect(appended).toMatchObject({ parents: [0], data: data.data, dataHash: data.hash, at: "2026-11-02T08:00:01.000Z" });
    expect(await store.versions.find(run.runId, 1)).toEqual(appended);
    expect(() => Object.assign(appended.data as object, { points: 1 })).toThrow(TypeError);
  });

  test("the same run, agent and round again returns the version that is there", async () => {
    await using store = await open();
    const run = await acceptedIn(store);
    const first = await store.versions.append(aVersion(run));

    const [again, twice] = await Promise.all([
      store.versions.append(aVersion(run, { data: seal({ points: 1 }) })),
      store.versions.append(aVersion(run, { data: seal({ points: 2 }) })),
    ]);

    expect([again, twice]).toEqual([first, first]);
    expect(await store.versions.list(run.runId)).toHaveLength(2);
  });

  test("another round of the same agent is another version", async () => {
    await using store = await open();
    const run = await acceptedIn(store);
    await store.versions.append(aVersion(run));

    const repaired = await store.versions.append(aVersion(run, { round: 1, data: seal({ points: 1 }) }));

    expect(repaired).toMatchObject({ number: 2, data: { points: 1 } });
  });

  describe("earlier answers to the same question", () => {
    const question = {
      workflow: "credit-decision",
      agent: "calculate-score",
      agentVersion: 1,
      contract: "credit.score@1",
      inputHash: "the-question",
    };
    const answered = async (store: Store, points: number, status: "completed" | "rolled-back", runId = aRunId()) => {
      const run = await acceptedIn(store, { runId });
      await store.versions.append(aVersion(run, { data: seal({ points }) }));
      const end = { endedAt: ENDED_AT, ...(status === "completed" ? { status, outputVersion: 1 } : { status, failure: FAILURE }) };
      await store.runs.change(run, end);
    };

    test("come from runs that completed only", async () => {
      await using store = await open();
      await answered(store, 1, "rolled-back");
      await store.versions.append(aVersion(await acceptedIn(store)));

      expect(await store.versions.findAnswers(question)).toEqual([]);
    });

    test("the newest counts, whatever the ids of the runs", async () => {
      await using store = await open();
      await answered(store, 1, "completed", "bbbb0000-0000-4000-8000-000000000000" as RunId);
      await answered(store, 2, "completed", "aaaa0000-0000-4000-8000-000000000000" as RunId);
      await answered(store, 3, "rolled-back");

      expect(await store.versions.findAnswers(question)).toMatchObject([{ data: { points: 2 } }, {}]);
    });

    test.each([
      ["another agent", { agent: "assess-risk" }],
      ["another version of the agent", { agentVersion: 2 }],
      ["another question", { inputHash: "another" }],
      ["the same agent in another workflow", { workflow: "loan-renewal" }],
      ["an agent that produces something else", { contract: "credit.score@2" }],
    ])("are not those to %s", async (_what, change) => {
      await using store = await open();
      await answered(store, 1, "completed");

      expect(await store.versions.findAnswers({ ...question, ...change })).toEqual([]);
    });

    test("are the agent's own, never a fallback or a human's", async () => {
      await using store = await open();
      const run = await acceptedIn(store);
      await store.versions.append(aVersion(run, { source: "fallback" }));
      await store.versions.append(aVersion(run, { source: "human", round: 1 }));
      await store.runs.change(run, { status: "completed", endedAt: ENDED_AT, outputVersion: 1 });

      expect(await store.versions.findAnswers(question)).toEqual([]);
    });
  });
}

function keepsOutcomes(open: Open): void {
  test("is a version, a failure, or not known yet", async () => {
    await using store = await open();
    const run = await acceptedIn(store);
    const version = await store.versions.append(aVersion(run));
    await store.versions.appendFailure({ ...run, agent: "pay-out", round: 0, failure: FAILURE, at: ENDED_AT });

    expect(await store.versions.outcome(run.runId, "calculate-score", 0)).toEqual({ kind: "version", version });
    expect(await store.versions.outcome(run.runId, "pay-out", 0)).toEqual({ kind: "failure", failure: FAILURE });
    expect(await store.versions.outcome(run.runId, "pay-out", 1)).toBeUndefined();
    expect(await store.versions.outcome(aRunId(), "pay-out", 0)).toBeUndefined();
  });

  test("a failure is remembered once: the first", async () => {
    await using store = await open();
    const run = await acceptedIn(store);
    const failed = { ...run, agent: "pay-out", round: 0, at: ENDED_AT };

    await store.versions.appendFailure({ ...failed, failure: FAILURE });
    await store.versions.appendFailure({ ...failed, failure: { ...FAILURE, message: "another" } });

    expect(await store.versions.outcome(run.runId, "pay-out", 0)).toEqual({ kind: "failure", failure: FAILURE });
  });
}

function showsStates(open: Open): void {
  const aLongRun = async (store: Store) => {
    const run = await acceptedIn(store);
    await store.versions.append(aVersion(run, { data: seal({ points: 1 }) }));
    await store.versions.append(aVersion(run, { agent: "assess-risk", contract: "credit.risk@1" }));
    await store.versions.append(aVersion(run, { round: 1, contract: "credit.score@2", data: seal({ points: 2 }) }));
    return run;
  };

  test("is the newest of each contract up to it, in the order in which they were written", async () => {
    await using store = await open();
    const { runId } = await aLongRun(store);
    const numbersAt = async (number: number) => (await store.versions.stateAt(runId, number)).map((version) => version.number);

    expect(await numbersAt(0)).toEqual([0]);
    expect(await numbersAt(1)).toEqual([0, 1]);
    expect(await numbersAt(2)).toEqual([0, 1, 2]);
    expect(await numbersAt(3)).toEqual([0, 2, 3]);
  });

  test("is that of one contract when it is named, whatever the contract's version", async () => {
    await using store = await open();
    const { runId } = await aLongRun(store);

    expect(await store.versions.stateAt(runId, 2, "credit.score")).toEqual([await store.versions.find(runId, 1)]);
    expect(await store.versions.stateAt(runId, 3, "credit.score")).toMatchObject([{ number: 3, data: { points: 2 } }]);
    expect(await store.versions.stateAt(runId, 0, "credit.score")).toEqual([]);
    expect(await store.versions.stateAt(runId, 3, "nobody's")).toEqual([]);
  });

  test.each([-1, 4, 1.5, Number.NaN])("is refused at a number that the run does not have: %d", async (number) => {
    await using store = await open();
    const { runId } = await aLongRun(store);

    await expect(store.versions.stateAt(runId, number)).rejects.toThrow(withCode("VERSION_UNKNOWN"));
  });

  test("counts the versions; a run that nobody knows has no state", async () => {
    await using store = await open();
    const { runId } = await aLongRun(store);

    expect(await store.versions.count(runId)).toBe(4);
    await expect(store.versions.count(aRunId())).rejects.toThrow(withCode("RUN_UNKNOWN"));
    await expect(store.versions.stateAt(aRunId(), 0)).rejects.toThrow(withCode("RUN_UNKNOWN"));
  });
}

const PROGRAM: Program = { agents: { "calculate-score": 3 }, contracts: { "credit.score@1": { type: "object" } } };

function forks(open: Open): void {
  const again = (change: Partial<NewFork> & Pick<NewFork, "from">): NewFork => {
    const { runId, acceptedAt, holder, until } = aNewRun({ acceptedAt: ENDED_AT });
    return { runId, acceptedAt, holder, until, data: undefined, ...change };
  };
  /** Versions 0 to 3: the second agent's first round failed and was answered before its second made version 3. */
  const aSource = async (store: Store) => {
    const run = await acceptedIn(store, { program: seal<Program>(PROGRAM), idempotencyKey: "order-1" });
    await store.versions.append(aVersion(run, { data: seal({ points: 1, note: "n".repeat(300) }) }));
    await store.journal.append(anEntry(run));
    await store.versions.appendFailure({ ...run, agent: "pay-out", round: 0, failure: FAILURE, at: ENDED_AT });
    await store.runs.ask(run, aQuestion());
    await store.runs.answer(run.runId, "pay-out#0", { decision: "retry" }, ENDED_AT);
    await store.versions.append(aVersion(run, { agent: "assess-risk", contract: "credit.risk@1", parents: [0, 1] }));
    await store.versions.append(aVersion(run, { agent: "pay-out", round: 1, contract: "credit.payout@1", parents: [2] }));
    store.events.emit(anEvent(run), run.epoch);
    await store.runs.change(run, { status: "completed", endedAt: ENDED_AT, outputVersion: 3 });
    return run;
  };

  test("begins with the versions of the other run up to a number, under its own id and hashes", async () => {
    await using store = await open();
    const source = await aSource(store);
    const before = await store.versions.list(source.runId);
    const wanted = again({ from: { runId: source.runId, number: 2 } });

    const { lease, version } = await store.runs.fork(wanted);

    const versions = await store.versions.list(wanted.runId);
    const withoutHashes = (all: readonly Version[]) => all.map(({ hash: _, previousHash: __, ...version }) => version);
    expect(withoutHashes(versions)).toEqual(withoutHashes(before.slice(0, 3)));
    expect(versions.some(({ hash }) => before.some((other) => other.hash === hash))).toBe(false);
    expect(version).toEqual(versions[0]);
    expect(lease).toEqual({ runId: wanted.runId, epoch: 1, until: wanted.until, crashes: 0, cancelReason: undefined });
    expect(await store.runs.find(wanted.runId)).toEqual({
      runId: wanted.runId,
      workflow: "credit-decision",
      workflowVersion: 1,
      status: "running",
      acceptedAt: ENDED_AT,
      endedAt: undefined,
      failure: undefined,
      outputVersion: undefined,
      forkedFrom: { runId: source.runId, number: 2 },
      tenant: undefined,
      priority: 5,
      deadline: undefined,
      begunAt: ENDED_AT,
      degraded: false,
    });
    expect(await store.versions.list(source.runId)).toEqual(before);
    expect(await store.runs.find(source.runId)).toMatchObject({ status: "completed", forkedFrom: undefined });
  });

  test("goes on by itself: what is added to it stays with it", async () => {
    await using store = await open();
    const source = await aSource(store);
    const { lease } = await store.runs.fork(again({ from: { runId: source.runId, number: 2 } }));

    const added = await store.versions.append(aVersion(lease, { agent: "pay-out", contract: "credit.payout@1" }));

    expect(added).toMatchObject({ number: 3, agent: "pay-out" });
    expect(await store.versions.count(source.runId)).toBe(4);
    expect(await firstBroken(store, lease.runId)).toBeUndefined();
  });

  test("may take other data for its last version, which then come from a human", async () => {
    await using store = await open();
    const source = await aSource(store);
    const wanted = again({ from: { runId: source.runId, number: 1 }, data: seal({ points: 850 }) });

    await store.runs.fork(wanted);

    expect(await store.versions.find(wanted.runId, 1)).toMatchObject({
      data: { points: 850 },
      source: "human",
      at: ENDED_AT,
      agent: "calculate-score",
    });
    expect(await store.versions.find(source.runId, 1)).toMatchObject({ data: { points: 1 }, source: "agent" });
    expect(await store.versions.find(wanted.runId, 0)).toMatchObject({ source: "input" });
  });

  test("has its other run's failures and answers of the rounds that it begins after, and none of its effects, events or key", async () => {
    await using store = await open();
    const source = await aSource(store);
    const [early, late] = [again({ from: { runId: source.runId, number: 2 } }), again({ from: { runId: source.runId, number: 3 } })];

    await store.runs.fork(early);
    await store.runs.fork(late);

    expect(await store.versions.outcome(early.runId, "pay-out", 0)).toBeUndefined();
    expect(await store.runs.answered(early.runId)).toEqual([]);
    expect(await store.versions.outcome(late.runId, "pay-out", 0)).toEqual({ kind: "failure", failure: FAILURE });
    expect(await store.runs.answered(late.runId)).toEqual([{ question: aQuestion(), answer: { decision: "retry" }, answeredAt: ENDED_AT }]);
    for (const { runId } of [early, late]) {
      expect(await store.journal.list(runId)).toEqual([]);
      expect(await store.events.list(runId)).toEqual([]);
      expect(await store.runs.openQuestions(runId)).toEqual([]);
    }
    expect(await store.runs.accept(aNewRun({ idempotencyKey: "order-1" }))).toEqual({ kind: "known", runId: source.runId });
  });

  test("can be forked again", async () => {
    await using store = await open();
    const source = await aSource(store);
    const first = again({ from: { runId: source.runId, number: 2 }, data: seal({ points: 5 }) });
    await store.runs.fork(first);
    const second = again({ from: { runId: first.runId, number: 2 } });

    await store.runs.fork(second);

    expect((await store.versions.list(second.runId)).map(({ data }) => data)).toEqual(
      (await store.versions.list(first.runId)).map(({ data }) => data),
    );
    expect(await store.runs.find(second.runId)).toMatchObject({ forkedFrom: { runId: first.runId, number: 2 } });
    expect((await store.verify()).problems).toEqual([]);
  });

  test("is refused from what is not there and under an id that is taken, and leaves nothing behind", async () => {
    await using store = await open();
    const source = await aSource(store);
    const from = { runId: source.runId, number: 1 };

    await expect(store.runs.fork(again({ from: { runId: aRunId(), number: 0 } }))).rejects.toThrow(withCode("RUN_UNKNOWN"));
    for (const number of [4, -1, 0.5])
      await expect(store.runs.fork(again({ from: { ...from, number } }))).rejects.toThrow(withCode("VERSION_UNKNOWN"));
    await expect(store.runs.fork(again({ from, runId: source.runId }))).rejects.toThrow(withCode("RUN_EXISTS"));

    expect(await store.runs.list({})).toHaveLength(1);
    expect((await store.verify()).problems).toEqual([]);
  });
}

function keepsPrograms(open: Open): void {
  test("is kept with it, with its forks too", async () => {
    await using store = await open();
    const run = await acceptedIn(store, { program: seal<Program>(PROGRAM) });
    const { runId, acceptedAt, holder, until } = aNewRun();
    await store.runs.fork({ runId, acceptedAt, holder, until, from: { runId: run.runId, number: 0 }, data: undefined });

    expect(await store.runs.programOf(run.runId)).toEqual(PROGRAM);
    expect(await store.runs.programOf(runId)).toEqual(PROGRAM);
  });

  test("may be unknown; of a run nobody knows it is refused", async () => {
    await using store = await open();
    const run = await acceptedIn(store);

    expect(await store.runs.programOf(run.runId)).toBeUndefined();
    await expect(store.runs.programOf(aRunId())).rejects.toThrow(withCode("RUN_UNKNOWN"));
  });
}

function findsByPart(open: Open): void {
  const ids = [
    "019a0000-0000-7000-8000-0000aaaa1111",
    "019a0000-0000-7000-8000-0000bbbb1111",
    "019b0000-0000-7000-8000-0000cccc2222",
  ] as RunId[];

  test.each<[string, number[]]>([
    ["019a", [0, 1]],
    ["019b", [2]],
    ["1111", [0, 1]],
    ["a1111", [0]],
    ["0000-0000cccc2222".slice(5), [2]],
    ["8000-0000cccc2222", [2]],
    ["0000aaaa1111", [0]],
    ["2", [2]],
    ["0", [0, 1, 2]],
    [ids[1] as string, [1]],
    ["", []],
    ["9999", []],
    ["%", []],
    ["_111", []],
    ["019a*", []],
    ["7000-8000", []],
  ])("finds the runs whose id begins or ends with it: %j", async (part, expected) => {
    await using store = await open();
    for (const runId of ids) await acceptedIn(store, { runId });

    const found = await store.runs.findLike(part, 10);

    expect(found.map(({ runId }) => runId).toSorted()).toEqual(expected.map((index) => ids[index]));
  });

  test("finds at most as many as are asked for", async () => {
    await using store = await open();
    for (const runId of ids) await acceptedIn(store, { runId });

    expect(await store.runs.findLike("019", 2)).toHaveLength(2);
  });
}

function verifies(open: Open): void {
  test("finds nothing wrong with what was written, and says how much it looked at", async () => {
    await using store = await open();
    const [run, other] = [await acceptedIn(store), await acceptedIn(store)];
    await store.versions.append(aVersion(run));
    await store.versions.appendFailure({ ...run, agent: "pay-out", round: 0, failure: FAILURE, at: ENDED_AT });
    await store.journal.append(anEntry(run));
    store.events.emit(anEvent(run), run.epoch);
    await store.runs.ask(run, aQuestion());
    await store.runs.ask(run, aQuestion({ id: "undo", kind: "undo-failed" }), FAILURE);
    const config = { configurable: { thread_id: run.runId, checkpoint_ns: "" } };
    const checkpoint = { v: 4, id: "1", ts: "", channel_values: { a: "a".repeat(200) }, channel_versions: { a: 1 }, versions_seen: {} };
    await store.checkpointer.put(config, checkpoint, { source: "input", step: -1, parents: {} }, { a: 1 });

    const [whole, one] = [await store.verify(), await store.verify(other.runId)];

    expect(whole).toMatchObject({ problems: [], checked: { runs: 2, versions: 3, journal: 1, events: 1, checkpoints: 1 } });
    expect(whole.checked.contents).toBeGreaterThan(0);
    expect(one).toMatchObject({ problems: [], checked: { runs: 1, versions: 1, journal: 0, events: 0, checkpoints: 0 } });
    expect(["holds", "none"]).toContain(whole.anchor);
  });

  test("finds nothing wrong with an empty store, and refuses a run that nobody knows", async () => {
    await using store = await open();

    expect(await store.verify()).toMatchObject({ problems: [], checked: { runs: 0, contents: 0 } });
    await expect(store.verify(aRunId())).rejects.toThrow(withCode("RUN_UNKNOWN"));
  });

  test("finds nothing wrong after writes that failed in between", async () => {
    await using store = await open();
    const run = await acceptedIn(store);
    const program = seal<Program>({ agents: { ["a".repeat(300)]: 1 }, contracts: {} });

    await Promise.allSettled([
      store.versions.append(aVersion(run)),
      store.runs.accept(aNewRun({ runId: run.runId, program })),
      store.versions.append(aVersion({ ...run, epoch: 9 }, { agent: "late" })),
      store.runs.ask(run, aQuestion()),
      store.runs.change({ ...run, epoch: 9 }, { status: "running" }),
      store.journal.append(anEntry(run)),
      store.runs.accept(aNewRun({ runId: run.runId })),
    ]);
    // The contents that follow get the numbers of those that were not kept, and begin alike.
    for (let round = 1; round <= 3; round++)
      await store.versions.append(aVersion(run, { round, data: seal({ agents: { ["a".repeat(300)]: 1 }, contracts: {}, round }) }));

    expect((await store.verify()).problems).toEqual([]);
    expect((await store.versions.list(run.runId)).map(({ number }) => number)).toEqual([0, 1, 2, 3, 4]);
    expect(await store.runs.find(run.runId)).toMatchObject({ status: "waiting" });
  });
}

function prunes(open: Open): void {
  const before = new Date("2026-11-02T08:02:00.000Z");
  const checkpoint = (id: string) => ({
    v: 4,
    id,
    ts: "",
    channel_values: { a: id.repeat(200) },
    channel_versions: { a: Number(id) },
    versions_seen: {},
  });
  const ended = async (store: Store) => {
    const run = await acceptedIn(store, { idempotencyKey: "order-1" });
    let config = { configurable: { thread_id: run.runId as string, checkpoint_ns: "" } };
    for (const id of ["1", "2", "3"])
      config = (await store.checkpointer.put(config, checkpoint(id), { source: "loop", step: 0, parents: {} }, { a: Number(id) })) as never;
    await store.versions.append(aVersion(run));
    await store.runs.change(run, { status: "completed", endedAt: ENDED_AT, outputVersion: 1 });
    return run;
  };

  test("takes the checkpoints of ended runs but the last, and leaves what was recorded", async () => {
    await using store = await open();
    const run = await ended(store);
    const versions = await store.versions.list(run.runId);

    const counted = await store.prune({ before, dryRun: true });
    const pruned = await store.prune({ before });

    expect(pruned).toEqual(counted);
    expect(pruned).toMatchObject({ runs: 1, checkpoints: 2, writes: 0 });
    expect(await store.versions.list(run.runId)).toEqual(versions);
    const config = { configurable: { thread_id: run.runId, checkpoint_ns: "" } };
    expect((await store.checkpointer.getTuple(config))?.checkpoint.channel_values).toEqual({ a: "3".repeat(200) });
    expect((await store.verify()).problems).toEqual([]);
  });

  test("takes ended runs as a whole when none is to be kept: their key is free again", async () => {
    await using store = await open();
    const [run, other] = [await ended(store), await acceptedIn(store)];

    const pruned = await store.prune({ before, keep: "none" });

    expect(pruned).toMatchObject({ runs: 1, checkpoints: 3 });
    expect(await store.runs.find(run.runId)).toBeUndefined();
    expect(await store.versions.list(run.runId)).toEqual([]);
    expect((await store.runs.list({})).map(({ runId }) => runId)).toEqual([other.runId]);
    expect((await store.verify()).problems).toEqual([]);
    await acceptedIn(store, { idempotencyKey: "order-1", input: seal("another") });
  });

  test("leaves runs alone that have not ended, or not long enough ago", async () => {
    await using store = await open();
    await ended(store);
    const waiting = await acceptedIn(store);
    await store.runs.ask(waiting, aQuestion());

    expect(await store.prune({ before: new Date(ENDED_AT), keep: "none" })).toMatchObject({ runs: 0 });
    expect(await store.prune({ olderThanMs: 1000 * 365 * 86_400_000, keep: "none" })).toMatchObject({ runs: 0 });

    expect(await store.runs.list({})).toHaveLength(2);
  });

  test.each([{ olderThanMs: -1 }, { olderThanMs: Number.NaN }, { before: new Date("never") }])("refuses %j", async (options) => {
    await using store = await open();

    await expect(store.prune(options)).rejects.toThrow(withCode("PRUNE_INVALID"));
  });
}

function keepsJournal(open: Open): void {
  test("gives back what was written, in the order in which it was written", async () => {
    await using store = await open();
    const run = await acceptedIn(store);
    const phases = ["intended", "failed", "performed", "undo-intended", "undo-failed", "undo-failed", "undone"] as const;
    const entries = phases.map((phase, n) => anEntry(run, { phase, body: { n, nothing: null } }));

    await Promise.all(entries.map((entry) => store.journal.append(entry)));

    expect(await store.journal.list(run.runId)).toStrictEqual(entries);
  });

  test.each(["recorded", "intended", "performed", "undone", "settled"] as const)(
    "an effect is %s once: a repeat changes nothing",
    async (phase) => {
      await using store = await open();
      const run = await acceptedIn(store);

      await store.journal.append(anEntry(run, { phase, body: "first" }));
      await store.journal.append(anEntry(run, { phase, body: "second" }));

      expect(await store.journal.list(run.runId)).toMatchObject([{ phase, body: "first" }]);
    },
  );

  test("the same phase under another key is another entry, and other runs do not see it", async () => {
    await using store = await open();
    const [run, other] = [await acceptedIn(store), await acceptedIn(store)];

    await store.journal.append(anEntry(run));
    await store.journal.append(anEntry(run, { key: "another", generation: 1 }));

    expect(await store.journal.list(run.runId)).toHaveLength(2);
    expect(await store.journal.list(other.runId)).toEqual([]);
  });
}

function keepsEvents(open: Open): void {
  test("are read in the order in which they were emitted, each with all that it said", async () => {
    await using store = await open();
    const run = await acceptedIn(store);
    const events = [anEvent(run, "a"), anEvent(run, "b"), { ...anEvent(run), type: "run.failed", failure: FAILURE } as const];

    for (const event of events) store.events.emit(event, run.epoch);
    await store.versions.append(aVersion(run));

    expect(await store.events.list(run.runId)).toEqual(events);
  });

  test("whoever awaits a later write awaits the events before it", async () => {
    await using store = await open();
    const run = await acceptedIn(store);

    for (let n = 0; n < 50; n++) {
      store.events.emit(anEvent(run, `agent-${n}`), run.epoch);
      await store.journal.append(anEntry(run, { phase: "failed", body: n }));
      expect(await store.events.list(run.runId)).toHaveLength(n + 1);
    }
  });
}

/** A day, hour by hour. */
const hour = (n: number) => new Date(Date.parse("2026-11-02T00:00:00.000Z") + n * 3_600_000).toISOString();

function readsSince(open: Open): void {
  test("finds the runs that were accepted then or later, in the order in which they were", async () => {
    await using store = await open();
    const accepted = [];
    for (const n of [1, 3, 2, 4]) accepted.push(await acceptedIn(store, { acceptedAt: hour(n) }));
    await store.runs.change(accepted[1] as Fence, { status: "completed", endedAt: hour(5), outputVersion: 0 });

    const found = await all(store.runs.since(hour(2)));

    expect(found.map(({ runId, status }) => [runId, status])).toEqual([
      [accepted[1]?.runId, "completed"],
      [accepted[2]?.runId, "running"],
      [accepted[3]?.runId, "running"],
    ]);
    expect(found[0]).toEqual(await store.runs.find(accepted[1]?.runId as RunId));
    expect(await all(store.runs.since(hour(6)))).toEqual([]);
  });

  test("finds the events of all runs that happened then or later, of the wanted types only", async () => {
    await using store = await open();
    const runs = [await acceptedIn(store), await acceptedIn(store)];
    const failed = { type: "run.failed", failure: FAILURE } as const;
    const events = [1, 2, 3].flatMap((n) =>
      runs.flatMap((run) => [
        { ...anEvent(run, `agent-${n}`), at: hour(n) },
        { ...failed, runId: run.runId, at: hour(n) },
      ]),
    );
    for (const event of events) store.events.emit(event, 1);
    for (const run of runs) await store.versions.append(aVersion(run));

    const found = await all(store.events.since(hour(2), ["run.failed"]));

    expect(found).toEqual(events.filter(({ type, at }) => type === "run.failed" && at >= hour(2)));
    expect(await all(store.events.since(hour(3), ["run.failed", "agent.started"]))).toEqual(events.slice(-4));
    expect(await all(store.events.since(hour(1), []))).toEqual([]);
  });

  test("finds all of very many, whoever writes beside it", async () => {
    await using store = await open();
    const run = await acceptedIn(store);
    for (let n = 0; n < 12_000; n++) store.events.emit({ ...anEvent(run, `agent-${n}`), at: hour(n % 24) }, run.epoch);
    await store.versions.append(aVersion(run));
    const seen: string[] = [];

    for await (const event of store.events.since(hour(12), ["agent.started"])) {
      if (seen.length === 0) await store.journal.append(anEntry(run));
      seen.push(event.agent);
    }

    expect(seen).toEqual(Array.from({ length: 12_000 }, (_, n) => n).flatMap((n) => (n % 24 >= 12 ? [`agent-${n}`] : [])));
  });

  test("is refused by a store that is closed", async () => {
    await using store = await open();
    await store.close();

    await expect(all(store.runs.since(hour(0)))).rejects.toThrow(withCode("STORE_CLOSED"));
    await expect(all(store.events.since(hour(0), ["run.failed"]))).rejects.toThrow(withCode("STORE_CLOSED"));
  });
}

async function all<T>(items: AsyncIterable<T>): Promise<readonly T[]> {
  const collected: T[] = [];
  for await (const item of items) collected.push(item);
  return collected;
}

function closes(open: Open): void {
  test("writes what is still queued", async () => {
    await using store = await open();
    const run = await acceptedIn(store);
    store.events.emit(anEvent(run), run.epoch);
    const append = store.versions.append(aVersion(run));

    await store.close();

    await expect(append).resolves.toMatchObject({ number: 1 });
  });

  test("refuses whatever is written after it, from the moment it is asked for", async () => {
    await using store = await open();
    const run = await acceptedIn(store);

    const closing = store.close();
    const late = store.versions.append(aVersion(run));

    await expect(late).rejects.toThrow(withCode("STORE_CLOSED"));
    await closing;
    await expect(store.runs.change(run, { status: "running" })).rejects.toThrow(withCode("STORE_CLOSED"));
    await expect(store.journal.append(anEntry(run))).rejects.toThrow(withCode("STORE_CLOSED"));
  });

  test("may be asked for twice, and nobody minds an event that comes too late", async () => {
    await using store = await open();
    const run = await acceptedIn(store);

    await Promise.all([store.close(), store.close()]);
    store.events.emit(anEvent(run), run.epoch);

    await expect(store.close()).resolves.toBeUndefined();
  });
}

function keepsCheckpoints(open: Open): void {
  test("are kept beside the rest, in parallel with other writes", async () => {
    await using store = await open();
    const run = await acceptedIn(store);
    const config = { configurable: { thread_id: run.runId, checkpoint_ns: "" } };
    const checkpoint = {
      v: 4,
      id: hashOf(run.runId),
      ts: ENDED_AT,
      channel_values: { a: 1 },
      channel_versions: { a: 1 },
      versions_seen: {},
    };
    const metadata = { source: "input" as const, step: -1, parents: {} };

    const [saved] = await Promise.all([
      store.checkpointer.put(config, checkpoint, metadata, { a: 1 }),
      store.versions.append(aVersion(run)),
    ]);
    await store.checkpointer.putWrites(saved, [["a", 2]], "task");

    expect(await store.checkpointer.getTuple(config)).toMatchObject({
      checkpoint: { channel_values: { a: 1 } },
      pendingWrites: [["task", "a", 2]],
    });
  });
}
