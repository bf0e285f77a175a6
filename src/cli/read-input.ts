import { createReadStream } from "node:fs";
import type { WorkflowPackage } from "../graph/workflow.js";
import type { InputRow } from "./input-row.js";
import { misused } from "./problem.js";
import { csvRows } from "./read-csv.js";
import { jsonLineRows, jsonRows } from "./read-json.js";

export const FORMATS = ["csv", "json", "jsonl"] as const;
export type Format = (typeof FORMATS)[number];

export interface InputFile {
  readonly rows: AsyncIterable<InputRow>;
  /** About how many there will be; unknown in a pipe. */
  readonly total: number | undefined;
}

export interface InputRequest {
  /** A path, or `-` for standard input. */
  readonly source: string;
  /** Told from the name or the first line when left out. */
  readonly format: Format | undefined;
  readonly csv: WorkflowPackage["csv"];
}

/**
 * Opens a file of inputs as a stream of rows. What concerns the whole file (missing, empty, other columns, not JSON)
 * is thrown at once; a bad row is yielded as such, and the others still come.
 */
export async function readInput({ source, format: wanted, csv }: InputRequest): Promise<InputFile> {
  const name = source === "-" ? "Standard input" : `The file ${source}`;
  const { chunks, newlines } = source === "-" ? { chunks: process.stdin.setEncoding("utf8"), newlines: undefined } : await openFile(source);
  const { head, text } = await peek(chunks);
  if (head.trim() === "") throw misused("--input", `${name} is empty. Give it at least one row.`);
  if (head.includes("\0")) throw misused("--input", `${name} is not UTF-8 text. Save it as UTF-8, or check that it is the right file.`);
  const format = wanted ?? formatOfName(source) ?? formatOfText(head);
  const file = { name, text };
  switch (format) {
    case "json": {
      const rows = await jsonRows(file);
      return { rows: await primed(name, rows), total: rows.length };
    }
    case "jsonl":
      return { rows: await primed(name, jsonLineRows(file)), total: newlines };
    case "csv":
      return { rows: await primed(name, csvRows(file, csv)), total: newlines === undefined ? undefined : Math.max(newlines - 1, 1) };
  }
}

async function openFile(path: string) {
  try {
    const newlines = await countNewlines(path);
    return { chunks: createReadStream(path, { encoding: "utf8" }), newlines };
  } catch (thrown) {
    const code = thrown instanceof Error && "code" in thrown ? String(thrown.code) : "";
    const reasons: Readonly<Record<string, string>> = {
      ENOENT: `There is no file ${path}. Check the path; it is looked for in ${process.cwd()}.`,
      EISDIR: `${path} is a folder. Name a .json, .jsonl or .csv file in it.`,
      EACCES: `The file ${path} may not be read. Check its permissions.`,
    };
    throw misused("--input", reasons[code] ?? `The file ${path} cannot be read: ${String(thrown)}.`, { cause: thrown });
  }
}

async function countNewlines(path: string): Promise<number> {
  let count = 0;
  let last = 10;
  for await (const chunk of createReadStream(path)) {
    const bytes = chunk as Buffer; // a stream without an encoding
    for (let at = bytes.indexOf(10); at !== -1; at = bytes.indexOf(10, at + 1)) count++;
    last = bytes.at(-1) ?? last;
  }
  return last === 10 ? count : count + 1;
}

/** Enough of the beginning to tell what it is, and all of it, without a byte order mark. */
async function peek(chunks: AsyncIterable<string>): Promise<{ readonly head: string; readonly text: AsyncIterable<string> }> {
  const iterator = chunks[Symbol.asyncIterator]();
  let head = "";
  while (head.length < 65_536 && !/\S[^\n]*\n/.test(head)) {
    const next = await iterator.next();
    if (next.done) break;
    head = (head + next.value).replace(/^\uFEFF/, "");
  }
  return { head, text: chain(head, iterator) };
}

function formatOfName(source: string): Format | undefined {
  return FORMATS.find((format) => source.toLowerCase().endsWith(`.${format}`));
}

/** An array is JSON, an object that ends with its line is a JSON line, anything else a table. */
function formatOfText(head: string): Format {
  const [line = ""] = head.trimStart().split("\n");
  if (line.startsWith("[")) return "json";
  if (!line.startsWith("{")) return "csv";
  try {
    JSON.parse(line);
    return "jsonl";
  } catch {
    return "json";
  }
}

/** Reads the first row now, so that a file that is no good at all is refused before anything else is opened. */
async function primed(name: string, rows: AsyncIterable<InputRow> | Iterable<InputRow>): Promise<AsyncIterable<InputRow>> {
  const iterator = Symbol.asyncIterator in rows ? rows[Symbol.asyncIterator]() : toAsync(rows);
  const first = await iterator.next();
  if (first.done) throw misused("--input", `${name} has no rows. Give it at least one.`);
  return chain(first.value, iterator);
}

async function* toAsync<T>(items: Iterable<T>): AsyncGenerator<T> {
  yield* items;
}

async function* chain<T>(first: T, rest: AsyncIterator<T>): AsyncGenerator<T> {
  try {
    yield first;
    for (let next = await rest.next(); !next.done; next = await rest.next()) yield next.value;
  } finally {
    await rest.return?.(); // lets go of the file when nobody wants the rest
  }
}
