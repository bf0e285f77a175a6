import { expect, test } from "vitest";
import { type BeginNext, type Failure, type NewRun, type QueueHead, type RunId, type Store, seal } from "walkback";
import { aNewRun } from "../support/records.js";

type Open = () => Promise<Store & AsyncDisposable>;

const AT = "2026-11-02T08:00:00.000Z";
const LATER = "2026-11-02T08:00:10.000Z";
const CANCELED: Failure = { code: "CANCELED", message: "not needed", details: {}, causes: [] };
const withCode = (code: string) => expect.objectContaining({ code });

/** Who came first, whatever else is known of them. */
const firstIn: BeginNext["choose"] = ({ heads }) =>
  heads.reduce<QueueHead | undefined>((first, head) => (first && first.place < head.place ? first : head), undefined);

async function submit(store: Store, change: Partial<NewRun> = {}): Promise<RunId> {
  const admission = { begin: false, maxQueued: 100, perTenant: {} };
  const accepted = await store.runs.accept(aNewRun({ acceptedAt: AT, admission, ...change }));
  if (accepted.kind !== "queued") throw new Error(`The run did not have to wait, it was ${accepted.kind}.`);
  return accepted.runId;
}

function begin(store: Store, change: Partial<BeginNext> = {}) {
  const workflows = ["credit-decision"];
  const until = "2026-11-02T08:01:00.000Z";
  return store.queue.begin({ holder: "a worker", now: LATER, until, slots: 1, workflows, except: [], choose: firstIn, ...change });
}

async function begunIn(store: Store, change: Partial<BeginNext> = {}): Promise<readonly RunId[]> {
  return (await begin(store, change)).begun.map(({ record }) => record.runId);
}

