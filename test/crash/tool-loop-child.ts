import { openAIModel } from "walkback";
import { travelDesk } from "./tool-loop-program.js";
import { openWorld } from "./world.js";

/** What the process is to do: start this run, or carry on what another one left. */
export interface ToolLoopJob {
  readonly storeFile: string;
  readonly worldFile: string;
  readonly runId: string;
  readonly aheadMs: number;
  readonly recovers: boolean;
  /** The city whose look-up kills the process. */
  readonly deadlyCity?: string | undefined;
}

const job = JSON.parse(process.argv[2] ?? "{}") as ToolLoopJob;
const world = openWorld(job.worldFile);
const orchestrator = travelDesk({
  ...job,
  world,
  model: openAIModel({ model: "gpt-4.1" }),
  onLookUp: (city) => {
    if (city !== job.deadlyCity) return;
    process.kill(process.pid, "SIGKILL");
    for (;;); // the signal is on its way; nothing after this may run
  },
});
if (job.recovers) await orchestrator.recover();
else await orchestrator.start("travel", { runId: job.runId }, { runId: job.runId });
await orchestrator.close();
world.close();
