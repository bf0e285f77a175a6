import { AIMessage } from "@langchain/core/messages";
import { emptyCheckpoint } from "@langchain/langgraph-checkpoint";
import { expect, test } from "vitest";
import { type Fence, type Program, type RunId, type Store, seal } from "walkback";
import { textOf } from "../support/archive.js";
import { acceptedIn, aNewRun, anEntry, anEvent, aQuestion, aVersion } from "../support/records.js";

type Open = () => Promise<Store & AsyncDisposable>;

const FAILURE = { code: "AGENT_FAILED", message: "pay-out threw: no.", details: { agent: "pay-out" }, causes: [] } as const;
const withCode = (code: string) => expect.objectContaining({ code });

/** A run becomes a file and is the same run again in any other store. */
export function movesRuns(open: Open): void {
  test("takes everything on record along, and gives the same file again", async () => {
    await using store = await open();
    await using other = await open();
    const { runId } = await aFullRun(store);

    const file = await textOf(store, runId);
    const moved = await other.import([file]);

    expect(moved).toEqual(await store.runs.find(runId));
    expect(await recordOf(other, runId)).toEqual(await recordOf(store, runId));
    expect(await textOf(other, runId)).toBe(file);
    expect((await other.verify()).problems).toEqual([]);
  });

  test("takes the text in pieces of any length", async () => {
    await using store = await open();
    await using other = await open();
    const { runId } = await aFullRun(store);
    const file = await textOf(store, runId);

    await other.import(file.match(/[\s\S]{1,7}/g) ?? []);

    expect(await textOf(other, runId)).toBe(file);
  });

  test("an unfinished run arrives with no holder, and its epoch goes on growing", async () => {
    await using store = await open();
    await using other = await open();
    const { runId, epoch } = await acceptedIn(store, { until: "2999-01-01T00:00:00.000Z" });

    await other.import([await textOf(store, runId)]);

    const now = "2026-11-02T08:00:01.000Z";
    expect(await other.runs.claimable(now, 10)).toMatchObject([{ runId }]);
    const lease = await other.runs.claim({ runId, holder: "another process", now, until: "2026-11-02T08:00:31.000Z" });
    expect(lease.epoch).toBe(epoch + 1);
    await expect(other.versions.append(aVersion({ runId, epoch }))).rejects.toThrow(withCode("FENCED"));
    expect((await other.versions.append(aVersion(lease))).number).toBe(1);
  });

  test("a run that waits for its turn waits in its new place, behind those who were there", async () => {
    await using store = await open();
    await using other = await open();
    const queued = { admission: { begin: false, maxQueued: 10, perTenant: {} }, tenant: "acme", priority: 3 };
    const [mine, theirs] = [aNewRun(queued), aNewRun(queued)];
    await store.runs.accept(mine);
    await other.runs.accept(theirs);

    await other.import([await textOf(store, mine.runId)]);

    expect(await other.runs.find(mine.runId)).toMatchObject({ status: "queued", tenant: "acme", priority: 3 });
    const until = "2026-11-02T08:00:31.000Z";
    const next = { holder: "us", now: "2026-11-02T08:00:01.000Z", until, slots: 2, workflows: ["credit-decision"], except: [] };
    const { begun } = await other.queue.begin({ ...next, choose: ({ heads }) => heads[0] });
    expect(begun.map(({ record }) => record.runId)).toEqual([theirs.runId, mine.runId]);
    expect((await other.verify()).problems).toEqual([]);
  });

  test("a fork needs nothing of the run it comes from", async () => {
    await using store = await open();
    await using other = await open();
    const source = await aFullRun(store);
    const forkId = aNewRun().runId;
    const times = { acceptedAt: "2026-11-02T09:00:00.000Z", holder: "us", until: "2026-11-02T09:00:30.000Z" };
    await store.runs.fork({ runId: forkId, ...times, from: { runId: source.runId, number: 1 }, data: seal({ points: 1 }) });

    await other.import([await textOf(store, forkId)]);

    expect(await other.runs.find(forkId)).toMatchObject({ forkedFrom: { runId: source.runId, number: 1 } });
    expect(await other.versions.list(forkId)).toEqual(await store.versions.list(forkId));
    expect((await other.verify()).problems).toEqual([]);
    await other.import([await textOf(store, source.runId)]);
    expect((await other.runs.list({})).map(({ runId }) => runId)).toEqual([source.runId, forkId]);
  });

  test("shows one moment of a run that is being worked", async () => {
    await using store = await open();
    await using other = await open();
    const lease = await aFullRun(store);
    const before = await textOf(store, lease.runId);

    const lines: string[] = [];
    for await (const line of store.export(lease.runId)) {
      lines.push(line);
      if (lines.length === 3) await store.versions.append(aVersion(lease, { agent: "later", round: 0 }));
    }

    expect(lines.join("")).toBe(before);
    expect((await store.versions.list(lease.runId)).at(-1)?.agent).toBe("later");
    await other.import(lines);
  });

  test("what was emitted before is in it", async () => {
    await using store = await open();
    const lease = await acceptedIn(store);
    store.events.emit(anEvent(lease), lease.epoch);

    expect(await textOf(store, lease.runId)).toContain('"kind":"event"');
  });

  test("refuses a run that is there, and says whether it is the same", async () => {
    await using store = await open();
    await using other = await open();
    const lease = await aFullRun(store);
    const file = await textOf(store, lease.runId);
    await other.import([file]);
    await store.versions.append(aVersion(lease, { agent: "later" }));
    const later = await textOf(store, lease.runId);

    await expect(other.import([file])).rejects.toMatchObject({ code: "RUN_EXISTS", details: { runId: lease.runId, identical: true } });
    await expect(other.import([later])).rejects.toMatchObject({ code: "RUN_EXISTS", details: { identical: false } });
    expect(await textOf(other, lease.runId)).toBe(file);
  });

  test("refuses a run whose idempotency key is another run's", async () => {
    await using store = await open();
    await using other = await open();
    const { runId } = await acceptedIn(store, { idempotencyKey: "order-7" });
    const theirs = await acceptedIn(other, { idempotencyKey: "order-7" });

    const moved = other.import([await textOf(store, runId)]);

    await expect(moved).rejects.toMatchObject({ code: "KEY_REUSED", details: { idempotencyKey: "order-7", runId: theirs.runId } });
    expect(await other.runs.find(runId)).toBeUndefined();
  });

  test("keeps the key: the same start finds the run in its new place", async () => {
    await using store = await open();
    await using other = await open();
    const { runId } = await acceptedIn(store, { idempotencyKey: "order-7" });
    await other.import([await textOf(store, runId)]);

    const again = await other.runs.accept(aNewRun({ idempotencyKey: "order-7" }));

    expect(again).toEqual({ kind: "known", runId });
  });

  test("of a run that is not there gives nothing", async () => {
    await using store = await open();

    await expect(textOf(store, "00000000-0000-7000-8000-00000000dead" as RunId)).rejects.toThrow(withCode("RUN_UNKNOWN"));
  });

  test("refuses what is no such file, or a newer one, and keeps nothing", async () => {
    await using store = await open();
    await using other = await open();
    const { runId } = await aFullRun(store);
    const file = await textOf(store, runId);
    const attempt = (text: string) => other.import([text]);

    await expect(attempt("")).rejects.toThrow(/it is empty/);
    await expect(attempt("id,amount\n1,2\n")).rejects.toThrow(/Line 1: it is not JSON/);
    await expect(attempt('{"id":"o-1"}\n')).rejects.toThrow(/not the file of a run/);
    await expect(attempt(file.replace('"format":1', '"format":2'))).rejects.toThrow(/newer Walkback \(format 2, this one reads 1\)/);
    await expect(attempt(file.slice(0, file.length / 2))).rejects.toThrow(withCode("ARCHIVE_INVALID"));
    await expect(attempt(file + file)).rejects.toThrow(/something follows/);
    expect(await other.runs.list({})).toEqual([]);
    expect((await other.verify()).checked).toMatchObject({ runs: 0, contents: 0, checkpoints: 0 });
  });
}