export function keepsTheQueue(open: Open): void {
  test("a run that has to wait is on disk with its place, its input and its first events, and nobody holds it", async () => {
    await using store = await open();

    const runId = await submit(store, { tenant: "north", priority: 2, deadline: LATER });

    expect(await store.runs.find(runId)).toMatchObject({
      status: "queued",
      tenant: "north",
      priority: 2,
      deadline: LATER,
      begunAt: undefined,
    });
    expect(await store.versions.list(runId)).toMatchObject([{ number: 0, data: { applicantId: "a-1" } }]);
    expect(await store.events.list(runId)).toMatchObject([
      { type: "run.accepted", at: AT },
      { type: "run.queued", priority: 2, tenant: "north", deadline: LATER },
    ]);
    expect(await store.runs.claimable(LATER, 10)).toEqual([]);
    expect(store.queue.depths()).toEqual([{ priority: 2, tenant: "north", queued: 1, oldestAcceptedAt: AT }]);
    expect(store.queue.glance(AT)).toEqual({ waiting: true, due: false });
    expect((await store.verify()).problems).toEqual([]);
  });

  test("a run begins at once when nobody waits and the queue is not paused, and waits otherwise", async () => {
    await using store = await open();
    const admission = { begin: true, maxQueued: 1, perTenant: { maxConcurrent: 1 } };
    const accept = async (change: Partial<NewRun> = {}) =>
      (await store.runs.accept(aNewRun({ admission, acceptedAt: AT, tenant: "north", until: LATER, ...change }))).kind;

    expect([await accept(), await accept({ tenant: "south" }), await accept()]).toEqual(["accepted", "accepted", "queued"]);
    await expect(accept({ tenant: "west" })).rejects.toThrow(withCode("QUEUE_FULL"));
    expect(await store.runs.list({})).toHaveLength(3);
    await begin(store, { now: AT, choose: ({ heads }) => heads[0] });
    await store.limits.change(["queue"], ([cell]) => ({ cells: [{ ...(cell as object), paused: true }], result: undefined }));
    expect(await accept({ tenant: "west" })).toBe("queued");
  });

  test("the chosen ones are running, each under a lease of its own, and their heads make room for those behind them", async () => {
    await using store = await open();
    const [first, second, third] = [await submit(store), await submit(store, { priority: 1 }), await submit(store)];
    const seen: string[][] = [];
    const choose: BeginNext["choose"] = (view) => {
      seen.push(view.heads.map(({ runId }) => runId));
      return firstIn(view);
    };

    const next = await begin(store, { slots: 2, choose });

    expect(next.begun).toMatchObject([
      { record: { runId: first, status: "running", begunAt: LATER }, lease: { runId: first, epoch: 2, crashes: 0 } },
      { record: { runId: second, status: "running" }, lease: { runId: second } },
    ]);
    expect(seen).toEqual([
      [second, first],
      [second, third],
    ]);
    expect(await begunIn(store, { slots: 5 })).toEqual([third]);
    expect(store.queue.running(LATER)).toBe(3);
    expect((await store.verify()).problems).toEqual([]);
  });

  test("of twenty that ask at the same time each run begins for one", async () => {
    await using store = await open();
    const waiting: RunId[] = [];
    for (let run = 0; run < 10; run++) waiting.push(await submit(store, { tenant: run % 2 ? "north" : "south" }));

    const begunBy = await Promise.all(Array.from({ length: 20 }, (_, worker) => begunIn(store, { holder: `worker ${worker}` })));

    expect(begunBy.flat()).toEqual(waiting);
  });

  test("who chooses is told what the tenants have under way, and who was served last", async () => {
    await using store = await open();
    for (const tenant of ["north", "south", "north", "south", undefined]) await submit(store, { tenant });
    const views: unknown[] = [];

    await begin(store, {
      slots: 3,
      choose(view) {
        views.push(new Map(view.tenants));
        return view.heads.find(({ tenant }) => tenant === "north") ?? firstIn(view);
      },
    });

    const [before, , after] = views as ReadonlyMap<string | undefined, { running: number; served: number }>[];
    expect([...(before?.keys() ?? [])].toSorted()).toEqual(["north", "south", undefined]);
    expect(before?.get("north")).toEqual({ running: 0, served: 0 });
    expect(after?.get("north")).toMatchObject({ running: 2 });
    await begin(store, {
      choose({ tenants }) {
        expect(tenants.get("south")?.served).toBeGreaterThan(0);
        expect(tenants.get(undefined)).toEqual({ running: 0, served: 0 });
        return undefined;
      },
    });
  });

  test("runs of other workflows, and those that are excepted, hold up nobody behind them", async () => {
    await using store = await open();
    await submit(store, { workflow: "another" });
    const excepted = await submit(store);
    const mine = await submit(store);

    expect(await begunIn(store, { except: [excepted], slots: 5 })).toEqual([mine]);
  });

  test("a run that is given back has its place again, and a lost lease gives nothing back", async () => {
    await using store = await open();
    const [first] = [await submit(store), await submit(store)];
    const { begun: given } = await begin(store);
    const [{ lease } = { lease: { runId: first, epoch: 0 } }] = given;

    await store.queue.giveBack({ ...lease, epoch: lease.epoch + 1 });
    expect(await store.runs.find(first)).toMatchObject({ status: "running" });
    await store.queue.giveBack(lease);

    expect(await store.runs.find(first)).toMatchObject({ status: "queued", begunAt: undefined });
    expect(await begunIn(store)).toEqual([first]);
  });

  test("a run that waits can be withdrawn, once, and one that has begun cannot", async () => {
    await using store = await open();
    const [begunRun, waiting] = [await submit(store), await submit(store)];
    await begin(store);

    expect(await store.queue.withdraw(begunRun, CANCELED, LATER)).toBeUndefined();
    expect(await store.queue.withdraw(waiting, CANCELED, LATER)).toMatchObject({ runId: waiting, status: "canceled", failure: CANCELED });

    expect(await store.queue.withdraw(waiting, CANCELED, LATER)).toBeUndefined();
    expect((await store.events.list(waiting)).slice(2)).toMatchObject([{ type: "run.failed" }, { type: "run.ended", durationMs: 10_000 }]);
    expect(await begunIn(store)).toEqual([]);
    await expect(store.queue.withdraw("nobody" as RunId, CANCELED, LATER)).rejects.toThrow(withCode("RUN_UNKNOWN"));
  });

  test("runs whose deadline has come end in the same transaction, wherever they stand, and are never chosen", async () => {
    await using store = await open();
    const [first, late] = [await submit(store), await submit(store, { deadline: LATER })];
    expect(store.queue.glance(LATER)).toEqual({ waiting: true, due: true });

    const next = await begin(store, { slots: 0 });

    expect(next).toMatchObject({ begun: [], expired: [{ runId: late, status: "canceled", failure: { code: "DEADLINE_EXCEEDED" } }] });
    expect(await begunIn(store, { slots: 2 })).toEqual([first]);
  });

  test("whoever waits for runs learns which have come to rest, and which were left", async () => {
    await using store = await open();
    const [ended, left, held, waiting] = [await submit(store), await submit(store), await submit(store), await submit(store)];
    const { begun: three } = await begin(store, { slots: 3 });
    const leaseOf = (runId: RunId) => three.flatMap(({ lease }) => (lease.runId === runId ? [lease] : []))[0] ?? { runId, epoch: 0 };
    await store.runs.change(leaseOf(ended), { status: "completed", endedAt: LATER, outputVersion: 0 });
    await store.runs.release(left, leaseOf(left).epoch);

    expect(store.queue.look([ended, left, held, waiting], LATER)).toEqual({ atRest: [ended], left: [left] });
    expect(store.queue.look([held], "2026-11-02T08:01:00.000Z")).toEqual({ atRest: [], left: [held] });
  });

  test("an idempotency key finds a run that waits", async () => {
    await using store = await open();
    const input = seal({ applicantId: "a-1" });
    const runId = await submit(store, { idempotencyKey: "k", input });

    expect(await store.runs.accept(aNewRun({ idempotencyKey: "k", input }))).toEqual({ kind: "known", runId });
  });
}
