import type { Pruned } from "../checkpoint/ports.js";
import { sqliteStore } from "../checkpoint/sqlite/store.js";
import { existingStore } from "./house.js";
import { print } from "./print.js";
import { EXIT } from "./problem.js";
import { followProgress } from "./progress.js";
import type { Settings } from "./settings.js";

export interface PruneCommandOptions {
  /** Milliseconds. */
  readonly olderThan: number;
  readonly keep: "terminal" | "none";
  readonly dryRun?: boolean;
}

/** Takes away what nobody needs any more of runs that ended long ago. Stopped halfway, the rest is still there. */
export async function pruneCommand(options: PruneCommandOptions, settings: Settings): Promise<number> {
  const pruned = await prune(options, settings);
  const { keep, dryRun = false } = options;
  print(settings.json ? JSON.stringify({ ...pruned, keep, dryRun }) : prunedText(pruned, options));
  return EXIT.fine;
}

async function prune({ olderThan: olderThanMs, keep, dryRun }: PruneCommandOptions, settings: Settings): Promise<Pruned> {
  const store = sqliteStore(existingStore(settings));
  try {
    using progress = followProgress(settings);
    return await store.prune({ olderThanMs, keep, dryRun, onProgress: progress.tell });
  } finally {
    await store.close();
  }
}

function prunedText({ runs, checkpoints, writes, contents, bytes }: Pruned, { keep, dryRun = false }: PruneCommandOptions): string {
  if (runs === 0 && contents === 0) return dryRun ? "Nothing would go." : "Nothing was old enough to go.";
  const graph = `${checkpoints} checkpoints, ${writes} writes and ${contents} contents`;
  const what = keep === "none" ? `${runs} runs, with ${graph}` : `${graph} of ${runs} runs`;
  const went = dryRun ? "Would go" : "Went";
  return `${went}: ${what}; ${sizeText(bytes)}.${dryRun ? "" : " The file keeps its size: what is written next takes their place."}`;
}

function sizeText(bytes: number): string {
  const units = ["bytes", "KiB", "MiB", "GiB"];
  const power = bytes < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(bytes) / 10));
  return `${power === 0 ? bytes : (bytes / 1024 ** power).toFixed(1)} ${units[power]}`;
}
