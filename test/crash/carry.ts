import { type Decision, isTerminal, isWalkbackError, type Orchestrator, type Question, type Run } from "walkback";
import { MADE_BY_HAND, type Program, stepOf } from "./program.js";
import type { World } from "./world.js";

/** More turns than any program has questions. */
const MAX_TURNS = 100;

/** Recovers, plays the human who answers what is asked, and goes on until nothing is left to do. */
export async function carryToTheEnd(orchestrator: Orchestrator, world: World, programs: readonly Program[]): Promise<void> {
  for (let turn = 0; turn < MAX_TURNS; turn++) {
    await orchestrator.recover();
    const asking = await askingRuns(orchestrator);
    if (asking.length === 0) return;
    await Promise.all(asking.map((run) => answer(orchestrator, world, programs, run)));
  }
}

/** Cancels every run that can be canceled. */
export async function cancelAll(orchestrator: Orchestrator): Promise<void> {
  const records = await orchestrator.list({ limit: 1_000_000 });
  const open = records.filter(({ status }) => !isTerminal(status));
  const over = unless("RUN_FINISHED", "PAST_PIVOT", "FENCED", "RUN_HELD");
  await Promise.all(open.map(({ runId }) => orchestrator.cancel(runId, "changed our mind").then(() => {}, over)));
}

type Asking = Extract<Run, { readonly status: "waiting" | "parked" }>;

async function askingRuns(orchestrator: Orchestrator): Promise<Asking[]> {
  const records = await orchestrator.list({ limit: 1_000_000 });
  const waiting = records.filter(({ status }) => status === "waiting" || status === "parked");
  const runs = await Promise.all(waiting.map(({ runId }) => orchestrator.get(runId)));
  return runs.filter((run): run is Asking => run.status === "waiting" || run.status === "parked");
}

async function answer(orchestrator: Orchestrator, world: World, programs: readonly Program[], run: Asking): Promise<void> {
  const program = programs.find(({ name }) => name === run.workflow.name);
  const question = run.questions[0];
  if (!program || !question) return;
  const outrun = unless("RUN_HELD", "RUN_NOT_WAITING", "RUN_FINISHED", "FENCED", "DECISION_INVALID");
  await orchestrator.resume(run.runId, decide(program, world, run, question), { question: question.id }).then(() => {}, outrun);
}

/** What the program's human answers, having done what the answer says. */
export function decide(program: Program, world: World, run: Asking, question: Question): Decision {
  switch (question.kind) {
    case "approval":
      return stepOf(program, question.agent)?.answer === "reject" ? { decision: "reject", reason: "no" } : { decision: "approve" };
    case "quarantined":
      return { decision: "retry" };
    case "uncertain":
      return findOut(program, world, question);
    case "undo-failed":
      return settle(program, world, run);
    case "agent-failed":
    case "past-pivot":
      return aboutFailure(program, world, run, question);
  }
}

/** The human asks the other side, which is the one thing the program cannot do. */
function findOut(program: Program, world: World, { agent, details }: Question): Decision {
  if (stepOf(program, agent)?.answer === "reject") return { decision: "reject", reason: "too risky" };
  const { key } = (details["failure"] as unknown as { details: { key: string } }).details;
  const receipt = world.find(key);
  return receipt ? { decision: "done", output: receipt } : { decision: "retry" };
}

/** Tries again only once: a point of no return will not be undone however often it is tried. */
function settle({ settle: wanted = "retry" }: Program, world: World, run: Asking): Decision {
  const decision = wanted === "retry" && world.isMended(run.runId, "undo") ? "skip" : wanted;
  if (decision === "retry") world.mend(run.runId, "undo");
  if (decision === "done" && run.status === "parked") for (const { key } of run.remaining) world.undo(key, "opaque");
  return decision === "skip" ? { decision, reason: "it may stay" } : { decision };
}

function aboutFailure(program: Program, world: World, run: Asking, { agent, allowed }: Question): Decision {
  const wanted = stepOf(program, agent)?.answer ?? "retry";
  const decision = allowed.includes(wanted) ? wanted : "retry";
  if (decision === "retry") world.mend(run.runId, agent.replace(/\[\d+\]$/, "-item"));
  if (decision === "use") return { decision, output: MADE_BY_HAND };
  return decision === "retry" ? { decision } : { decision, reason: "so be it" };
}

/** What may happen to a human whose run goes on elsewhere meanwhile. */
function unless(...codes: readonly string[]): (thrown: unknown) => void {
  return (thrown) => {
    if (!(isWalkbackError(thrown) && codes.includes(thrown.code))) throw thrown;
  };
}
