import type { EffectRecord } from "../checkpoint/journal-view.js";
import type { Version } from "../checkpoint/ports.js";
import type { Call } from "./call.js";
import { effectKey, WORK_EFFECT } from "./effect.js";
import type { RunScope } from "./scope.js";

type Work = Pick<Call, "agent" | "step" | "round" | "tier">;

/** An agent with a `compensate` stands in the journal as one more effect: intended before it works, performed after. */
export async function intendWork(scope: RunScope, call: Work & Pick<Call, "inputs">): Promise<void> {
  if (!call.agent.compensate) return;
  const { round, tier } = call;
  const body = { args: call.inputs as never, round, ...(tier === undefined ? {} : { tier }) }; // inputs are documents of the state, plain JSON
  await scope.write(await workRecord(scope, call), "intended", body);
}

/** Also for a version that is on record already: the process may have died between the two. */
export async function recordWork(scope: RunScope, call: Work, version: Version): Promise<void> {
  if (!call.agent.compensate) return;
  const work = await workRecord(scope, call);
  if ((await scope.journal()).get(work.key)?.status === "tried") await scope.write(work, "performed", version.data);
}

/** Work that was undone and is begun again in the same round, by a tier whose turn comes twice after a crash, is new work. */
async function workRecord(
  scope: RunScope,
  { step, round, tier }: Work,
): Promise<Pick<EffectRecord, "key" | "agent" | "effect" | "identity" | "generation">> {
  const journal = await scope.journal();
  const identity = tier === undefined ? `round ${round}` : `round ${round} ${tier}`;
  for (let generation = 0; ; generation++) {
    const key = effectKey(scope.runId, step, WORK_EFFECT, identity, generation);
    const status = journal.get(key)?.status;
    if (status !== "undone" && status !== "settled") return { key, agent: step, effect: WORK_EFFECT, identity, generation };
  }
}
