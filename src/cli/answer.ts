import { DecisionInvalid } from "../contracts/failure.js";
import type { Decision, DecisionKind, Question } from "../contracts/question.js";
import { isTerminal, type Run } from "../contracts/run.js";
import type { Workflow } from "../graph/workflow.js";
import type { Orchestrator } from "../orchestrator.js";
import { findPackage, workflowNames } from "./catalog.js";
import { findRunId, openHouse, openRecords } from "./house.js";
import { questionText } from "./inbox.js";
import { jsonOption } from "./json-option.js";
import { overrideOnFailure } from "./on-failure.js";
import { paint, paintStatus } from "./paint.js";
import { print, tell } from "./print.js";
import { EXIT, exitCodeOf, misused } from "./problem.js";
import { questionsOf, runJson } from "./results.js";
import { commandLine, type Settings } from "./settings.js";

export interface AnswerOptions {
  /** The workflow's package, when it is not in the catalog. */
  readonly workflow?: string;
  readonly reason?: string;
}

export interface ResumeOptions extends AnswerOptions {
  readonly decision: DecisionKind;
  /** JSON, or `@file`. */
  readonly output?: string;
  readonly question?: string;
}

/** Answers a waiting or parked run and carries it on. */
export async function resumeCommand(wanted: string, options: ResumeOptions, settings: Settings): Promise<number> {
  const { decision, reason, question } = options;
  const output = options.output === undefined ? undefined : jsonOption("--output", options.output);
  const answer: Decision = { decision, reason, output };
  const asking = await lookUp(wanted, settings);
  const asked = questionOf(asking, question);
  if (asked) refuseOthers(asked, decision);
  const run = await withRun(asking, options, settings, (orchestrator, runId) =>
    orchestrator.resume(runId, answer, question === undefined ? {} : { question }),
  );
  showRun(run, settings);
  // The run had failed long before: the answer was to end its walk-back, and did.
  return asked?.kind === "undo-failed" && isTerminal(run.status) ? EXIT.fine : exitCodeOf(run.status);
}

/** The question an answer is for, if the run asks it; otherwise the orchestrator says why there is none. */
function questionOf(run: Run, named: string | undefined): Question | undefined {
  const open = "questions" in run ? run.questions : [];
  return named === undefined && open.length === 1 ? open[0] : open.find(({ id }) => id === named);
}

/** A decision that is not possible is refused before anything else it might lack, like a reason. */
function refuseOthers({ id, allowed }: Question, decision: DecisionKind): void {
  if (allowed.includes(decision)) return;
  const message = `"${decision}" is not possible here, only ${allowed.join(", ")}`;
  const details = { question: id, allowed, issues: [{ path: "/decision", message }] };
  throw new DecisionInvalid(`The answer to ${id} cannot be used: ${message}.`, details);
}

/** Stops a run and walks it back. */
export async function cancelCommand(wanted: string, options: AnswerOptions, settings: Settings): Promise<number> {
  const running = await lookUp(wanted, settings);
  const run = await (running.status === "queued" ? cancelQueued : cancelBegun)(running, options, settings);
  showRun(run, settings);
  if (!isTerminal(run.status) && !settings.json) tell(notCanceled(run, settings));
  return run.status === "canceled" ? EXIT.fine : EXIT.runFailed;
}

/** It has done nothing yet, so its workflow is not needed. */
async function cancelQueued({ runId }: Run, { reason }: AnswerOptions, settings: Settings): Promise<Run> {
  await using records = openRecords(settings);
  return await records.cancel(runId, reason);
}

function cancelBegun(run: Run, options: AnswerOptions, settings: Settings): Promise<Run> {
  return withRun(run, options, settings, (orchestrator, runId) => orchestrator.cancel(runId, options.reason));
}

function notCanceled({ status }: Run, settings: Settings): string {
  switch (status) {
    case "running":
      return `Another process carries it and stops it at its next sign of life; if that process is dead, at the next ${commandLine(settings, "recover")}`;
    case "parked":
      return "It has been walked back as far as that goes; answer its question to end it.";
    default:
      return `It could not be canceled: it is ${status}.`;
  }
}

/** Opens the run's own workflow, adjusted if need be, for an operation on it. */
export async function withRun<T>(
  run: Run,
  { workflow: path }: Pick<AnswerOptions, "workflow">,
  settings: Settings,
  operate: (orchestrator: Orchestrator, runId: string) => Promise<T>,
  adjust: (workflow: Workflow) => Workflow = (workflow) => workflow,
): Promise<T> {
  const pkg = await findPackage(path ?? catalogName(run));
  await using house = await openHouse(settings, pkg);
  // A question is only asked where a failure asks; so it was, whatever the package says without --on-failure.
  const asking = askingAgents(run).filter((name) => house.workflow.agents.some((agent) => agent.name === name));
  const workflow = overrideOnFailure(
    house.workflow,
    asking.map((agent) => `${agent}=ask`),
  );
  return await operate(house.orchestrate(adjust(workflow)), run.runId);
}

function catalogName({ runId, workflow: { name } }: Run): string {
  if (workflowNames().includes(name)) return name;
  throw misused("--workflow", `Run ${runId} is one of "${name}", which is not in the catalog. Name its module with --workflow PATH.`);
}

/** A run as it stands, without its workflow. */
export async function lookUp(wanted: string, settings: Settings): Promise<Run> {
  await using records = openRecords(settings);
  return await records.get(await findRunId(records, wanted));
}

function askingAgents(run: Run): string[] {
  const questions = "questions" in run ? run.questions : [];
  return questions.filter(({ kind }) => kind === "agent-failed").map(({ agent }) => agent.replace(/\[\d+\]$/, ""));
}

export function showRun(run: Run, settings: Settings): void {
  if (settings.json) return print(JSON.stringify({ ...runJson(run), ...questionsOf(run) }));
  print(`${paint.bold(`Run ${run.runId}`)} is ${paintStatus(run.status)}`);
  if (run.status === "completed") print(JSON.stringify(run.output, null, 2));
  if ("failure" in run) print(`${run.failure.code}: ${run.failure.message}`);
  if ("questions" in run) for (const question of run.questions) print(`\n${questionText(run, question, settings)}`);
  print(paint.dim(commandLine(settings, "inspect", run.runId)));
}
