import { interrupt } from "@langchain/langgraph";
import type { RunScope } from "../agents/scope.js";
import { describeIssues } from "../contracts/contract.js";
import { type Failure, pointerOf } from "../contracts/failure.js";
import type { JsonObject, JsonValue } from "../contracts/json-value.js";
import { Answer, type Decision, type DecisionKind, type Question } from "../contracts/question.js";
import type { Remaining } from "../contracts/run.js";
import type { Kit } from "./kit.js";
import type { Step } from "./step.js";

/** Asked when an agent with `onFailure: "ask"` failed for good. */
export function agentQuestion({ agent, step, inputs }: Step, round: number, failure: Failure): Question {
  const allowed: DecisionKind[] = ["retry", "use", ...(agent.fallback ? (["skip"] as const) : []), "reject"];
  return {
    id: `${step}#${round}`,
    kind: "agent-failed",
    agent: step,
    details: { failure: failure as unknown as JsonObject, produces: agent.produces.id }, // a Failure is plain JSON
    allowed,
    action_request: { action: step, args: { inputs: inputs as unknown as JsonObject, output: null } },
    config: { allow_ignore: true, allow_respond: agent.fallback !== undefined, allow_edit: true, allow_accept: true },
    description: `${step} failed: ${failure.message}\n\nAnswer with one of: ${allowed.join(", ")}.`,
  };
}

/** Asked when the walk-back could not undo everything, for the `time`th time. */
export function walkBackQuestion(remaining: readonly Remaining[], time: number): Question {
  const list = remaining
    .map(({ agent, effect, identity, failure }) => `- "${effect}" of ${agent} (${identity}): ${failure.message}`)
    .join("\n");
  return {
    id: `walk-back#${time}`,
    kind: "undo-failed",
    agent: remaining[0]?.agent ?? "",
    details: { remaining: remaining as unknown as JsonValue },
    allowed: ["retry", "skip", "done"],
    action_request: { action: "finish the walk-back", args: { remaining: remaining as unknown as JsonValue } },
    config: { allow_ignore: false, allow_respond: true, allow_edit: false, allow_accept: true },
    description: `These effects still stand outside and could not be undone:\n${list}\n\nAnswer with retry, skip (with a reason), or done (you undid them by hand).`,
  };
}

/**
 * Puts a question to a human: writes it down, then stops the graph at this node. When the node runs again with the
 * answer it returns it; an answer that cannot be read is asked for again. Only to be called inside a node.
 */
export async function askHuman(kit: Kit, scope: RunScope, question: Question, failure?: Failure): Promise<Decision> {
  await kit.runtime.store.runs.ask(scope.runId, question, failure);
  if (!scope.answers.has(question.id)) scope.emit({ type: "run.waiting", question: question.id, kind: question.kind });
  for (let problem: string | undefined; ; ) {
    const raw: unknown = interrupt(
      problem === undefined
        ? question
        : { ...question, description: `${question.description}\n\nThe last answer could not be used: ${problem}` },
    );
    const read = readAnswer(question, raw);
    if (typeof read === "string") {
      problem = read;
      continue;
    }
    scope.answers.set(question.id, read);
    await kit.runtime.store.runs.answer(scope.runId, question.id, read as unknown as JsonValue, kit.runtime.now().toISOString());
    scope.emit({ type: "run.answered", question: question.id, decision: read.decision, reason: read.reason });
    return read;
  }
}

/** The decision, or what is wrong with the answer. */
export function readAnswer(question: Question, raw: unknown): Decision | string {
  const parsed = Answer.safeParse(raw);
  if (!parsed.success) return describeIssues(parsed.error.issues.map(({ path, message }) => ({ path: pointerOf(path), message })));
  if (!question.allowed.includes(parsed.data.decision))
    return `"${parsed.data.decision}" is not possible here, only ${question.allowed.join(", ")}`;
  return parsed.data as Decision; // z.json() is JsonValue without readonly
}
