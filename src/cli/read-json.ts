import { messageOf } from "../contracts/failure.js";
import type { InputRow, InputText } from "./input-row.js";
import { misused } from "./problem.js";

/** One object, or an array with one a row. */
export async function jsonRows({ name, text }: InputText): Promise<readonly InputRow[]> {
  let whole = "";
  for await (const chunk of text) whole += chunk;
  let parsed: unknown;
  try {
    parsed = JSON.parse(whole);
  } catch (thrown) {
    const hint = "Give one object or an array; for one object a line, add --format jsonl.";
    throw misused("--input", `${name} is not JSON: ${messageOf(thrown)}. ${hint}`, { cause: thrown });
  }
  const inputs: unknown[] = Array.isArray(parsed) ? parsed : [parsed];
  return inputs.map((input, index) => ({ row: index + 1, input }));
}

/** One object a line. A line that is not JSON is a bad row; empty lines are none. */
export async function* jsonLineRows({ text }: InputText): AsyncGenerator<InputRow> {
  let row = 0;
  for await (const line of linesOf(text)) {
    row++;
    if (line.trim() !== "") yield jsonLineRow(row, line);
  }
}

function jsonLineRow(row: number, line: string): InputRow {
  try {
    return { row, input: JSON.parse(line) as unknown };
  } catch (thrown) {
    return { row, issues: [{ path: "", message: `the line is not JSON: ${messageOf(thrown)}` }] };
  }
}

async function* linesOf(text: AsyncIterable<string>): AsyncGenerator<string> {
  let rest = "";
  for await (const chunk of text) {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop() ?? "";
    yield* lines;
  }
  yield rest;
}
