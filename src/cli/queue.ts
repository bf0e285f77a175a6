import type { QueueState } from "../orchestrator/queue-door.js";
import { openRecords } from "./house.js";
import { paint } from "./paint.js";
import { print } from "./print.js";
import { EXIT } from "./problem.js";
import { duration } from "./progress.js";
import { commandLine, type Settings } from "./settings.js";
import { drawTable } from "./table.js";

/** Shows who waits for a turn. */
export async function queueCommand(settings: Settings): Promise<number> {
  await using records = openRecords(settings);
  show(records.queue.state(), settings);
  return EXIT.fine;
}

/** Lets nobody begin any more, or lets them begin again. */
export async function pauseCommand(pause: boolean, settings: Settings): Promise<number> {
  await using records = openRecords(settings);
  await (pause ? records.queue.pause() : records.queue.resume());
  show(records.queue.state(), settings);
  return EXIT.fine;
}

export function pausedText(settings: Settings): string {
  return `The queue is paused: nobody begins until ${commandLine(settings, "queue", "resume")}`;
}

export function waitersText({ queued, running }: Pick<QueueState, "queued" | "running">): string {
  return `${queued === 1 ? "1 run waits" : `${queued} runs wait`}, ${running === 1 ? "1 is" : `${running} are`} being carried.`;
}

function show(state: QueueState, settings: Settings): void {
  const now = Date.now();
  const waiting = state.waiting.map(({ tenant = null, ...depth }) => ({
    ...depth,
    tenant,
    waitedMs: waitedMs(depth.oldestAcceptedAt, now),
  }));
  if (settings.json) return print(JSON.stringify({ ...state, waiting }));
  if (state.paused) print(paint.yellow(pausedText(settings)));
  print(waitersText(state));
  if (waiting.length === 0) return;
  const rows = waiting.map(({ priority, tenant, queued: count, waitedMs: longest }) => ({
    cells: { priority: String(priority), tenant: tenant ?? paint.dim("none"), waiting: String(count), longest: duration(longest) },
  }));
  print(`\n${drawTable(["priority", "tenant", "waiting", "longest"], rows)}`);
}

function waitedMs(since: string, now: number): number {
  return Math.max(0, now - Date.parse(since));
}
