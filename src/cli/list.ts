import type { RunRecord } from "../checkpoint/ports.js";
import type { RunStatus } from "../contracts/run.js";
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
  const runs = await records.list(options);
  if (settings.json) for (const run of runs) print(JSON.stringify(run));
  else if (runs.length === 0) print("There are no such runs.");
  else
    print(
      drawTable(
        ["status", "run", "workflow", "accepted", "took", "why"],
        runs.map((run) => ({ cells: rowOf(run) })),
      ),
    );
  return EXIT.fine;
}

function rowOf(run: RunRecord): Record<string, string> {
  const { runId, workflow, workflowVersion, acceptedAt, endedAt, failure } = run;
  return {
    status: paintRunStatus(run),
    run: runId,
    workflow: `${workflow}@${workflowVersion}`,
    accepted: acceptedAt.replace("T", " ").slice(0, 19),
    took: endedAt === undefined ? "" : duration(Date.parse(endedAt) - Date.parse(acceptedAt)),
    why: failure?.code ?? "",
  };
}
