import type { RunEvent } from "../../contracts/event.js";
import type { RunId } from "../../contracts/ids.js";
import { attemptFailed, completed, degraded, failed, rejected, skipped, started } from "./agents.js";
import { sent, undone } from "./effects.js";
import { answered, ended, rootOf, waiting } from "./run.js";
import type { Span } from "./span.js";
import { Trace } from "./trace.js";

/** The spans of a run, from its events in the order in which they happened. */
export function spansOf(runId: RunId, events: readonly RunEvent[]): readonly Span[] {
  const trace = new Trace(runId);
  for (const event of events) follow(trace, event);
  return trace.spans();
}

/** Lets a trace follow its run by one event. */
export function follow(trace: Trace, event: RunEvent): void {
  const root = rootOf(trace, event);
  switch (event.type) {
    case "run.accepted":
      return; // the root is opened by it
    case "run.queued":
      return trace.change(root, { attributes: { priority: event.priority } });
    case "run.begun":
      return trace.change(root, { attributes: { waitedMs: event.waitedMs } });
    case "run.carried-on":
      return trace.change(root, { attributes: { carriedOnBy: `${event.workflow}@${event.version}` } });
    case "run.waiting":
      return waiting(trace, root, event);
    case "run.answered":
      return answered(trace, root, event);
    case "run.failed":
      return trace.change(root, { failure: event.failure });
    case "run.ended":
      return ended(trace, root, event);
    case "agent.started":
      return started(trace, root, event);
    case "agent.attempt-failed":
      return attemptFailed(trace, root, event);
    case "agent.completed":
      return completed(trace, root, event);
    case "agent.failed":
      return failed(trace, root, event);
    case "agent.degraded":
      return degraded(trace, event);
    case "agent.skipped":
      return skipped(trace, root, event);
    case "gate.rejected":
      return rejected(trace, event);
    case "effect.performed":
    case "effect.failed":
      return sent(trace, root, event);
    case "effect.undone":
    case "effect.undo-failed":
      return undone(trace, root, event);
    case "breaker.opened":
    case "breaker.half-opened":
    case "breaker.closed":
    case "breaker.refused":
    case "agent.streamed":
      return; // a breaker shows in the failure of whom it refuses, a piece of an answer in the whole
  }
}
