import { paint, paintErr } from "./paint.js";
import { visible } from "./visible.js";

/** What a command was asked for. */
export function print(text: string): void {
  process.stdout.write(`${visible(text, { colors: paint.isColorSupported })}\n`);
}

/** What a person at the terminal should know besides, out of the way of a pipe. */
export function tell(text: string): void {
  process.stderr.write(`${visible(text, { colors: paintErr.isColorSupported })}\n`);
}
