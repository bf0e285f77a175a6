import { dirname, resolve } from "node:path";
import type { WalkbackConfig } from "../config/schema.js";
import { misused } from "./problem.js";

/** What every command needs to know, from the options, the environment and the configuration, in this order. */
export interface Settings extends Pick<WalkbackConfig, "limits" | "queue" | "tracing"> {
  /** The SQLite file that remembers the runs, or `:memory:`. */
  readonly store: string;
  /** The folder for the workflows' other side; in memory when undefined. */
  readonly dataDir: string | undefined;
  readonly json: boolean;
  /** What a command that we suggest must carry to reach the same store. */
  readonly flags: readonly string[];
}

export interface GlobalOptions {
  readonly store?: string;
  readonly dataDir?: string;
  readonly json?: boolean;
  /** A configuration that is not that of the current folder. */
  readonly config?: string;
}

const DEFAULT_STORE = ".walkback/store.db";

export function settingsOf(options: GlobalOptions, configured: WalkbackConfig, environment: NodeJS.ProcessEnv = process.env): Settings {
  const { store, dataDir, json = false, config } = options;
  const { limits, queue, tracing } = configured;
  const file = pathOf(store ?? (environment["WALKBACK_STORE"] || (configured.store ?? DEFAULT_STORE)));
  const folder = dataDir === undefined ? configured.dataDir : resolve(dataDir);
  const typed = { "--store": store, "--data-dir": dataDir, "--config": config };
  return {
    limits,
    queue,
    tracing,
    store: file,
    dataDir: folder ?? (file === ":memory:" ? undefined : dirname(file)),
    json,
    flags: Object.entries(typed).flatMap(([flag, value]) => (value === undefined ? [] : [flag, value])),
  };
}

/** Below the five failures in a row that open a breaker, so that a single fault in each run does not look like an outage. */
const DEFAULT_CONCURRENCY = 4;

/** Runs at one time, as typed, as configured, or as it is by default. */
export function concurrencyOf(typed: number | undefined, { queue }: Settings, otherwise = DEFAULT_CONCURRENCY): number {
  return Math.max(1, typed ?? queue?.maxConcurrent ?? otherwise);
}

/** The same for whoever carries what waits in the queue. */
export function placesOf(typed: number | undefined, settings: Settings, otherwise?: number): number {
  if (typed !== undefined || settings.queue?.maxConcurrent !== 0) return concurrencyOf(typed, settings, otherwise);
  throw misused(
    "--concurrency",
    "The configuration's queue.maxConcurrent is 0, so nothing could be carried here. Raise it, or submit the runs for a worker elsewhere.",
  );
}

/** A command to copy: it works when typed as printed. */
export function commandLine(settings: Settings, ...words: readonly string[]): string {
  return ["npx", "walkback", ...[...words, ...settings.flags].map(quoted)].join(" ");
}

function pathOf(file: string): string {
  return file === ":memory:" ? file : resolve(file);
}

function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
