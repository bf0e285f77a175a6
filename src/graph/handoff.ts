import { type Call, failureOf } from "../agents/call.js";
import { invoke } from "../agents/invoke.js";
import type { RunScope } from "../agents/scope.js";
import { giveUpTier, tierBelow } from "../agents/tiers.js";
import { undoRounds } from "../agents/undo.js";
import type { Version } from "../checkpoint/ports.js";
import { describeIssues } from "../contracts/contract.js";
import { ContractViolated, type Failure, type Issue, Rejected } from "../contracts/failure.js";
import type { Decision, Question } from "../contracts/question.js";
import type { Kit } from "./kit.js";
import { passedPivot } from "./pivot.js";
import { agentQuestion, approvalQuestion, pastPivotQuestion, questionId, uncertainQuestion } from "./questions.js";
import { standIn, useCached, useFallback } from "./stand-in.js";
import type { Obtained, Step } from "./step.js";
import { checkAs } from "./upcast.js";

/** Runs a step, or has something stand in for it as its agent says. The product is not yet checked. */
export async function obtain(kit: Kit, scope: RunScope, step: Step, round = 0): Promise<Obtained> {
  const wanted = wants(step);
  if (typeof wanted !== "boolean") return failStep(kit, scope, step, 0, wanted);
  if (wanted) return workRound(kit, scope, step, round, { feedback: [] });
  scope.emit({ type: "agent.skipped", agent: step.step, reason: "its condition (when) does not hold" });
  return step.agent.fallback ? useFallback({ kit, scope, step, round: 0 }, undefined) : { kind: "empty" };
}

/**
 * Checks a product against the contract of its agent, shape and rules. A bad answer goes back as feedback for the
 * agent's `repairRounds`, to the tier that gave it; then the next tier is asked. Its effects are undone first. What stands in
 * for an answer is checked too, but not repaired.
 * What was recorded under an older version of the contract is accepted as what it becomes.
 */
export async function accept(kit: Kit, scope: RunScope, step: Step, offered: Version): Promise<Obtained> {
  let version = offered;
  for (let repairs = 0; ; repairs++) {
    const checked = checkAs(kit, version, step.agent.produces);
    if (checked.ok) return { kind: "version", version };
    const { contract, round } = version;
    scope.emit({ type: "gate.rejected", agent: step.step, contract, round, issues: checked.issues });
    const next = await reject(kit, scope, step, version, checked.issues, repairs);
    if (next.kind !== "version") return next;
    if (next.version.tier !== version.tier) repairs = -1; // another tier has all its repairs before it
    version = next.version;
  }
}

async function reject(
  kit: Kit,
  scope: RunScope,
  step: Step,
  version: Version,
  issues: readonly Issue[],
  repairs: number,
): Promise<Obtained> {
  const { round, source, tier } = version;
  const failure = violated(step, version, issues).toJSON();
  if (source !== "agent" && source !== "human") return { kind: "failure", failure };
  const repairable = source === "agent" && repairs < step.agent.repairRounds;
  const below = source === "agent" && !repairable ? tierBelow(kit.runtime, { ...step, round: round + 1 }, tier) : undefined;
  if (!repairable && !below) return failStep(kit, scope, step, round, failure);
  const undoFailure = await undoRounds(scope, kit.findAgent, step.step, round);
  if (undoFailure) return { kind: "failure", failure: undoFailure };
  if (repairable) return workRound(kit, scope, step, round + 1, { feedback: issues, tier });
  await giveUpTier(kit.runtime, scope, { ...step, round: round + 1, callsRound: round, tier }, failure, below);
  return workRound(kit, scope, step, round + 1, { feedback: [], tier: below?.name });
}

type Again = Pick<Call, "feedback" | "tier">;

async function workRound(kit: Kit, scope: RunScope, step: Step, round: number, again: Again): Promise<Obtained> {
  if (step.conduct) return step.conduct(round);
  const work = step.work ?? { ...again, callsRound: round };
  const result = await invoke(kit.runtime, scope, { ...step, workflow: kit.workflow.name, ...work, round });
  if (result.kind !== "failure") return result;
  if (result.failure.code === "UNDO_FAILED") return result; // of a tier: nothing may take its place while that stands
  return failStep(kit, scope, { ...step, work }, round, result.failure);
}

