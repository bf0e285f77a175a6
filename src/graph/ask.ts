import { getConfig, interrupt } from "@langchain/langgraph";
import type { RunScope } from "../agents/scope.js";
import type { Store } from "../checkpoint/ports.js";
import { describeIssues } from "../contracts/contract.js";
import { type Failure, pointerOf } from "../contracts/failure.js";
import type { RunId } from "../contracts/ids.js";
import { Answer, type Decision, type Question } from "../contracts/question.js";
import type { Kit } from "./kit.js";

/**
 * Puts a question to a human: writes it down, then stops the graph at this node. When the node runs again and an answer
 * is on record, or LangGraph brings one (Studio), it returns it; an answer that cannot be read is asked for again. Only to
 * be called inside a node.
 */
export async function askHuman(kit: Kit, scope: RunScope, question: Question, failure?: Failure): Promise<Decision> {
  const { store, now } = kit.runtime;
  const recorded = await answerTo(store, scope.runId, question.id);
  if (recorded) {
    if (replays()) interrupt(question);
    return heard(scope, question, recorded);
  }
  if (await store.runs.ask(scope, question, failure)) scope.emit({ type: "run.waiting", question: question.id, kind: question.kind });
  for (let problem: string | undefined; ; ) {
    const raw: unknown = interrupt(problem === undefined ? question : { ...question, description: again(question, problem) });
    const read = readAnswer(question, raw);
    if (typeof read !== "string") {
      await store.runs.answer(scope.runId, question.id, read, now().toISOString()); // false when another answer was first
      return heard(scope, question, read);
    }
    problem = read;
  }
}

/**
 * Whether LangGraph holds an answer for the next interrupt of this node. It counts interrupts by their place, so a question
 * that is answered from the record must still take its place, or the answer would go to the next question.
 */
function replays(): boolean {
  const { interruptCounter = -1, resume = [] } = (getConfig()?.configurable?.["__pregel_scratchpad"] ?? {}) as {
    readonly interruptCounter?: number;
    readonly resume?: readonly unknown[];
  };
  return resume.length > interruptCounter + 1;
}

/** The decision, or what is wrong with the answer. */
export function readAnswer(question: Question, raw: unknown): Decision | string {
  const parsed = Answer.safeParse(raw);
  if (!parsed.success) return describeIssues(parsed.error.issues.map(({ path, message }) => ({ path: pointerOf(path), message })));
  const answer = parsed.data as Decision; // z.json() is JsonValue without readonly
  // The Agent Inbox knows only "accept".
  const decision = answer.decision === "retry" && question.kind === "approval" ? "approve" : answer.decision;
  if (question.allowed.includes(decision)) return { ...answer, decision };
  return `"${decision}" is not possible here, only ${question.allowed.join(", ")}`;
}

async function answerTo(store: Store, runId: RunId, questionId: string): Promise<Decision | undefined> {
  return (await store.runs.answered(runId)).find(({ question }) => question.id === questionId)?.answer;
}

function heard(scope: RunScope, question: Question, answer: Decision): Decision {
  if (!scope.answers.has(question.id))
    scope.emit({ type: "run.answered", question: question.id, decision: answer.decision, reason: answer.reason });
  scope.answers.set(question.id, answer);
  return answer;
}

function again(question: Question, problem: string): string {
  return `${question.description}\n\nThe last answer could not be used: ${problem}`;
}
