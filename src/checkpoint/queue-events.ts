import type { RunEvent } from "../contracts/event.js";
import { DeadlineExceeded, type Failure } from "../contracts/failure.js";
import { DEFAULT_PRIORITY, type NewRun, type RunRecord } from "./ports.js";

/** What is told of a run that has to wait when it is accepted. The store writes it down with the run. */
export function queuedEvents(run: NewRun): readonly RunEvent[] {
  const { runId, workflow, workflowVersion, acceptedAt: at, priority = DEFAULT_PRIORITY, tenant, deadline } = run;
  return [
    { type: "run.accepted", workflow, version: workflowVersion, runId, at },
    { type: "run.queued", priority, tenant, deadline, runId, at },
  ];
}

/** What is told of a run that ends without having had its turn. The store writes it down with the end. */
export function withdrawnEvents({ runId, acceptedAt }: RunRecord, failure: Failure, at: string): readonly RunEvent[] {
  const durationMs = Date.parse(at) - Date.parse(acceptedAt);
  return [
    { type: "run.failed", failure, runId, at },
    { type: "run.ended", status: "canceled", durationMs, runId, at },
  ];
}

export function deadlineExceeded({ runId, acceptedAt, deadline = "" }: RunRecord, now: string): Failure {
  const waitedMs = Math.max(0, Date.parse(now) - Date.parse(acceptedAt));
  const message = `Run ${runId} still waited for its turn at its deadline, ${deadline}; nothing of it was done. Start it again with a later one.`;
  return new DeadlineExceeded(message, { runId, deadline, waitedMs }).toJSON();
}
