import { type EffectRecord, foldJournal } from "../checkpoint/journal-view.js";
import type { ForkPoint, RunRecord, Store, Version } from "../checkpoint/ports.js";
import type { RunEvent } from "../contracts/event.js";
import type { Run } from "../contracts/run.js";
import { runOf } from "./run-view.js";

/** Everything on record about one run; all of it was hashed again before it was returned. */
export interface Inspection {
  readonly run: Run;
  /** The version of another run with which this one's own history begins. */
  readonly forkedFrom: ForkPoint | undefined;
  /** With their data. */
  readonly versions: readonly Version[];
  /** In the order of their intents. */
  readonly effects: readonly EffectRecord[];
  /** Attempts, gates, breaker transitions, what was undone: in the order in which they happened. */
  readonly events: readonly RunEvent[];
}

export async function inspectRun(store: Store, record: RunRecord): Promise<Inspection> {
  const { runId } = record;
  return {
    run: await runOf(store, record),
    forkedFrom: record.forkedFrom,
    versions: await store.versions.list(runId),
    effects: [...foldJournal(await store.journal.list(runId)).values()],
    events: await store.events.list(runId),
  };
}
