import type { Database } from "better-sqlite3";
import { Fenced, RunFinished, RunUnknown } from "../../contracts/failure.js";
import { isTerminal, type RunStatus } from "../../contracts/run.js";
import type { Fence } from "../ports.js";

/**
 * Throws `FENCED` when the run has changed hands since, and `RUN_FINISHED` when it has ended (but LangGraph still puts its last
 * checkpoint then); to be called inside the transaction of the write it stands before.
 */
export function fenceOf(database: Database, { alsoEnded = true } = {}): (fence: Fence) => void {
  const select = database.prepare<[string], { readonly epoch: number; readonly status: RunStatus }>(
    "SELECT epoch, status FROM runs WHERE run_id = ?",
  );
  return ({ runId, epoch }) => {
    const row = select.get(runId);
    if (!row) throw new RunUnknown(`There is no run ${runId} in this store.`, { runId });
    if (row.epoch === epoch && !alsoEnded && isTerminal(row.status)) {
      throw new RunFinished(`Run ${runId} has ended as ${row.status}; nothing is added to it.`, { runId, status: row.status });
    }
    if (row.epoch === epoch) return;
    const message = `Run ${runId} was taken over (epoch ${row.epoch}, this writer has ${epoch}); nothing of this process may be written to it.`;
    throw new Fenced(message, { runId, epoch, currentEpoch: row.epoch });
  };
}
