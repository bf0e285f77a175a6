import type { RunId } from "../contracts/ids.js";
import type { Run } from "../contracts/run.js";
import { carryOn, wasFaster } from "./carry.js";
import type { Parts } from "./parts.js";
import type { Serving } from "./queue.js";

/** How many runs are carried at a time. */
const AT_ONCE = 16;

export interface RecoverOptions {
  /** Called with each run as soon as it has come to rest. */
  readonly onRest?: (run: Run) => void;
  /** Whether to work the queue off, too, once nobody is left who was being carried; true when left out. */
  readonly queue?: boolean;
  /** Called for a run that could not be carried on; without it the first error is thrown once all others have been carried. */
  readonly onError?: (thrown: unknown, runId: RunId) => void;
}

export async function recover(
  parts: Parts,
  serving: Serving | undefined,
  { onError, onRest, queue = true }: RecoverOptions = {},
): Promise<readonly Run[]> {
  const { store, runtime, entries, underway } = parts;
  const errors: unknown[] = [];
  const failed = (thrown: unknown, runId: RunId | undefined): undefined => {
    if (wasFaster(thrown)) return;
    if (onError && runId !== undefined) onError(thrown, runId);
    else errors.push(thrown);
  };
  const carried: Run[] = [];
  const told = (run: Run): Run => {
    onRest?.(run);
    return run;
  };
  const atOnce = Math.min(AT_ONCE, serving?.settings.maxConcurrent || AT_ONCE);
  const seen = new Set<RunId>();
  for (;;) {
    // What was looked at and left (another program's workflow, say) must not hide those behind it.
    const claimable = await store.runs.claimable(runtime.now().toISOString(), seen.size + atOnce);
    const unseen = claimable.filter(({ runId }) => !seen.has(runId));
    if (unseen.length === 0 || runtime.draining) break;
    for (const { runId } of unseen) seen.add(runId);
    const mine = unseen.filter(({ runId, workflow }) => !underway.has(runId) && entries.has(workflow));
    const runs = await Promise.all(mine.map((record) => carryOn(parts, record).then(told, (thrown) => failed(thrown, record.runId))));
    carried.push(...runs.filter((run) => run !== undefined));
  }
  if (queue) await serving?.workOff({ onRest: (run) => carried.push(told(run)), onError: failed });
  if (errors.length > 0) throw errors[0]; // the others have been carried all the same
  return carried;
}
