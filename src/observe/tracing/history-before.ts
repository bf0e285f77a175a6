import { isDeepStrictEqual } from "node:util";
import type { RunEvent } from "../../contracts/event.js";

/**
 * The events of a record that came before those that were heard. The record may hold some of what was heard already: then its
 * end is their beginning.
 */
export function historyBefore(listed: readonly RunEvent[], heard: readonly RunEvent[]): readonly RunEvent[] {
  const written = heard.map((event): unknown => JSON.parse(JSON.stringify(event)));
  for (let shared = Math.min(listed.length, heard.length); shared > 0; shared--) {
    if (isDeepStrictEqual(listed.slice(-shared), written.slice(0, shared))) return listed.slice(0, -shared);
  }
  return listed;
}
