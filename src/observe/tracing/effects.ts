import type { RunEvent } from "../../contracts/event.js";
import { attemptOf, stepOf, workerOf } from "./agents.js";
import { before } from "./before.js";
import { keyHash } from "./key-hash.js";
import type { Attributes } from "./span.js";
import type { Draft, Trace } from "./trace.js";

type Sent = Extract<RunEvent, { readonly type: "effect.performed" | "effect.failed" }>;
type Undone = Extract<RunEvent, { readonly type: "effect.undone" | "effect.undo-failed" }>;

export function sent(trace: Trace, root: Draft, event: Sent): void {
  const { at, effect, key, durationMs = 0 } = event;
  const parent = senderOf(trace, root, event);
  const span = trace.open(parent, `effect ${key}`, { kind: "effect", name: effect, at: before(at, durationMs), attributes: about(event) });
  if (event.type === "effect.failed") trace.end(span, { at, status: "failed", failure: event.failure });
  else trace.end(span, { at, status: "ok" });
}

/** Under the agent when its own work goes on, otherwise (in the walk-back, between two rounds) under the run. */
export function undone(trace: Trace, root: Draft, event: Undone): void {
  const { at, agent, effect, key, durationMs = 0 } = event;
  const step = trace.steps.get(agent);
  const parent = step?.status === "open" && !root.failure ? step : root;
  const attributes = { ...about(event), undo: true };
  const span = trace.open(parent, `undo ${key}`, { kind: "effect", name: `undo ${effect}`, at: before(at, durationMs), attributes });
  if (event.type === "effect.undo-failed") trace.end(span, { at, status: "failed", failure: event.failure });
  else trace.end(span, { at, status: "ok" });
}

function senderOf(trace: Trace, root: Draft, event: Sent): Draft {
  const { at, tier, attempt, attemptMs = 0 } = event;
  const worker = workerOf(trace, stepOf(trace, root, event), tier);
  return attempt === undefined ? worker : attemptOf(trace, worker, attempt, before(at, attemptMs));
}

function about({ agent, key }: Sent | Undone): Attributes {
  return { agent, keyHash: keyHash(key) };
}
