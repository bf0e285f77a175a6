import type { RunId, Store } from "walkback";

/** A run's file as one text. */
export async function textOf(store: Store, runId: RunId): Promise<string> {
  const lines: string[] = [];
  for await (const line of store.export(runId)) lines.push(line);
  return lines.join("");
}
