import { type Agent, createOrchestrator, type Orchestrator, type Workflow } from "../../src/index.js";
import type { CreditDecision } from "../../src/workflows/credit-decision/index.js";
import { inParallel } from "./in-parallel.js";
import { type Lineage, lineageOf } from "./lineage.js";
import type { Submission } from "./submissions.js";

export interface DecidedRun {
  readonly decision: CreditDecision;
  readonly lineage: Lineage;
}

/** The same agents as a workflow: every submission is a run of its own. */
export async function decideOnWalkback(
  submissions: readonly Submission[],
  { workflow, agents, concurrency }: { workflow: Workflow; agents: readonly Agent[]; concurrency: number },
): Promise<readonly DecidedRun[]> {
  const observed = { ...workflow, agents };
  await using orchestrator = createOrchestrator({ workflows: [observed] });
  const decisions = await inParallel(submissions, concurrency, (submission) => decide(orchestrator, observed, submission));
  const runs: DecidedRun[] = [];
  for (const [place, { runId }] of submissions.entries()) {
    const lineage = await lineageOf(await orchestrator.inspect(runId), workflow.agents);
    runs.push({ decision: decisions[place] as CreditDecision, lineage }); // one for each submission
  }
  return runs;
}

async function decide(orchestrator: Orchestrator, workflow: Workflow, { application, runId }: Submission): Promise<CreditDecision> {
  const run = await orchestrator.start(workflow.name, application, { runId });
  if (run.status !== "completed")
    throw new Error(`Run ${runId} ended ${run.status} instead of deciding: ${"failure" in run ? run.failure.message : ""}`);
  return run.output as unknown as CreditDecision; // the workflow's output contract, checked at the gate
}
