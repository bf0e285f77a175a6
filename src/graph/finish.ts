import type { RunScope } from "../agents/scope.js";
import type { RunChange } from "../checkpoint/ports.js";
import { crashPoint } from "../contracts/crash-point.js";
import { isTerminal } from "../contracts/run.js";
import type { Kit } from "./kit.js";

/** Writes a run's end into its row, from where alone anyone learns of it. A node that runs again changes nothing. */
export async function finish(kit: Kit, scope: RunScope, change: Extract<RunChange, { readonly endedAt: string }>): Promise<void> {
  kit.runtime.forget(scope.runId); // nothing of the run is under way any more, and its end gives the lease back
  const record = await kit.runtime.store.runs.find(scope.runId);
  if (!record || isTerminal(record.status)) return;
  scope.emit({ type: "run.ended", status: change.status, durationMs: Date.parse(change.endedAt) - Date.parse(record.acceptedAt) });
  crashPoint("run.ended:before");
  await kit.runtime.store.runs.change(scope, change);
  scope.ended = true;
  crashPoint("run.ended:after");
}
