import type { Failure } from "../contracts/failure.js";
import type { WorkflowPackage } from "../graph/workflow.js";
import type { RowResult } from "./batch.js";
import type { DegradedBy } from "./degraded.js";
import { paintErr } from "./paint.js";
import { print, tell } from "./print.js";
import type { Progress } from "./progress.js";
import { jsonLine, resultsTable, tableRow, tally } from "./results.js";
import type { TableRow } from "./table.js";

export interface ResultPrinter {
  add(result: RowResult, degradedBy: readonly DegradedBy[]): void;
  end(): void;
}

/** A line for each result as it comes. */
export function jsonPrinter(): ResultPrinter {
  return { add: (result, degradedBy) => print(jsonLine(result, degradedBy)), end: () => {} };
}

const TABLE_ROWS = 20;
const TOLD_REJECTED = 20;

/** Tells of bad rows as they come; at the end shows the first results and counts all. */
export function tablePrinter(pkg: WorkflowPackage, progress: Progress): ResultPrinter {
  const startedAt = performance.now();
  const shown: TableRow[] = [];
  const counts = tally(pkg);
  let more = 0;
  let rejected = 0;
  return {
    add(result) {
      counts.add(result);
      if ("rejected" in result) {
        progress.clear();
        tellRejected(result.row, result.rejected, ++rejected);
      } else if (shown.length < TABLE_ROWS) shown.push(tableRow(result.run, { row: String(result.row) }, pkg));
      else more++;
    },
    end() {
      if (shown.length > 0) print(resultsTable("row", shown));
      if (more > 0) print(`… and ${more} more (--json prints every one)`);
      print(`${shown.length > 0 ? "\n" : ""}${counts.line(performance.now() - startedAt)}`);
    },
  };
}

function tellRejected(row: number, { code, message }: Failure, nth: number): void {
  if (nth > TOLD_REJECTED + 1) return;
  const text = nth > TOLD_REJECTED ? "more rows were rejected; --json prints every one" : `row ${row}: ${message} (${code})`;
  tell(`${paintErr.red("error:")} ${text}`);
}
