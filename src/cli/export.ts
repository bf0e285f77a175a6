import { once } from "node:events";
import { existsSync, rmSync, statSync } from "node:fs";
import { open, rename } from "node:fs/promises";
import { resolve } from "node:path";
import { sqliteStore } from "../checkpoint/sqlite/store.js";
import { isError } from "../contracts/failure.js";
import { existingStore, findRunId } from "./house.js";
import { print } from "./print.js";
import { EXIT, misused } from "./problem.js";
import type { Settings } from "./settings.js";
import { visible } from "./visible.js";

export interface ExportCommandOptions {
  /** A file; standard output when left out. */
  readonly out?: string;
  /** The file may be there already. */
  readonly force?: boolean;
}

/** Writes everything on record about one run as JSON Lines. */
export async function exportCommand(wanted: string, { out, force = false }: ExportCommandOptions, settings: Settings): Promise<number> {
  const store = sqliteStore(existingStore(settings));
  try {
    const runId = await findRunId(store, wanted);
    if (out === undefined) await toOutput(store.export(runId));
    else {
      const lines = await toFile(resolve(out), force, store.export(runId));
      print(settings.json ? JSON.stringify({ runId, file: resolve(out), lines }) : `Run ${runId} is in ${out}, ${lines} lines.`);
    }
    return EXIT.fine;
  } finally {
    await store.close();
  }
}

async function toOutput(lines: AsyncIterable<string>): Promise<void> {
  const { stdout } = process;
  for await (const line of lines) {
    if (stdout.destroyed) return; // whoever read has seen enough
    if (!stdout.write(stdout.isTTY ? visible(line, { colors: false }) : line))
      await Promise.race([once(stdout, "drain"), once(stdout, "close")]).catch(() => {});
  }
}

/** All of it under the file's name, or nothing: it is written under another one first, which is gone after Ctrl-C. */
async function toFile(file: string, force: boolean, lines: AsyncIterable<string>): Promise<number> {
  if (existsSync(file) && statSync(file).isDirectory()) throw misused("--out", `${file} is a folder. Name a file in it.`);
  if (!force && existsSync(file)) throw misused("--out", `There is a file ${file} already. Name another one, or replace it with --force.`);
  const partial = `${file}.${process.pid}.partial`;
  const leave = (signal: NodeJS.Signals) => {
    rmSync(partial, { force: true });
    process.exit(signal === "SIGINT" ? 130 : 143);
  };
  const signals = ["SIGINT", "SIGTERM"] as const;
  for (const signal of signals) process.on(signal, leave);
  try {
    const count = await writeAll(partial, lines);
    await rename(partial, file);
    return count;
  } finally {
    rmSync(partial, { force: true });
    for (const signal of signals) process.off(signal, leave);
  }
}

async function writeAll(file: string, lines: AsyncIterable<string>): Promise<number> {
  const handle = await open(file, "w").catch((thrown: unknown) => {
    const why = isError(thrown) ? thrown.message : String(thrown);
    throw misused("--out", `The file cannot be written: ${why}. Check the folder and its permissions.`, { cause: thrown });
  });
  try {
    let count = 0;
    for await (const line of lines) {
      await handle.write(line);
      count += 1;
    }
    await handle.sync();
    return count;
  } finally {
    await handle.close();
  }
}
