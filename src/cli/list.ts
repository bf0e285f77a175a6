import type { RunRecord } from "../checkpoint/ports.js";
import type { RunStatus } from "../contracts/run.js";
import { type DegradedBy, degradedBy, degradedJson } from "./degraded.js";
import { openRecords } from "./house.js";
import { paintRunStatus } from "./paint.js";
import { print } from "./print.js";
import { EXIT } from "./problem.js";
import { duration } from "./progress.js";
import type { Settings } from "./settings.js";
import { drawTable } from "./table.js";

export interface ListOptions {
  readonly status?: RunStatus;
  readonly workflow?: string;
  readonly limit: number;
}

/** Lists runs, newest first. */
export async function listCommand(options: ListOptions, settings: Settings): Promise<number> {
  await using records = openRecords(settings);
  const listed = await records.list(options);
  const runs = await Promise.all(listed.map(async (run) => ({ run, by: await degradedBy(records.events, run) })));
  if (settings.json) for (const { run, by } of runs) print(JSON.stringify({ ...run, ...degradedJson(run, by) }));
  else if (runs.length === 0) print("There are no such runs.");
  else
    print(
      drawTable(
        ["status", "run", "workflow", "accepted", "took", "why"],
        runs.map(({ run, by }) => ({ cells: rowOf(run, by) })),
      ),
    );
  return EXIT.fine;
}

function rowOf(run: RunRecord, by: readonly DegradedBy[]): Record<string, string> {
  const { runId, workflow, workflowVersion, acceptedAt, endedAt, failure } = run;
  return {
    status: paintRunStatus(run),
    run: runId,
    workflow: `${workflow}@${workflowVersion}`,
    accepted: acceptedAt.replace("T", " ").slice(0, 19),
    took: endedAt === undefined ? "" : duration(Date.parse(endedAt) - Date.parse(acceptedAt)),
    why: failure?.code ?? [...new Set(by.map(({ code }) => code))].join(", "),
  };
}
