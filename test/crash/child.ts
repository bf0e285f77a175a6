import { writeSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { createOrchestrator, isWalkbackError } from "walkback";
import { cancelAll, carryToTheEnd } from "./carry.js";
import type { Job, Notice } from "./house.js";
import { workflowOf } from "./program.js";
import { openWorld } from "./world.js";

/** A process that may be killed: it starts runs, or carries on what another one left, as its one argument says. */
/** How long it waits for the first effect before it cancels. */
const EFFECT_WITHIN_MS = 200;

const job = JSON.parse(process.argv[2] ?? "{}") as Job;
const say = (notice: Notice) => writeSync(1, `${JSON.stringify(notice)}\n`);

const world = openWorld(job.worldFile);
const orchestrator = createOrchestrator({
  store: job.storeFile,
  workflows: job.programs.map((program) => workflowOf(program, world)),
  now: () => new Date(Date.now() + job.aheadMs),
  leaseMs: job.leaseMs,
});
say({ said: "ready" });
while (Date.now() < job.beginAt) {
  // Busy, so that it begins in the same millisecond as another.
}
const started = job.start.map(({ runId, program }) => {
  let tell = () => {};
  const accepted = new Promise<void>((resolve) => {
    tell = resolve;
  });
  const onAccepted = () => {
    say({ said: "accepted", runId });
    tell();
  };
  return {
    accepted,
    ended: orchestrator.start(program, { id: runId }, { runId, onAccepted }).then(
      (run) => say({ said: "ended", runId, status: run.status }),
      (thrown: unknown) => say({ said: "threw", runId, code: isWalkbackError(thrown) ? thrown.code : String(thrown) }),
    ),
  };
});
if (job.next === "cancel") {
  await Promise.all(started.map(({ accepted }) => accepted));
  for (let waitedMs = 0; waitedMs < EFFECT_WITHIN_MS && world.calls().length === 0; waitedMs += 2) await delay(2);
  await cancelAll(orchestrator);
}
await Promise.all(started.map(({ ended }) => ended));
if (job.next === "recover") for (const run of await orchestrator.recover()) say({ said: "ended", runId: run.runId, status: run.status });
if (job.next === "carry") await carryToTheEnd(orchestrator, world, job.programs);
say({ said: "done" });
await orchestrator.close();
world.close();
