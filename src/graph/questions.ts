import type { Failure } from "../contracts/failure.js";
import type { JsonObject, JsonValue } from "../contracts/json-value.js";
import type { DecisionKind, Question, QuestionKind } from "../contracts/question.js";
import type { Remaining } from "../contracts/run.js";
import type { Step } from "./step.js";

/** Asked when an agent with `onFailure: "ask"` failed for good. */
export function agentQuestion(step: Step, round: number, failure: Failure): Question {
  const allowed: DecisionKind[] = ["retry", "use", ...skipIfPossible(step), "reject"];
  return aboutStep("agent-failed", step, round, failure, allowed, `${step.step} failed: ${failure.message}`);
}

/** Asked when an agent failed although a point of no return is behind the run: it can only go forward. */
export function pastPivotQuestion(step: Step, round: number, failure: Failure, pivot: string): Question {
  const allowed: DecisionKind[] = ["retry", "use", ...skipIfPossible(step)];
  const description = `${step.step} failed: ${failure.message}\n"${pivot}" has been performed and there is no way back past it, so the run can only be carried forward.`;
  return aboutStep("past-pivot", step, round, failure, allowed, description);
}

/** Asked when an opaque effect was sent and its answer was lost. */
export function uncertainQuestion(step: Step, round: number, failure: Failure): Question {
  const description = `${failure.message}\nAsk the other side. done: it happened (give its receipt as output, if there is one); retry: it did not happen, send it; reject: walk the run back.`;
  return aboutStep("uncertain", step, round, failure, ["done", "retry", "reject"], description);
}

/** Asked before an irreversible effect is performed, bound to a hash of its arguments. */
export function approvalQuestion(step: Step, round: number, failure: Failure): Question {
  const { effect, identity, args, argsHash } = failure.details;
  const question = aboutStep("approval", step, round, failure, ["approve", "reject"], failure.message);
  return {
    ...question,
    details: { ...question.details, effect: effect ?? null, identity: identity ?? null, argsHash: argsHash ?? null },
    action_request: { action: String(effect), args: { args: args ?? null } },
  };
}

/** Asked when the walk-back could not undo everything, for the `time`th time. */
export function walkBackQuestion(remaining: readonly Remaining[], time: number): Question {
  const list = remaining.map(({ agent, effect, identity, failure }) => `- "${effect}" of ${agent} (${identity}): ${failure.message}`);
  const details = { remaining: remaining as unknown as JsonValue }; // plain JSON by its types
  return {
    id: `walk-back#${time}`,
    kind: "undo-failed",
    agent: remaining[0]?.agent ?? "",
    details,
    allowed: ["retry", "skip", "done"],
    action_request: { action: "finish the walk-back", args: details },
    config: inboxConfig(["retry", "skip", "done"]),
    description: `These effects still stand outside and could not be undone:\n${list.join("\n")}\n\nAnswer with retry, skip (with a reason), or done (you undid them by hand).`,
  };
}

/** Asked when a run has killed its process again and again; past a point of no return it cannot be rejected. */
export function quarantineQuestion(failure: Failure, time: number, canGoBack: boolean): Question {
  const allowed: DecisionKind[] = canGoBack ? ["retry", "reject"] : ["retry"];
  const answers = ["retry (carry it on once more)", ...(canGoBack ? ["reject (walk it back)"] : [])];
  return {
    id: `quarantine#${time}`,
    kind: "quarantined",
    agent: "",
    details: { failure: failure as unknown as JsonObject }, // a Failure is plain JSON
    allowed,
    action_request: { action: "carry the run on", args: {} },
    config: inboxConfig(allowed),
    description: `${failure.message}\n\nAnswer with ${answers.join(", or ")}.`,
  };
}

/** A step asks once about a round. */
export function questionId(step: string, round: number): string {
  return `${step}#${round}`;
}

function aboutStep(
  kind: QuestionKind,
  { agent, step, inputs }: Step,
  round: number,
  failure: Failure,
  allowed: readonly DecisionKind[],
  description: string,
): Question {
  return {
    id: questionId(step, round),
    kind,
    agent: step,
    details: { failure: failure as unknown as JsonObject, produces: agent.produces.id }, // a Failure is plain JSON
    allowed,
    action_request: { action: step, args: { inputs: inputs as unknown as JsonObject, output: null } },
    config: inboxConfig(allowed),
    description: `${description}\n\nAnswer with one of: ${allowed.join(", ")}.`,
  };
}

/** Which buttons LangChain's Agent Inbox shows: https://github.com/langchain-ai/agent-inbox. */
function inboxConfig(allowed: readonly DecisionKind[]): Question["config"] {
  return {
    allow_accept: allowed.includes("approve") || allowed.includes("retry"),
    allow_edit: allowed.includes("use"),
    allow_respond: allowed.includes("skip"),
    allow_ignore: allowed.includes("reject"),
  };
}

function skipIfPossible({ agent }: Step): DecisionKind[] {
  return agent.fallback ? ["skip"] : [];
}
