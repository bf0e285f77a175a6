import type { Failure } from "../contracts/failure.js";
import type { JsonValue } from "../contracts/json-value.js";
import type { Run } from "../contracts/run.js";
import type { WorkflowPackage } from "../graph/workflow.js";
import type { RowResult } from "./batch.js";
import { type DegradedBy, degradedJson } from "./degraded.js";
import { shortId } from "./house.js";
import { paint, paintRunStatus } from "./paint.js";
import { EXIT, exitCodeOf } from "./problem.js";
import { duration } from "./progress.js";
import { drawTable, type TableRow } from "./table.js";

/** A result as one line of JSON; the first six keys are always there, in this order. */
export function jsonLine(result: RowResult, degradedBy: readonly DegradedBy[]): string {
  if ("rejected" in result) {
    const { row, rejected } = result;
    return JSON.stringify({ runId: null, status: "rejected", output: null, failure: rejected, versions: [], durationMs: null, row });
  }
  const { row, run } = result;
  return JSON.stringify({ ...runJson(run), row, ...degradedJson(run, degradedBy), ...questionsOf(run) });
}

/** A run without a row it came from. */
export function runJson(run: Run): Record<"runId" | "status" | "output" | "failure" | "versions" | "durationMs", JsonValue> {
  return {
    runId: run.runId,
    status: run.status,
    output: run.status === "completed" ? run.output : null,
    failure: "failure" in run ? (run.failure as unknown as JsonValue) : null, // a Failure is plain JSON
    versions: run.versions as unknown as JsonValue,
    durationMs: "durationMs" in run ? run.durationMs : null,
  };
}

export function questionsOf(run: Run): object {
  return "questions" in run ? { questions: run.questions } : {};
}

/** A run as a row of a table, under the columns of its workflow's summary; one without output says why instead. */
export function tableRow(run: Run, first: Readonly<Record<string, string>>, { summarize }: WorkflowPackage): TableRow {
  const cells = { ...first, run: paint.dim(shortId(run.runId)), status: paintRunStatus(run) };
  if (run.status === "completed") return { cells: { ...cells, ...summarize(run.output) } };
  if ("questions" in run) return { cells, note: run.questions.map(({ kind, agent }) => (agent ? `${kind} in ${agent}` : kind)).join(", ") };
  return { cells, note: "failure" in run ? whyOf(run.failure) : "" };
}

/** The `first` column, the run and its status, then whatever the workflow says of its results. */
export function resultsTable(first: string, rows: readonly TableRow[]): string {
  const known = [first, "run", "status"];
  const more = new Set(rows.flatMap(({ cells }) => Object.keys(cells)).filter((column) => !known.includes(column)));
  return drawTable([...known, ...(more.size === 0 ? ["why"] : more)], rows);
}

/** Counts results by what the workflow calls their outcome, or why there is none. */
export function tally(pkg: WorkflowPackage) {
  const counts = new Map<string, number>();
  let runs = 0;
  return {
    add(result: RowResult): void {
      if ("run" in result) runs++;
      const kind = kindOf(result, pkg);
      counts.set(kind, (counts.get(kind) ?? 0) + 1);
    },
    line(elapsedMs: number): string {
      const parts = [...counts].sort(([, a], [, b]) => b - a).map(([kind, count]) => `${count} ${kind}`);
      const rate = runs > 1 ? ` (${(runs / (elapsedMs / 1000)).toFixed(1)} runs/s)` : "";
      return `${runs} ${runs === 1 ? "run" : "runs"} in ${duration(elapsedMs)}${rate}: ${parts.join(", ")}`;
    },
  };
}

export function hasFailed(result: RowResult): boolean {
  return "rejected" in result || exitCodeOf(result.run.status) !== EXIT.fine;
}

function kindOf(result: RowResult, { summarize }: WorkflowPackage): string {
  if ("rejected" in result) return "rejected";
  const { run } = result;
  if (run.status === "completed") return summarize(run.output)["outcome"] ?? run.status;
  if ("failure" in run) return `${run.status} (${run.failure.code})`;
  return run.status === "running" ? "stopped half-way" : run.status;
}

function whyOf({ code, details, message }: Failure): string {
  const agent = details["agent"];
  return typeof agent === "string" ? `${code} in ${agent}` : `${code}: ${message}`;
}
