import type { EffectRecord } from "../checkpoint/journal-view.js";
import { describeIssues } from "../contracts/contract.js";
import type { RunEvent } from "../contracts/event.js";
import type { Failure } from "../contracts/failure.js";
import type { Undone } from "../contracts/run.js";
import { paint } from "./paint.js";
import { duration } from "./progress.js";

/** Whose story an event belongs to; undefined when it is the run's. */
export function agentOf(event: RunEvent): string | undefined {
  if ("agent" in event) return event.agent;
  if (!("question" in event) || event.question.startsWith("walk-back#")) return undefined;
  return event.question.replace(/#\d+$/, ""); // an agent's questions are called agent#round
}

/** One line about an event, or undefined when the version beside it says it already. */
export function eventText(event: RunEvent, effects: ReadonlyMap<string, EffectRecord>): string | undefined {
  switch (event.type) {
    case "agent.attempt-failed":
      return paint.yellow(`attempt ${event.attempt} failed after ${event.durationMs} ms: ${failureText(event.failure)}`);
    case "agent.failed":
      return paint.red(`failed for good in round ${event.round}: ${event.failure.code}`);
    case "agent.degraded":
      return paint.yellow(`fell from ${event.from} to ${event.to}: ${failureText(event.failure)}`);
    case "agent.skipped":
      return `not needed: ${event.reason}`;
    case "gate.rejected":
      return paint.yellow(`gate rejected ${event.contract} of round ${event.round}: ${describeIssues(event.issues)}`);
    case "effect.performed":
      return `did ${effectText(effects.get(event.key) ?? event)}${fateText(effects.get(event.key))}`;
    case "effect.undone":
      return `undid ${effectText(effects.get(event.key) ?? event)}`;
    case "effect.undo-failed":
      return paint.red(`could not undo ${effectText(effects.get(event.key) ?? event)} of ${event.agent}: ${causeOf(event.failure)}`);
    case "breaker.opened":
      return paint.red(`breaker${ofTier(event)} opened${event.why === undefined ? "" : `: ${event.why}`}`);
    case "breaker.half-opened":
      return `breaker${ofTier(event)} half open: one call is let through`;
    case "breaker.closed":
      return paint.green(`breaker${ofTier(event)} closed`);
    case "breaker.refused":
      return paint.red(`breaker${ofTier(event)} open: not called`);
    case "run.queued":
      return `queued with ${placeText(event)}`;
    case "run.begun":
      return `had its turn after ${duration(event.waitedMs)}`;
    case "run.waiting":
      return paint.cyan(
        event.question.startsWith("walk-back#") ? `parked, asked a human (${event.question})` : `asked a human (${event.question})`,
      );
    case "run.answered":
      return paint.cyan(`a human answered ${event.decision}${event.reason === undefined ? "" : `: ${event.reason}`}`);
    case "agent.started":
    case "agent.completed":
    case "agent.streamed":
    case "effect.failed": // its attempt says so
    case "run.accepted":
    case "run.carried-on":
    case "run.ended":
    case "run.failed":
      return undefined;
  }
}

function placeText({ priority, tenant, deadline }: Extract<RunEvent, { readonly type: "run.queued" }>): string {
  const whose = tenant === undefined ? "" : ` of ${tenant}`;
  return `priority ${priority}${whose}${deadline === undefined ? "" : `, until ${deadline}`}`;
}

export function effectText({ effect, identity }: { readonly effect: string; readonly identity?: string }): string {
  return identity === undefined ? effect : `${effect} (${identity})`;
}

/** What became of an effect since it was performed; nothing while it stands. */
export function fateText(record: EffectRecord | undefined): string {
  if (record?.status === "undone") return paint.yellow(" → undone");
  if (record?.status === "settled") return paint.yellow(` → settled by a human: ${record.settlement?.decision ?? "done"}`);
  return record?.undoFailure ? paint.red(" → still stands, its undo failed") : "";
}

export function undoneText({ agent, effect, identity, outcome, reason }: Undone): string {
  const what = `${effectText({ effect, identity })} of ${agent}`;
  const why = reason === undefined ? "" : `: ${reason}`;
  if (outcome === "undone") return `undid ${what}`;
  return outcome === "skipped" ? `${what} was left as it is by a human${why}` : `${what} was undone by hand${why}`;
}

function ofTier({ tier }: { readonly tier?: string }): string {
  return tier === undefined ? "" : ` of ${tier}`;
}

/** Without what an undo's failure says of itself, which the line has said already. */
function causeOf({ message }: Failure): string {
  return message.replace(/^".*" of .* \(.*\) could not be undone: /, "");
}

function failureText({ code, message }: Failure): string {
  return `${code}: ${message}`;
}
