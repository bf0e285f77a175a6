import type { RunScope } from "../agents/scope.js";
import type { Admission, Version } from "../checkpoint/ports.js";
import { Draining, RunUnknown, WorkflowUnknown } from "../contracts/failure.js";
import { newRunId, type RunId } from "../contracts/ids.js";
import type { Run } from "../contracts/run.js";
import { acceptOnce, sealInput } from "../graph/nodes.js";
import { updateOf } from "../graph/state.js";
import type { Workflow } from "../graph/workflow.js";
import { carry } from "./carry.js";
import { type Entry, entryOf, getRun, type Parts, recordOf } from "./parts.js";
import type { Serving } from "./queue.js";
import { type PlaceOptions, placeOf } from "./queue-options.js";

export interface StartOptions extends PlaceOptions {
  /** A UUID of your own; `RUN_EXISTS` when it is taken. */
  readonly runId?: string;
  /** The same key returns the same run; with another input it is `KEY_REUSED`. */
  readonly idempotencyKey?: string;
  /** Called once the run is on disk: from here on it is not forgotten, though it may have to wait for its turn. */
  readonly onAccepted?: (runId: RunId) => void;
}

/** Accepts a run and waits until it comes to rest, its time in the queue included. */
export async function start(
  parts: Parts,
  serving: Serving | undefined,
  named: Workflow | string,
  input: unknown,
  options: StartOptions = {},
): Promise<Run> {
  const { runId, carried } = await accept(parts, serving, named, input, options);
  return carried ?? restOf(parts, serving, runId);
}

/** Accepts a run and leaves it at that; whoever serves the queue carries it, this process at once if it may begin. */
export async function submit(
  parts: Parts,
  serving: Serving | undefined,
  named: Workflow | string,
  input: unknown,
  options: StartOptions = {},
): Promise<RunId> {
  const { runId, carried } = await accept(parts, serving, named, input, options);
  if (carried && serving) serving.inBackground(runId, () => carried);
  else carried?.catch(() => {}); // the run is on disk, and whoever recovers it hears of it
  return runId;
}

interface Admitted {
  readonly runId: RunId;
  /** Of a run that could begin at once. */
  readonly carried: Promise<Run> | undefined;
}

async function accept(
  parts: Parts,
  serving: Serving | undefined,
  named: Workflow | string,
  input: unknown,
  options: StartOptions,
): Promise<Admitted> {
  const { runtime } = parts;
  const { runId: wanted, idempotencyKey, onAccepted } = options;
  const entry = entryOf(parts, typeof named === "string" ? named : named.name);
  const { kit } = entry;
  if (typeof named !== "string" && named !== kit.workflow) throw anotherDefinition(named);
  const runId = (wanted ?? newRunId()) as RunId;
  refuseWhenDraining(parts, runId);
  const place = placeOf(kit.workflow.input.id, options);
  const sealed = sealInput(kit.workflow, input, runtime.maxDocumentBytes);
  const taken = takePlace(serving);
  try {
    const accepted = await acceptOnce(kit, { runId, input: sealed }, idempotencyKey, { ...place, admission: taken.admission });
    if (accepted.kind === "accepted") {
      const scope = scopeOf(parts, runId);
      return { runId, carried: carryAccepted(parts, entry, { scope, first: accepted.version }, onAccepted) };
    }
    onAccepted?.(accepted.runId);
    return { runId: accepted.runId, carried: undefined };
  } finally {
    taken.giveBack(); // a run that has begun is under way by now
    serving?.wake();
  }
}

/** A place for the run, if there is one, and what the store must know to let it begin at once. */
function takePlace(serving: Serving | undefined): { readonly admission: Admission | undefined; giveBack(): void } {
  if (!serving) return { admission: undefined, giveBack: () => {} };
  const { places, settings } = serving;
  const begin = places.free > 0;
  if (begin) places.take(1);
  const { maxQueued, perTenant } = settings;
  return { admission: { begin, maxQueued, perTenant }, giveBack: () => places.giveBack(begin ? 1 : 0) };
}

/** A run that was accepted before, or has to wait: as it is once it has come to rest here, or in the queue's own time. */
async function restOf(parts: Parts, serving: Serving | undefined, runId: RunId): Promise<Run> {
  await parts.underway.get(runId);
  if ((await recordOf(parts, runId)).status === "queued") await serving?.untilRest(runId);
  return getRun(parts, runId);
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
