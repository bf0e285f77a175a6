import type { RunEvent } from "../../contracts/event.js";
import type { Failure, FailureCode } from "../../contracts/failure.js";
import { before } from "./before.js";
import type { Attributes } from "./span.js";
import type { Draft, Ending, Trace } from "./trace.js";

type Of<Type extends RunEvent["type"]> = Extract<RunEvent, { readonly type: Type }>;

/** What an agent fails with after an attempt that, to its guard, had answered. */
const AFTER_AN_ANSWER: ReadonlySet<FailureCode> = new Set(["INCOMPLETE", "AGENT_GAVE_UP", "NOT_PLAIN_JSON", "DOCUMENT_TOO_LARGE"]);

export function started(trace: Trace, root: Draft, { agent, round, at }: Of<"agent.started">): void {
  const last = trace.steps.get(agent);
  if (last?.status === "open") trace.end(last, { at, status: "stopped" }); // its process did not live to see the end
  openStep(trace, root, agent, at, { round });
}

export function attemptFailed(trace: Trace, root: Draft, event: Of<"agent.attempt-failed">): void {
  const { at, attempt, durationMs, failure, tier } = event;
  const worker = workerOf(trace, stepOf(trace, root, event), tier);
  trace.end(attemptOf(trace, worker, attempt, before(at, durationMs)), { at, status: "failed", failure });
}

export function completed(trace: Trace, root: Draft, event: Of<"agent.completed">): void {
  const { agent, round, at, durationMs, version, source, tier } = event;
  const known = trace.steps.get(agent);
  const isIts = known && (known.status === "open" || (known.status === "skipped" && known.attributes["round"] === round));
  const step = isIts ? known : openStep(trace, root, agent, before(at, durationMs), { round });
  const worked = step === known && source === "agent" && step.attributes["fanOut"] === undefined;
  const ok: Ending = { at, status: "ok" };
  const worker = workerOf(trace, step, tier);
  if (worked) trace.end(answering(trace, worker, event), ok);
  if (worker !== step) trace.end(worker, ok);
  trace.change(step, { attributes: { round, version, source, ...(tier === undefined ? {} : { tier }) } });
  trace.end(step, ok);
}

export function failed(trace: Trace, root: Draft, event: Of<"agent.failed">): void {
  const { at, failure, tier } = event;
  const step = stepOf(trace, root, event);
  const worker = workerOf(trace, step, tier);
  fail(trace, worker, at, failure);
  if (worker !== step) trace.end(step, { at, status: "failed", failure });
}

/** After a gate's rejection the next tier begins in a round of its own, which is not there yet. */
export function degraded(trace: Trace, { agent, round, at, from, to, failure }: Of<"agent.degraded">): void {
  const step = trace.steps.get(agent);
  if (step?.status !== "open" || step.attributes["round"] !== round) return;
  fail(trace, tierOf(trace, step, from), at, failure);
  tierOf(trace, step, to);
}

export function skipped(trace: Trace, root: Draft, { agent, at }: Of<"agent.skipped">): void {
  trace.end(openStep(trace, root, agent, at, { round: 0 }), { at, status: "skipped" });
}

/** The answer was there, and was not accepted. */
export function rejected(trace: Trace, { agent, round, contract, issues }: Of<"gate.rejected">): void {
  const step = trace.steps.get(agent);
  if (step?.attributes["round"] !== round) return;
  const failure: Failure = { code: "CONTRACT_VIOLATED", message: issues.map(({ message }) => message).join("; "), details: {}, causes: [] };
  trace.change(step, { status: "failed", failure, attributes: { rejectedBy: contract, issues: issues.length } });
}

/** The work on a step's round that an event is about. */
export function stepOf(
  trace: Trace,
  root: Draft,
  { agent, round, at }: { readonly agent: string; readonly round?: number; readonly at: string },
): Draft {
  const known = trace.steps.get(agent);
  return known && (round === undefined || known.attributes["round"] === round)
    ? known
    : openStep(trace, root, agent, at, { round: round ?? 0 });
}

/** Who works: a tier, or the agent itself. Older events do not say which tier. */
export function workerOf(trace: Trace, step: Draft, tier: string | undefined): Draft {
  if (tier !== undefined) return tierOf(trace, step, tier);
  return step.children.findLast(({ kind, status }) => kind === "tier" && status === "open") ?? step;
}

/** An attempt of a worker, known or new. */
export function attemptOf(trace: Trace, worker: Draft, number: number, startedAt: string): Draft {
  const known = attemptsOf(worker).find(({ attributes }) => attributes["attempt"] === number);
  return (
    known ??
    trace.open(worker, `attempt ${number}`, { kind: "attempt", name: `attempt ${number}`, at: startedAt, attributes: { attempt: number } })
  );
}

function answering(trace: Trace, worker: Draft, { at, attempt, attemptMs }: Of<"agent.completed">): Draft {
  const number = attempt ?? attemptsOf(worker).length + 1;
  return attemptOf(trace, worker, number, attemptMs === undefined ? lastEnd(attemptsOf(worker), worker) : before(at, attemptMs));
}

function fail(trace: Trace, worker: Draft, at: string, failure: Failure): void {
  const open = attemptsOf(worker).find(({ status }) => status === "open");
  const last = open ?? (AFTER_AN_ANSWER.has(failure.code) ? unseen(trace, worker) : undefined);
  if (last) trace.end(last, { at, status: "failed", failure });
  trace.end(worker, { at, status: "failed", failure });
}

function unseen(trace: Trace, worker: Draft): Draft {
  const attempts = attemptsOf(worker);
  return attemptOf(trace, worker, attempts.length + 1, lastEnd(attempts, worker));
}

/** A tier begins where the one above it ended. */
function tierOf(trace: Trace, step: Draft, name: string): Draft {
  const tiers = step.children.filter(({ kind }) => kind === "tier");
  const known = tiers.find((tier) => tier.name === name);
  return known ?? trace.open(step, `tier ${name}`, { kind: "tier", name, at: lastEnd(tiers, step), attributes: { tier: name } });
}

function attemptsOf({ children }: Draft): readonly Draft[] {
  return children.filter(({ kind }) => kind === "attempt");
}

function lastEnd(drafts: readonly Draft[], otherwise: Draft): string {
  return drafts.at(-1)?.endedAt ?? otherwise.startedAt;
}

function openStep(trace: Trace, root: Draft, agent: string, at: string, attributes: Attributes): Draft {
  const whole = /^(.+)\[\d+\]$/.exec(agent)?.[1];
  const parent = whole === undefined ? root : fanOut(trace, root, whole, at);
  const round = attributes["round"] ?? "";
  const step = trace.open(parent, `agent ${agent} ${round}`, { kind: "agent", name: agent, at, attributes });
  trace.steps.set(agent, step);
  return step;
}

/** A fan-out begins with the first of its branches. */
function fanOut(trace: Trace, root: Draft, agent: string, at: string): Draft {
  const known = trace.steps.get(agent);
  return known?.status === "open" ? known : openStep(trace, root, agent, at, { fanOut: true });
}
