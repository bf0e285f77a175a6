import { dirname, resolve } from "node:path";

/** What every command needs to know, from the options and the environment. */
export interface Settings {
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
}

const DEFAULT_STORE = ".walkback/store.db";

export function settingsOf({ store, dataDir, json = false }: GlobalOptions, environment: NodeJS.ProcessEnv = process.env): Settings {
  const file = pathOf(store ?? (environment["WALKBACK_STORE"] || DEFAULT_STORE));
  const folder = dataDir === undefined ? undefined : resolve(dataDir);
  return {
    store: file,
    dataDir: folder ?? (file === ":memory:" ? undefined : dirname(file)),
    json,
    flags: [...(store === undefined ? [] : ["--store", store]), ...(dataDir === undefined ? [] : ["--data-dir", dataDir])],
  };
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