/** What becomes of a step that failed for good: what its failure asks of a human, or what its agent's `onFailure` says. */
export async function failStep(kit: Kit, scope: RunScope, step: Step, round: number, failure: Failure): Promise<Obtained> {
  if (scope.refusal) return { kind: "stopped" };
  const ask = (question: Question) => useAnswer(kit, scope, step, round, failure, question);
  const asked = await askedAbout(kit, scope, step, round);
  if (asked) return ask(asked);
  if (failure.code === "APPROVAL_REQUIRED") return ask(approvalQuestion(step, round, failure));
  if (failure.code === "EFFECT_UNCERTAIN") return ask(uncertainQuestion(step, round, failure));
  const pivot = await passedPivot(kit, scope);
  if (pivot) return ask(pastPivotQuestion(step, round, failure, pivot.effect));
  if (failure.code === "HUMAN_NEEDED") return ask(agentQuestion(step, round, failure));
  const place = { kit, scope, step, round: round + 1 };
  switch (step.agent.onFailure) {
    case "rollback":
      return { kind: "failure", failure };
    case "skip":
      return useFallback(place, failure);
    case "cached":
      return useCached(place, failure);
    case "ask":
      return ask(agentQuestion(step, round, failure));
  }
}

/** What a human was asked about this very round counts, whatever the agent says today: it may have been asked by another program. */
async function askedAbout({ runtime }: Kit, { runId }: RunScope, { step }: Step, round: number): Promise<Question | undefined> {
  const { answered, openQuestions } = runtime.store.runs;
  const questions = [...(await answered(runId)).map(({ question }) => question), ...(await openQuestions(runId))];
  return questions.find(({ id }) => id === questionId(step, round));
}

async function useAnswer(kit: Kit, scope: RunScope, step: Step, round: number, failure: Failure, question: Question): Promise<Obtained> {
  const answer = scope.answers.get(question.id);
  if (!answer) return { kind: "ask", question };
  const place = { kit, scope, step, round: round + 1 };
  switch (answer.decision) {
    case "retry":
    case "done":
    case "approve":
      if (question.kind === "uncertain") await settleUncertain(scope, failure, answer);
      return workRound(kit, scope, goesOn(question) ? step : { ...step, work: undefined }, round + 1, { feedback: [] });
    case "use":
      return standIn(place, "human", answer.output);
    case "skip":
      return useFallback(place, failure);
    case "reject": {
      const reason = answer.reason ?? "no reason given";
      const rejected = new Rejected(`A human rejected ${step.step}: ${reason}.`, { agent: step.step, reason });
      return { kind: "failure", failure: rejected.toJSON() };
    }
  }
}

/** Whether the answer lets the same work go on, or asks for another try at it. */
function goesOn({ kind }: Question): boolean {
  return kind === "approval" || kind === "uncertain";
}

/** What a human found out about an effect whose answer was lost: it happened, with this receipt, or it did not. */
async function settleUncertain(scope: RunScope, failure: Failure, { decision, output }: Decision): Promise<void> {
  const record = (await scope.journal()).get(String(failure.details["key"]));
  if (record?.status !== "tried") return;
  if (decision === "done") await scope.write(record, "performed", output ?? null);
  else await scope.write(record, "undone", null);
}

/** Whether the step runs at all; a condition that throws is the step's failure. */
function wants({ agent, inputs, step }: Step): boolean | Failure {
  try {
    return agent.when?.(inputs) ?? true;
  } catch (thrown) {
    return failureOf(step, thrown).toJSON();
  }
}

function violated(step: Step, { contract, round }: Version, issues: readonly Issue[]): ContractViolated {
  const message = `${step.step} did not keep ${contract} in round ${round}: ${describeIssues(issues)}.`;
  return new ContractViolated(message, { agent: step.step, contract, round, issues });
}
