import { createReadStream, existsSync, rmSync } from "node:fs";
import { sqliteStore } from "../checkpoint/sqlite/store.js";
import { isError, isWalkbackError, messageOf } from "../contracts/failure.js";
import { isTerminal } from "../contracts/run.js";
import { paintStatus } from "./paint.js";
import { print } from "./print.js";
import { EXIT, misused } from "./problem.js";
import { commandLine, type Settings } from "./settings.js";

/** Takes over a run from a file that `export` wrote, or from standard input. */
export async function importCommand(file: string | undefined, settings: Settings): Promise<number> {
  if (file === undefined && process.stdin.isTTY)
    throw misused("file", "Say which file; - or nothing is standard input, and nothing is piped into it.");
  const text = file === undefined || file === "-" ? process.stdin.setEncoding("utf8") : textOf(file);
  const isNew = settings.store !== ":memory:" && !existsSync(settings.store);
  const store = sqliteStore(settings.store);
  let taken = false;
  try {
    const run = await store.import(text);
    taken = true;
    if (settings.json) print(JSON.stringify(run));
    else {
      print(`Run ${run.runId} is in ${store.location}: ${run.workflow}@${run.workflowVersion}, ${paintStatus(run.status)}.`);
      if (!isTerminal(run.status))
        print(`Leave it alone where it came from. Here it goes on with: ${commandLine(settings, nextStep(run.status))}`);
    }
    return EXIT.fine;
  } finally {
    await store.close();
    if (isNew && !taken) for (const ending of ["", "-wal", "-shm", ".anchor"]) rmSync(settings.store + ending, { force: true }); // nothing half-done stays
  }
}

function nextStep(status: string): string {
  return status === "waiting" || status === "parked" ? "inbox" : "recover";
}

async function* textOf(file: string): AsyncGenerator<string> {
  try {
    yield* createReadStream(file, { encoding: "utf8" });
  } catch (thrown) {
    if (isWalkbackError(thrown) || !isError(thrown) || !("code" in thrown)) throw thrown;
    throw misused("file", `The file ${file} cannot be read: ${messageOf(thrown)}. Check the path.`, { cause: thrown });
  }
}
