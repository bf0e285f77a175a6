#!/usr/bin/env node
import { runProgram } from "./program.js";

// A reader that has seen enough (`| head`) is no error: commands are short, and `run` stops by itself.
for (const stream of [process.stdout, process.stderr]) stream.on("error", leaveQuietly);

process.exitCode = await runProgram(process.argv.slice(2));
// An agent that ignores its signal must not keep the terminal.
setTimeout(() => process.exit(), 1_000).unref();

function leaveQuietly(thrown: NodeJS.ErrnoException): void {
  if (thrown.code !== "EPIPE") throw thrown;
}
