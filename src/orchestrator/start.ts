import type { RunScope } from "../agents/scope.js";
import type { Version } from "../checkpoint/ports.js";
import { Draining, RunUnknown, WorkflowUnknown } from "../contracts/failure.js";
import { newRunId, type RunId } from "../contracts/ids.js";
import type { Run } from "../contracts/run.js";
import { acceptOnce, sealInput } from "../graph/nodes.js";
import { updateOf } from "../graph/state.js";
import type { Workflow } from "../graph/workflow.js";
import { carry } from "./carry.js";
import { type Entry, entryOf, getRun, type Parts } from "./parts.js";

export interface StartOptions {
  /** A UUID of your own; `RUN_EXISTS` when it is taken. */
  readonly runId?: string;
  /** The same key returns the same run; with another input it is `KEY_REUSED`. */
  readonly idempotencyKey?: string;
  /** Called once the run is on disk: from here on it is not forgotten. */
  readonly onAccepted?: (runId: RunId) => void;
}

export async function start(parts: Parts, named: Workflow | string, input: unknown, options: StartOptions = {}): Promise<Run> {
  const { runtime, underway } = parts;
  const { runId: wanted, idempotencyKey, onAccepted } = options;
  const entry = entryOf(parts, typeof named === "string" ? named : named.name);
  const { kit } = entry;
  if (typeof named !== "string" && named !== kit.workflow) throw anotherDefinition(named);
  const runId = (wanted ?? newRunId()) as RunId;
  refuseWhenDraining(parts, runId);
  const sealed = sealInput(kit.workflow, input, runtime.maxDocumentBytes);
  const accepted = await acceptOnce(kit, { runId, input: sealed }, idempotencyKey);
  if (accepted.kind === "known") {
    onAccepted?.(accepted.runId);
    await underway.get(accepted.runId);
    return getRun(parts, accepted.runId);
  }
  return carryAccepted(parts, entry, { scope: scopeOf(parts, runId), first: accepted.version }, onAccepted);
}

/** Throws `DRAINING`. */
export function refuseWhenDraining({ runtime }: Parts, runId: RunId): void {
  if (runtime.draining) throw new Draining("The orchestrator is stopping and accepts no runs. Start it at another one.", { runId });
}

/** Carries a run that was accepted just now; when whoever is told of it throws, it stays on disk for `recover`. */
export async function carryAccepted(
  parts: Parts,
  entry: Entry,
  { scope, first }: { readonly scope: RunScope; readonly first: Version },
  onAccepted: StartOptions["onAccepted"],
): Promise<Run> {
  try {
    onAccepted?.(scope.runId);
  } catch (thrown) {
    await parts.runtime.release(scope);
    throw thrown;
  }
  return carry(parts, entry, scope, updateOf(first)); // with nothing awaited before, so that the same start again finds it under way
}

function scopeOf({ runtime }: Parts, runId: RunId): RunScope {
  const scope = runtime.activeScope(runId);
  if (scope) return scope;
  throw new RunUnknown(`Run ${runId} was accepted but is not open in this process.`, { runId });
}

function anotherDefinition({ name }: Workflow): WorkflowUnknown {
  const message = `This orchestrator has another workflow called "${name}". Give it the same definition it was made with, or another name.`;
  return new WorkflowUnknown(message, { workflow: name, known: [name] });
}
