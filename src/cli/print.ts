/** What a command was asked for. */
export function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** What a person at the terminal should know besides, out of the way of a pipe. */
export function tell(text: string): void {
  process.stderr.write(`${text}\n`);
}
