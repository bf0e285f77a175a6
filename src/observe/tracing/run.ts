import type { RunEvent } from "../../contracts/event.js";
import type { Draft, Trace } from "./trace.js";

type Of<Type extends RunEvent["type"]> = Extract<RunEvent, { readonly type: Type }>;

/** The span of the whole run; of one whose beginning is not known, from the first thing that is. */
export function rootOf(trace: Trace, event: RunEvent): Draft {
  if (trace.root) return trace.root;
  if (event.type !== "run.accepted") return trace.begin({ kind: "run", name: "run", at: event.at, attributes: { runId: event.runId } });
  const { runId, at, workflow, version, forkedFrom } = event;
  const fork = forkedFrom ? { forkedFrom: forkedFrom.runId, sharedUpToVersion: forkedFrom.version } : {};
  return trace.begin({ kind: "run", name: workflow, at, attributes: { runId, workflowVersion: version, ...fork } });
}

export function waiting(trace: Trace, root: Draft, { at, question, kind }: Of<"run.waiting">): void {
  trace.open(root, `question ${question}`, { kind: "question", name: `ask a human: ${kind}`, at, attributes: { questionKind: kind } });
}

export function answered(trace: Trace, root: Draft, { at, question, decision }: Of<"run.answered">): void {
  const asked = root.children.findLast(({ path, status }) => path.startsWith(`/question ${question}#`) && status === "open");
  if (!asked) return;
  trace.change(asked, { attributes: { decision } });
  trace.end(asked, { at, status: "ok" });
}

export function ended(trace: Trace, root: Draft, { at, status }: Of<"run.ended">): void {
  trace.change(root, { attributes: { status } });
  trace.end(root, { at, status: status === "completed" ? "ok" : "failed", failure: status === "completed" ? undefined : root.failure });
}
