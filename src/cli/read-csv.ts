import { pipeline, Readable } from "node:stream";
import { CsvError, parse } from "csv-parse";
import { type Issue, isWalkbackError, messageOf } from "../contracts/failure.js";
import type { WorkflowPackage } from "../graph/workflow.js";
import type { InputRow, InputText } from "./input-row.js";
import { misused } from "./problem.js";

type CsvMapping = NonNullable<WorkflowPackage["csv"]>;

/** Rows of a table by the workflow's own mapping. Throws when a column is missing; further columns do no harm. */
export async function* csvRows({ name, text }: InputText, csv: CsvMapping | undefined): AsyncGenerator<InputRow> {
  if (!csv) throw misused("--input", `${name} is CSV, which this workflow does not read. Give JSON or JSON lines.`);
  const header: string[] = [];
  let row = -1;
  try {
    for await (const record of recordsOf(text)) {
      row++;
      if (row === 0) header.push(...checkedHeader(name, record, csv.columns));
      else yield rowOf(row, header, record, csv);
    }
  } catch (thrown) {
    if (!(thrown instanceof CsvError)) throw thrown;
    yield { row: row + 1, issues: [{ path: "", message: `the rest of the file cannot be read: ${thrown.message}` }] };
  }
}

/** Records as they come: a wrong number of fields or a stray quotation mark spoils its own row, not the file. */
function recordsOf(text: AsyncIterable<string>): AsyncIterable<string[]> {
  const parser = parse({ record_delimiter: LINE_ENDS, relax_column_count: true, relax_quotes: true, skip_empty_lines: true, trim: true });
  pipeline(Readable.from(text), parser, () => {}); // an error reaches whoever iterates the parser
  return parser as AsyncIterable<string[]>; // without `columns` a record is an array of strings
}

/** All of them at once: left alone, the parser takes the first line's for the whole file, and joins appended rows to one. */
const LINE_ENDS = ["\r\n", "\n", "\r"];

function checkedHeader(name: string, header: readonly string[], columns: readonly string[]): readonly string[] {
  const missing = columns.filter((column) => !header.includes(column));
  const twice = columns.find((column) => header.indexOf(column) !== header.lastIndexOf(column));
  if (twice !== undefined) throw misused("--input", `${name} has the column "${twice}" twice. Rename or remove one.`);
  if (missing.length === 0) return header;
  throw misused(
    "--input",
    `${name} has other columns: ${missing.join(", ")} ${missing.length === 1 ? "is" : "are"} missing; found ${header.join(", ")}. The first line must name the columns, separated by commas.`,
  );
}

function rowOf(row: number, header: readonly string[], record: readonly string[], csv: CsvMapping): InputRow {
  if (record.length !== header.length) {
    const message = `it has ${record.length} fields where the header has ${header.length}; quote a field that contains a comma`;
    return { row, issues: [{ path: "", message }] };
  }
  try {
    return { row, input: csv.toInput(Object.fromEntries(header.map((column, index) => [column, record[index] ?? ""]))) };
  } catch (thrown) {
    return { row, issues: issuesOf(thrown) };
  }
}

/** What a mapping threw: issues if it has them (ours, or zod's), otherwise its message. */
function issuesOf(thrown: unknown): readonly Issue[] {
  if (isWalkbackError(thrown) && "issues" in thrown.details && Array.isArray(thrown.details.issues)) return thrown.details.issues;
  return [{ path: "", message: messageOf(thrown) }];
}
