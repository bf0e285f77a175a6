import { randomUUID } from "node:crypto";
import { createOrchestrator } from "walkback";
import { type Answers, applicationOf, readyWorkflow } from "./credit.js";
import { aFolder } from "./folder.js";
import { type Cost, inFlight, type Meter } from "./measure.js";
import { plainGraph } from "./plain-graph.js";
import type { OpenSaver } from "./savers.js";

/** How many runs there are, and how many of them at a time. */
export interface Load {
  readonly runs: number;
  readonly concurrency: number;
}

/** Everything on: contracts, versions, guard, journal and events, in a new file. Closing it counts: so does what is still on its way then. */
export async function onOrchestrator(answers: Answers, { runs, concurrency }: Load, meter: Meter): Promise<Cost> {
  await using folder = await aFolder();
  const letters = new Set<string>();
  const workflow = readyWorkflow(answers, letters);
  await using orchestrator = createOrchestrator({ store: folder.file("store.db"), workflows: [workflow] });
  const decide = async (index: number) => {
    const run = await orchestrator.start(workflow, applicationOf(answers, index));
    if (run.status !== "completed") throw new Error(`Run ${run.runId} ended ${run.status}.`);
  };
  const cost = await meter(async () => {
    await inFlight(runs, concurrency, decide);
    await orchestrator.close();
  });
  expectLetters(letters, runs);
  return cost;
}

/** The plain graph on any saver, in a new file. */
export function onPlainGraph(open: OpenSaver) {
  return async (answers: Answers, { runs, concurrency }: Load, meter: Meter): Promise<Cost> => {
    await using folder = await aFolder();
    const { saver, close } = open(folder.file("checkpoints.db"));
    const letters = new Set<string>();
    const graph = plainGraph(answers, letters, saver);
    const decide = async (index: number) => {
      const application = applicationOf(answers, index);
      const { decision } = await graph.invoke({ application }, { configurable: { thread_id: randomUUID() }, durability: "sync" });
      if (decision.applicationId !== application.id) throw new Error(`${application.id} was not decided.`);
    };
    const cost = await meter(async () => {
      await inFlight(runs, concurrency, decide);
      await close();
    });
    expectLetters(letters, runs);
    return cost;
  };
}

function expectLetters(letters: ReadonlySet<string>, runs: number): void {
  if (letters.size !== runs) throw new Error(`${letters.size} letters were sent for ${runs} runs.`);
}
