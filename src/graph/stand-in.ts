import { findCached } from "../agents/cached.js";
import { failureOf, inputHash, sealProduct } from "../agents/call.js";
import type { RunScope } from "../agents/scope.js";
import { undoRounds } from "../agents/undo.js";
import type { VersionSource } from "../checkpoint/ports.js";
import { CacheMiss, type Failure, isOurs, isWalkbackError } from "../contracts/failure.js";
import type { Kit } from "./kit.js";
import type { Obtained, Step } from "./step.js";

/** Which round of which step something takes the place of; 0 when the step never ran. */
export interface Place {
  readonly kit: Kit;
  readonly scope: RunScope;
  readonly step: Step;
  readonly round: number;
}

/** The agent's own fallback stands in: after a failure, or because the agent is not needed this time. */
export async function useFallback(place: Place, failure: Failure | undefined): Promise<Obtained> {
  const { agent, step, inputs } = place.step;
  try {
    const output = agent.fallback?.(inputs, failure);
    if (output !== undefined) return await standIn(place, "fallback", output);
    return { kind: "failure", failure: failure ?? failureOf(step, "it was not run and has no fallback").toJSON() };
  } catch (thrown) {
    if (isWalkbackError(thrown) && isOurs(thrown)) throw thrown;
    return { kind: "failure", failure: failureOf(step, thrown).toJSON() };
  }
}

/** What this very version of the agent answered to the same inputs before. */
export async function useCached(place: Place, failure: Failure): Promise<Obtained> {
  const { step } = place.step;
  const { runtime, workflow } = place.kit;
  const accepted = await findCached(runtime, { ...place.step, workflow: workflow.name });
  if (accepted) return standIn(place, "cache", accepted.data);
  const message = `${step} failed (${failure.message}) and has not answered the same inputs before in a completed run.`;
  const miss = new CacheMiss(message, { agent: step }).toJSON();
  return { kind: "failure", failure: { ...miss, causes: [`${failure.code}: ${failure.message}`, ...failure.causes] } };
}

/** Something takes the place of the agent's answer; what the agent left behind outside is undone first. */
export async function standIn({ kit, scope, step, round }: Place, source: VersionSource, output: unknown): Promise<Obtained> {
  const undoFailure = await undoRounds(scope, kit.findAgent, step.step, round);
  if (undoFailure) return { kind: "failure", failure: undoFailure };
  const { runtime } = kit;
  const { agent, from } = step;
  try {
    const version = await runtime.store.versions.append({
      runId: scope.runId,
      epoch: scope.epoch,
      agent: step.step,
      agentVersion: agent.version,
      contract: agent.produces.id,
      parents: from.map(({ number }) => number),
      round,
      source,
      inputHash: inputHash({ from, feedback: [] }),
      data: sealProduct(runtime, agent, output),
      at: runtime.now().toISOString(),
    });
    scope.emit({ type: "agent.completed", agent: step.step, round, version: version.number, durationMs: 0, source });
    return { kind: "version", version };
  } catch (thrown) {
    const failure = failureOf(step.step, thrown);
    if (isOurs(failure)) throw failure;
    return { kind: "failure", failure: failure.toJSON() };
  }
}
