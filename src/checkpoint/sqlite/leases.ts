import { crashPoint } from "../../contracts/crash-point.js";
import { RunFinished, RunHeld } from "../../contracts/failure.js";
import type { RunId } from "../../contracts/ids.js";
import { isTerminal } from "../../contracts/run.js";
import type { Lease, RunLog } from "../ports.js";
import type { Ground } from "./ground.js";

/** Takes the lease of a run; one that waited in the queue has its turn with that. Inside a transaction. */
export function claims({ database, rows }: Pick<Ground, "database" | "rows">): (wanted: Parameters<RunLog["claim"]>[0]) => Lease {
  // Only what happens once counts: an undo that is begun again and again, and kills its process each time, gets no further.
  const countOnce = database.prepare<[string], number>(
    "SELECT count(*) FROM journal WHERE run_id = ? AND phase IN ('recorded', 'intended', 'performed', 'undone', 'settled')",
  );

  return ({ runId, holder, now, until }) => {
    const row = rows.get(runId);
    if (isTerminal(row.status)) throw new RunFinished(`Run ${runId} has already ended as ${row.status}.`, { runId, status: row.status });
    if (row.holder !== null && row.lease_until !== null && row.lease_until > now) throw held(runId, row.holder, row.lease_until);
    const progress = row.versions + row.failed_steps + row.questions + Number(countOnce.pluck().get(runId));
    // A lease that was never given back was held by a process that died. Whoever gets further than the last one starts anew.
    const crashes = row.holder === null ? 0 : progress > row.progress ? 1 : row.crashes + 1;
    const begins = row.status === "queued" ? ({ status: "running", begun_at: now } as const) : {};
    rows.change(row, { epoch: row.epoch + 1, holder, lease_until: until, crashes, progress, ...begins });
    return { runId, epoch: row.epoch + 1, until, crashes, cancelReason: row.cancel_reason ?? undefined };
  };
}

/** Who carries a run: one holder at a time, each under an epoch of its own. */
export function leases(ground: Ground): Pick<RunLog, "claim" | "renew" | "release" | "requestCancel" | "cancelRequests"> {
  const { writer, rows } = ground;
  const claim = claims(ground);
  return {
    async claim(wanted) {
      const lease = await writer.write(() => claim(wanted));
      crashPoint("lease.claimed:after");
      return lease;
    },
    renew: (fences, until) =>
      writer.write(() => {
        const lost: RunId[] = [];
        for (const { runId, epoch } of fences) {
          const row = rows.find(runId);
          if (row?.epoch === epoch && row.holder !== null) rows.change(row, { lease_until: until });
          else lost.push(runId);
        }
        return lost;
      }),
    release: (runId, epoch) =>
      writer.write(() => {
        const row = rows.find(runId);
        if (row?.epoch === epoch) rows.change(row, { holder: null, lease_until: null });
      }),
    requestCancel: (runId, reason) =>
      writer.write(() => {
        const row = rows.find(runId);
        if (row?.cancel_reason === null) rows.change(row, { cancel_reason: reason });
      }),
    cancelRequests: async (runIds) =>
      runIds.flatMap((runId) => {
        const reason = rows.find(runId)?.cancel_reason ?? undefined;
        return reason === undefined ? [] : [{ runId, reason }];
      }),
  };
}

function held(runId: RunId, holder: string, until: string): RunHeld {
  const message = `Run ${runId} is being carried by ${holder} until ${until}. If that process is dead, try again after that.`;
  return new RunHeld(message, { runId, holder, until });
}
