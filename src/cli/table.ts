import { stripVTControlCharacters } from "node:util";
import Table, { type Cell } from "cli-table3";
import { paint } from "./paint.js";

/** A row's cells by their columns. A note takes the place of all columns the row says nothing about, at its end. */
export interface TableRow {
  readonly cells: Readonly<Record<string, string>>;
  readonly note?: string | undefined;
}

/** Rows under a header, aligned, without a frame. On a narrow terminal the last columns and the width of the first give way. */
export function drawTable(columns: readonly string[], rows: readonly TableRow[], screen = screenWidth()): string {
  const widths = columns.map((column) => 2 + Math.max(...[column, ...rows.map(({ cells }) => cells[column] ?? "")].map(widthOf)));
  const fitting = fitWidths(widths, screen);
  const shown = columns.slice(0, fitting.length);
  const table = new Table({
    head: shown.map((column) => paint.bold(column)),
    colWidths: fitting.map((width, index) => (index === 0 ? width : null)),
    chars: BARE,
    style: { head: [], border: [], "padding-left": 0 },
  });
  table.push(...rows.map((row) => cellsOf(shown, row)));
  return table
    .toString()
    .split("\n")
    .map((line) => line.trimEnd())
    .join("\n");
}

function cellsOf(columns: readonly string[], { cells, note }: TableRow): Cell[] {
  if (note === undefined) return columns.map((column) => cells[column] ?? "");
  const told = columns.findLastIndex((column) => column in cells) + 1;
  const first = columns.slice(0, told).map((column) => cells[column] ?? "");
  return told === columns.length ? first : [...first, { content: note, colSpan: columns.length - told }];
}

/** The widths of the columns that fit on the screen, gaps included; the table's own gap of one is not part of its column. */
function fitWidths(widths: readonly number[], screen: number): number[] {
  const [first = 0, ...others] = widths;
  const left = screen - others.reduce((sum, width) => sum + width, 0);
  const enough = left >= Math.min(first, LEAST_OF_FIRST);
  if (!enough && others.length >= MOST_NEEDED) return fitWidths(widths.slice(0, -1), screen);
  return [Math.min(first, Math.max(left, LEAST_OF_FIRST)) - 1, ...others];
}

const LEAST_OF_FIRST = 28;
const MOST_NEEDED = 4;

function widthOf(text: string): number {
  return Math.max(...text.split("\n").map((line) => stripVTControlCharacters(line).length));
}

/** In a pipe, or on a terminal that does not say how wide it is, nothing is cut. */
function screenWidth(): number {
  return process.stdout.columns || Number.POSITIVE_INFINITY;
}

const BARE = {
  top: "",
  "top-mid": "",
  "top-left": "",
  "top-right": "",
  bottom: "",
  "bottom-mid": "",
  "bottom-left": "",
  "bottom-right": "",
  left: "",
  "left-mid": "",
  mid: "",
  "mid-mid": "",
  right: "",
  "right-mid": "",
  middle: " ",
};
