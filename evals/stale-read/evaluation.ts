import type { Agent } from "../../src/index.js";
import { creditWorkflow } from "../../src/workflows/credit-decision/index.js";
import { type Seen, slowed } from "./agents.js";
import { decideAlone } from "./alone.js";
import { boltOnCache } from "./bolted-on-cache.js";
import { type Clock, pacedClock, simulatedClock } from "./clock.js";
import { customerRecords } from "./customer-records.js";
import { type Findings, findingsOf } from "./findings.js";
import { inParallel } from "./in-parallel.js";
import type { Lineage } from "./lineage.js";
import { decideOnSharedRecords } from "./on-shared-records.js";
import { decideOnWalkback } from "./on-walkback.js";
import type { Settings } from "./settings.js";
import type { Submission } from "./submissions.js";
import { yesBank } from "./yes-bank.js";

/** Walkback is given real timers; they run this many times as fast. */
const SPEED = 50;

export interface WalkbackFindings extends Findings {
  /** Runs whose version log shows each claim. */
  readonly lineage: Readonly<Record<keyof Lineage, number>>;
}

/** The agents over shared records; on simulated time, and so always with the same findings for the same settings. */
export async function judgeSharedRecords(
  submissions: readonly Submission[],
  settings: Settings,
  clock: Clock = simulatedClock(),
): Promise<Findings> {
  const seen: Seen = new Map();
  const agents = slowed(creditWorkflow(yesBank()).agents, { clock, seed: settings.seed, seen });
  const records = customerRecords(clock, settings);
  const decisions = await inParallel(submissions, settings.concurrency, (one) => decideOnSharedRecords(one, agents, records));
  return findingsOf({ submissions, truths: await decideAlone(submissions), decisions, seen });
}

/** The agents on Walkback; with `cheat`, assess-risk reads the score past it, from the shared records. */
export async function judgeWalkback(
  submissions: readonly Submission[],
  settings: Settings,
  { cheat = false }: { readonly cheat?: boolean } = {},
): Promise<WalkbackFindings> {
  const clock = pacedClock(SPEED);
  const seen: Seen = new Map();
  const workflow = creditWorkflow(yesBank());
  const honest: readonly Agent[] = slowed(workflow.agents, { clock, seed: settings.seed, seen });
  const agents = cheat ? boltOnCache(honest, customerRecords(clock, settings)) : honest;
  const runs = await decideOnWalkback(submissions, { workflow, agents, concurrency: settings.concurrency });
  const decisions = runs.map(({ decision }) => decision);
  const shows = (claim: keyof Lineage) => runs.filter(({ lineage }) => lineage[claim]).length;
  return {
    ...findingsOf({ submissions, truths: await decideAlone(submissions), decisions, seen }),
    lineage: { ownParents: shows("ownParents"), follows: shows("follows") },
  };
}

/** Whether Walkback kept what it promises: nothing wrong, and a version log that shows why. */
export function isKept({ decisions, wrongRating, strayed, lineage }: WalkbackFindings): boolean {
  return wrongRating === 0 && strayed.length === 0 && Object.values(lineage).every((runs) => runs === decisions);
}
