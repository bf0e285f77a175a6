import fc from "fast-check";
import { expect, test } from "vitest";
import { type Failure, type Lease, type QueueHead, type RunId, type Store, seal, sqliteStore } from "walkback";
import { effectivePriority, nextInQueue } from "../../src/limits/queue-order.js";
import { aNewRun } from "../support/records.js";

const INTERLEAVINGS = Number(process.env["WALKBACK_INTERLEAVINGS"] ?? 200);
const AT = "2026-11-02T08:00:00.000Z";
const UNTIL = "2026-11-02T09:00:00.000Z";
const RULES = { ageingMs: 60_000, tenantMaxConcurrent: 2 };
const CANCELED: Failure = { code: "CANCELED", message: "canceled", details: {}, causes: [] };

const aJob = fc.record({
  priority: fc.integer({ min: 1, max: 3 }),
  tenant: fc.constantFrom(undefined, "north", "south"),
  fate: fc.constantFrom("work", "work", "work", "cancel", "give back"),
});
type Job = typeof aJob extends fc.Arbitrary<infer T> ? T : never;

/** What happened, in the order in which the store did it. */
interface Log {
  readonly begun: QueueHead[];
  readonly ends: Map<RunId, string[]>;
  readonly fates: Map<RunId, Job["fate"]>;
}

async function submit(store: Store, { priority, tenant, fate }: Job, { fates, ends }: Log): Promise<RunId> {
  const admission = { begin: false, maxQueued: 1_000, perTenant: {} };
  const run = aNewRun({ workflow: "jobs", acceptedAt: AT, input: seal({}), priority, tenant, admission });
  fates.set(run.runId, fate);
  ends.set(run.runId, []);
  await store.runs.accept(run);
  return run.runId;
}

/** Begins and finishes runs, one or two at a time, as long as there are any. */
async function serve(store: Store, log: Log, pause: () => Promise<void>, { slots = 1, givesBack = true } = {}): Promise<void> {
  const { begun, ends, fates } = log;
  const gaveBack = new Set<RunId>();
  for (let idle = 0; idle < 8; idle++) {
    await pause();
    const next = await store.queue.begin({
      holder: `worker of ${slots}`,
      now: AT,
      until: UNTIL,
      slots,
      workflows: ["jobs"],
      except: [...gaveBack],
      choose(view) {
        const chosen = nextInQueue(view, RULES, Date.parse(AT));
        if (!chosen) return undefined;
        const open = view.heads.filter(
          ({ tenant }) => tenant === undefined || (view.tenants.get(tenant)?.running ?? 0) < RULES.tenantMaxConcurrent,
        );
        const best = Math.min(...open.map((head) => effectivePriority(head, RULES, Date.parse(AT))));
        expect(effectivePriority(chosen, RULES, Date.parse(AT))).toBe(best);
        begun.push(chosen);
        return chosen;
      },
    });
    for (const { lease } of next.begun) {
      idle = 0;
      await pause();
      if (givesBack && fates.get(lease.runId) === "give back" && !gaveBack.has(lease.runId)) {
        gaveBack.add(lease.runId);
        await store.queue.giveBack(lease);
      } else await finish(store, lease, ends);
    }
  }
}

async function finish(store: Store, lease: Lease, ends: Log["ends"]): Promise<void> {
  await store.runs.change(lease, { status: "completed", endedAt: AT, outputVersion: 0 });
  ends.get(lease.runId)?.push("completed");
}

test(`in ${INTERLEAVINGS} interleavings of three workers no run is lost or worked twice, and the order holds`, {
  timeout: 600_000,
}, async () => {
  await fc.assert(
    fc.asyncProperty(fc.scheduler(), fc.array(aJob, { minLength: 1, maxLength: 12 }), async (scheduler, jobs) => {
      const store = sqliteStore(":memory:");
      const log: Log = { begun: [], ends: new Map(), fates: new Map() };
      const pause = () => scheduler.schedule(Promise.resolve());
      const door = async () => {
        for (const job of jobs) {
          await pause();
          const runId = await submit(store, job, log);
          if (job.fate !== "cancel") continue;
          await pause();
          if (await store.queue.withdraw(runId, CANCELED, AT)) log.ends.get(runId)?.push("canceled");
        }
      };

      await scheduler.waitFor(
        Promise.all([door(), serve(store, log, pause), serve(store, log, pause), serve(store, log, pause, { slots: 2 })]),
      );
      await serve(store, log, async () => {}, { givesBack: false }); // those that came after the workers had gone, or went back

      const ends = [...log.ends.values()];
      expect(ends.map((each) => each.length)).toEqual(jobs.map(() => 1));
      for (const [runId, [end]] of log.ends) expect((await store.runs.find(runId))?.status).toBe(end);
      const neverGivenBack = log.begun.filter(({ runId }) => log.fates.get(runId) !== "give back");
      expect(new Set(neverGivenBack.map(({ runId }) => runId)).size).toBe(neverGivenBack.length);
      for (const [index, earlier] of neverGivenBack.entries())
        for (const later of neverGivenBack.slice(index + 1))
          if (later.priority === earlier.priority && later.tenant === earlier.tenant) expect(later.place).toBeGreaterThan(earlier.place);
      expect(store.queue.depths()).toEqual([]);
      expect((await store.verify()).problems).toEqual([]);
      await store.close();
    }),
    { numRuns: INTERLEAVINGS },
  );
});
