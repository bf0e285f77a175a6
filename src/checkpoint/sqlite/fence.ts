import type { Database } from "better-sqlite3";
import { Fenced, RunUnknown } from "../../contracts/failure.js";
import type { Fence } from "../ports.js";

/** Throws `FENCED` when the run has changed hands since; to be called inside the transaction of the write it stands before. */
export function fenceOf(database: Database): (fence: Fence) => void {
  const select = database.prepare<[string], { readonly epoch: number }>("SELECT epoch FROM runs WHERE run_id = ?");
  return ({ runId, epoch }) => {
    const row = select.get(runId);
    if (!row) throw new RunUnknown(`There is no run ${runId} in this store.`, { runId });
    if (row.epoch === epoch) return;
    const message = `Run ${runId} was taken over (epoch ${row.epoch}, this writer has ${epoch}); nothing of this process may be written to it.`;
    throw new Fenced(message, { runId, epoch, currentEpoch: row.epoch });
  };
}