/** A run that has some of everything. */
async function aFullRun(store: Store): Promise<Fence> {
  const program = seal<Program>({ agents: { "pay-out": 1 }, contracts: {} });
  const lease = await acceptedIn(store, { program, idempotencyKey: `key of ${aNewRun().runId}` });
  const { runId, epoch } = lease;
  await store.versions.append(aVersion(lease));
  await store.versions.appendFailure({ runId, epoch, agent: "pay-out", round: 0, failure: FAILURE, at: "2026-11-02T08:00:02.000Z" });
  await store.journal.append(anEntry(lease));
  await store.journal.append(anEntry(lease, { phase: "performed", body: { receipt: "ü € 😀 \u2028" } }));
  store.events.emit(anEvent(lease), epoch);
  await store.runs.ask(lease, aQuestion(), FAILURE);
  await store.runs.answer(runId, "pay-out#0", { decision: "retry" }, "2026-11-02T08:00:09.000Z");
  await store.versions.append(aVersion(lease, { agent: "pay-out", round: 1, parents: [0, 1] }));
  await store.runs.ask(lease, aQuestion({ id: "pay-out#1" }), FAILURE);
  await graphOf(store, runId);
  return lease;
}

/** Checkpoints with growing lists, bytes, messages, two branches, a namespace of their own, and writes. */
async function graphOf({ checkpointer }: Store, runId: RunId): Promise<void> {
  const put = async (config: object, values: Record<string, unknown>, step: number) => {
    const versions = Object.fromEntries(Object.keys(values).map((channel) => [channel, step]));
    const checkpoint = { ...emptyCheckpoint(), channel_values: values, channel_versions: versions, versions_seen: { node: versions } };
    return checkpointer.put({ configurable: config }, checkpoint, { source: "loop", step, parents: {} }, versions);
  };
  const lines = Array.from({ length: 5 }, (_, index) => `line ${index} ${"é".repeat(60)}`);
  let config: { configurable?: Record<string, unknown> } = { configurable: { thread_id: runId, checkpoint_ns: "" } };
  for (const step of [1, 2, 3, 4]) {
    config = await put(config.configurable ?? {}, { lines: lines.slice(0, step), bytes: new Uint8Array([0, 255, step]), none: null }, step);
    await checkpointer.putWrites(
      config,
      [
        ["lines", lines[step]],
        ["message", new AIMessage("good evening")],
      ],
      `task ${step}`,
    );
  }
  const branch = await put(config.configurable ?? {}, { none: null, lines: ["another way"] }, 5);
  await put({ ...branch.configurable, checkpoint_id: config.configurable?.["checkpoint_id"] }, { lines: [] }, 6);
  await put({ thread_id: runId, checkpoint_ns: "walk-back:1" }, { inside: { deep: [1, 2, 3] } }, 1);
}

async function recordOf(store: Store, runId: RunId): Promise<unknown> {
  const tuples: unknown[] = [];
  for await (const tuple of store.checkpointer.list({ configurable: { thread_id: runId } })) tuples.push(tuple);
  return {
    tuples,
    versions: await store.versions.list(runId),
    journal: await store.journal.list(runId),
    events: await store.events.list(runId),
    open: await store.runs.openQuestions(runId),
    answered: await store.runs.answered(runId),
    program: await store.runs.programOf(runId),
    failed: await store.versions.outcome(runId, "pay-out", 0),
  };
}
