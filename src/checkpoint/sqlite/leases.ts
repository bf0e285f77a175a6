import type { Database } from "better-sqlite3";
import { crashPoint } from "../../contracts/crash-point.js";
import { RunFinished, RunHeld, RunUnknown } from "../../contracts/failure.js";
import type { RunId } from "../../contracts/ids.js";
import { isTerminal, type RunStatus } from "../../contracts/run.js";
import type { Lease, RunLog } from "../ports.js";
import type { Writer } from "./writer.js";

interface Row {
  readonly status: RunStatus;
  readonly epoch: number;
  readonly holder: string | null;
  readonly lease_until: string | null;
  readonly crashes: number;
  readonly progress: number;
  readonly cancel_reason: string | null;
}

/** Who carries a run: one holder at a time, each under an epoch of its own. */
export function leases(
  database: Database,
  writer: Writer,
): Pick<RunLog, "claim" | "renew" | "release" | "requestCancel" | "cancelRequests"> {
  const select = database.prepare<[string], Row>(
    "SELECT status, epoch, holder, lease_until, crashes, progress, cancel_reason FROM runs WHERE run_id = ?",
  );
  // Only what happens once counts: an undo that is begun again and again, and kills its process each time, gets no further.
  const countProgress = database.prepare<[{ readonly runId: string }], { readonly progress: number }>(
    `SELECT (SELECT count(*) FROM versions WHERE run_id = @runId) + (SELECT count(*) FROM failed_steps WHERE run_id = @runId)
       + (SELECT count(*) FROM questions WHERE run_id = @runId)
       + (SELECT count(*) FROM journal WHERE run_id = @runId AND phase IN ('recorded', 'intended', 'performed', 'undone', 'settled')) AS progress`,
  );
  const take = database.prepare("UPDATE runs SET epoch = ?, holder = ?, lease_until = ?, crashes = ?, progress = ? WHERE run_id = ?");
  const prolong = database.prepare("UPDATE runs SET lease_until = ? WHERE run_id = ? AND epoch = ? AND holder IS NOT NULL");
  const giveBack = database.prepare("UPDATE runs SET holder = NULL, lease_until = NULL WHERE run_id = ? AND epoch = ?");
  const wish = database.prepare("UPDATE runs SET cancel_reason = ? WHERE run_id = ? AND cancel_reason IS NULL");

  const claim = ({ runId, holder, now, until }: Parameters<RunLog["claim"]>[0]): Lease => {
    const row = select.get(runId);
    if (!row) throw new RunUnknown(`There is no run ${runId} in this store.`, { runId });
    if (isTerminal(row.status)) throw new RunFinished(`Run ${runId} has already ended as ${row.status}.`, { runId, status: row.status });
    if (row.holder !== null && row.lease_until !== null && row.lease_until > now) throw held(runId, row.holder, row.lease_until);
    const progress = countProgress.get({ runId })?.progress ?? 0;
    // A lease that was never given back was held by a process that died. Whoever gets further than the last one starts anew.
    const crashes = row.holder === null ? 0 : progress > row.progress ? 1 : row.crashes + 1;
    take.run(row.epoch + 1, holder, until, crashes, progress, runId);
    return { runId, epoch: row.epoch + 1, until, crashes, cancelReason: row.cancel_reason ?? undefined };
  };

  return {
    async claim(wanted) {
      const lease = await writer.write(() => claim(wanted));
      crashPoint("lease.claimed:after");
      return lease;
    },
    renew: (fences, until) =>
      writer.write(() => fences.filter(({ runId, epoch }) => prolong.run(until, runId, epoch).changes === 0).map(({ runId }) => runId)),
    release: (runId, epoch) =>
      writer.write(() => {
        giveBack.run(runId, epoch);
      }),
    requestCancel: (runId, reason) =>
      writer.write(() => {
        wish.run(reason, runId);
      }),
    cancelRequests: async (runIds) =>
      runIds.flatMap((runId) => {
        const reason = select.get(runId)?.cancel_reason ?? undefined;
        return reason === undefined ? [] : [{ runId, reason }];
      }),
  };
}

function held(runId: RunId, holder: string, until: string): RunHeld {
  const message = `Run ${runId} is being carried by ${holder} until ${until}. If that process is dead, try again after that.`;
  return new RunHeld(message, { runId, holder, until });
}
