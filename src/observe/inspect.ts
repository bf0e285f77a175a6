import { type EffectRecord, foldJournal } from "../checkpoint/journal-view.js";
import type { RunRecord, Store, Version } from "../checkpoint/ports.js";
import type { RunEvent } from "../contracts/event.js";
import type { Run } from "../contracts/run.js";
import { runOf } from "./run-view.js";

/** Everything on record about one run. */
export interface Inspection {
  readonly run: Run;
  /** With their data. */
  readonly versions: readonly Version[];
  /** In the order of their intents. */
  readonly effects: readonly EffectRecord[];
  /** Attempts, gates, breaker transitions, what was undone: in the order in which they happened. */
  readonly events: readonly RunEvent[];
  /** Whether the hash chain of the versions holds; otherwise the number of the first that does not. */
  readonly chain: "holds" | { readonly brokenAt: number };
}

export async function inspectRun(store: Store, record: RunRecord): Promise<Inspection> {
  const { runId } = record;
  const brokenAt = await store.versions.firstBroken(runId);
  return {
    run: await runOf(store, record),
    versions: await store.versions.list(runId),
    effects: [...foldJournal(await store.journal.list(runId)).values()],
    events: await store.events.list(runId),
    chain: brokenAt === undefined ? "holds" : { brokenAt },
  };
}
