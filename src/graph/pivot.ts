import { isPivot } from "../agents/effect.js";
import type { RunScope } from "../agents/scope.js";
import type { EffectRecord } from "../checkpoint/journal-view.js";
import type { Kit } from "./kit.js";

/** The point of no return that is behind the run, if one is. */
export async function passedPivot(kit: Pick<Kit, "findAgent">, scope: Pick<RunScope, "journal">): Promise<EffectRecord | undefined> {
  for (const record of (await scope.journal()).values()) {
    const effect = kit.findAgent(record.agent)?.effects.find(({ name }) => name === record.effect);
    if (record.status === "performed" && effect && isPivot(effect)) return record;
  }
  return undefined;
}
