import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";

const PROGRAMS = {
  "ask-model": new URL("./programs/ask-model.ts", import.meta.url),
  "call-a-broken-agent": new URL("./programs/call-a-broken-agent.ts", import.meta.url),
  "die-at-statement": new URL("./programs/die-at-statement.ts", import.meta.url),
  "hold-the-file": new URL("./programs/hold-the-file.ts", import.meta.url),
  "open-store": new URL("./programs/open-store.ts", import.meta.url),
  "put-for-ever": new URL("./programs/put-for-ever.ts", import.meta.url),
  "serve-loopback": new URL("./programs/serve-loopback.ts", import.meta.url),
  "spend-for-budget": new URL("./programs/spend-for-budget.ts", import.meta.url),
  "write-for-ever": new URL("./programs/write-for-ever.ts", import.meta.url),
};

/** Starts a program in a process of its own. */
export function start(program: keyof typeof PROGRAMS, ...args: readonly string[]): ChildProcessWithoutNullStreams {
  return spawn(process.execPath, ["--import", "tsx", fileURLToPath(PROGRAMS[program]), ...args]);
}

/** Runs such a program to its end and returns all that it wrote, complaints included. */
export async function run(program: keyof typeof PROGRAMS, ...args: readonly string[]): Promise<string> {
  const child = start(program, ...args);
  const [output, complaints] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "close")]);
  return output + complaints;
}
