import { crashPoint } from "../../contracts/crash-point.js";
import { type Failure, StoreClosed } from "../../contracts/failure.js";
import type { RunId } from "../../contracts/ids.js";
import type { BeginNext, Lease, QueueHead, RunQueue, RunRecord } from "../ports.js";
import { deadlineExceeded, withdrawnEvents } from "../queue-events.js";
import { insertEvent, rowOfEvent } from "./events.js";
import type { Ground } from "./ground.js";
import { claims } from "./leases.js";
import { queueHeads } from "./queue-heads.js";
import { queueTurns } from "./queue-turns.js";
import type { RunRow } from "./run-rows.js";
import { factsOf, recordOfRow } from "./runs.js";
import { damaged } from "./sums.js";

export function runQueue(ground: Ground): RunQueue {
  const { database, writer, rows, path } = ground;
  const heads = queueHeads(ground);
  const turns = queueTurns(ground);
  const beginNext = beginner(ground);
  const withdraw = withdrawer(ground);
  const selectDue = database
    .prepare<[string], string>("SELECT run_id FROM runs INDEXED BY runs_by_deadline WHERE status = 'queued' AND deadline <= ?")
    .pluck();
  const expire = (now: string): RunRecord[] =>
    selectDue.all(now).flatMap((runId) => {
      const row = rows.get(runId as RunId);
      return row.status === "queued" ? [withdraw(row, deadlineExceeded(recordOfRow(row), now), now)] : [];
    });
  const glance = database.prepare<[string], { waiting: number; due: number }>(
    `SELECT EXISTS (SELECT 1 FROM runs INDEXED BY runs_by_status WHERE status = 'queued') AS waiting,
            EXISTS (SELECT 1 FROM runs INDEXED BY runs_by_deadline WHERE status = 'queued' AND deadline <= ?) AS due`,
  );
  const look = database.prepare<[string, string], { run_id: string; status: string; free: number }>(
    `SELECT run_id, status, holder IS NULL OR lease_until <= ? AS free FROM runs
      WHERE run_id IN (SELECT value FROM json_each(?)) AND status <> 'queued'`,
  );

  return {
    async begin(wanted) {
      const next = await writer.write(() => {
        rows.settle(); // the statements below look for rows by what is in them
        const expired = expire(wanted.now);
        return { expired, begun: turns.isPaused() ? [] : beginNext(wanted) };
      });
      if (next.begun.length > 0) crashPoint("lease.claimed:after");
      return next;
    },
    giveBack: ({ runId, epoch }) =>
      writer.write(() => {
        const row = rows.find(runId);
        if (row?.epoch !== epoch || row.status !== "running" || row.queue_place === null) return;
        rows.change(row, { status: "queued", begun_at: null, holder: null, lease_until: null });
      }),
    withdraw: (runId, failure, endedAt) =>
      writer.write(() => {
        const row = rows.get(runId);
        return row.status === "queued" ? withdraw(row, failure, endedAt) : undefined;
      }),
    glance(now) {
      if (!database.open) throw new StoreClosed(`The store ${path} is closed. Open it again to serve its queue.`, { path });
      const { waiting = 0, due = 0 } = glance.get(now) ?? {};
      return { waiting: waiting === 1, due: due === 1 };
    },
    look(runIds, now) {
      const found = look.all(now, JSON.stringify(runIds));
      const idsOf = (those: typeof found) => those.map(({ run_id }) => run_id as RunId);
      return {
        atRest: idsOf(found.filter(({ status }) => status !== "running")),
        left: idsOf(found.filter(({ status, free }) => status === "running" && free === 1)),
      };
    },
    isPaused: () => turns.isPaused(),
    depths: () => heads.depths(),
    running: (now) => turns.running(now),
  };
}

/** Chooses among the heads until there is nobody left or no slot, and hands out the leases. */
function beginner(ground: Ground) {
  const { rows, path } = ground;
  const heads = queueHeads(ground);
  const turns = queueTurns(ground);
  const claim = claims(ground);
  const rowOf = ({ runId, priority, tenant, place }: QueueHead): RunRow => {
    const row = rows.get(runId);
    const same = row.status === "queued" && row.priority === priority && (row.tenant ?? undefined) === tenant && row.queue_place === place;
    if (same) return row;
    throw damaged({ path, where: "runs", runId }, "an index leads to another run than the one that waits");
  };

  return (wanted: BeginNext): readonly { readonly record: RunRecord; readonly lease: Lease }[] => {
    const { holder, now, until, slots, choose } = wanted;
    const begun: { readonly record: RunRecord; readonly lease: Lease }[] = [];
    let waiting = slots > 0 ? heads.all(wanted) : [];
    const tenants = turns.loads(new Set(waiting.map(({ tenant }) => tenant)), now);
    while (begun.length < slots) {
      const next = choose({ heads: waiting, tenants });
      if (!next) break;
      const { runId, tenant } = next;
      rowOf(next);
      const lease = claim({ runId, holder, now, until });
      begun.push({ record: recordOfRow(rows.get(runId)), lease });
      rows.settle();
      tenants.set(tenant, { running: (tenants.get(tenant)?.running ?? 0) + 1, served: turns.serve(tenant) });
      waiting = heads.without(waiting, next, wanted);
    }
    return begun;
  };
}

/** Ends a run that never had its turn. */
function withdrawer(ground: Ground) {
  const { rows } = ground;
  const appendEvent = insertEvent(ground);
  return (row: RunRow, failure: Failure, endedAt: string): RunRecord => {
    const runId = row.run_id as RunId;
    rows.change(row, factsOf({ status: "canceled", endedAt, failure }));
    const record = recordOfRow(rows.get(runId));
    for (const event of withdrawnEvents(record, failure, endedAt)) appendEvent(rows.get(runId), rowOfEvent(event));
    return record;
  };
}
