import { existsSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { messageOf } from "../contracts/failure.js";
import { configInvalid } from "../limits/check-options.js";
import { type Environment, withEnvironment } from "./environment.js";
import { checkConfig, type WalkbackConfig } from "./schema.js";

/** Looked for in this order. */
export const CONFIG_FILES = ["walkback.config.ts", "walkback.config.mts", "walkback.config.mjs", "walkback.config.js"] as const;

const UNUSABLE = "The configuration cannot be used";

export interface LoadOptions {
  /** Where the file is looked for; the current folder when left out. */
  readonly folder?: string | undefined;
  /** This very file; then it must be there. */
  readonly file?: string | undefined;
  readonly environment?: Environment | undefined;
}

/** Types a configuration, and is all that `walkback.config.ts` needs: `export default defineConfig({ … })`. */
export function defineConfig(config: WalkbackConfig): WalkbackConfig {
  return config;
}

/**
 * The configuration of `walkback.config.ts` (or `.mts`, `.mjs`, `.js`), if there is one, under what the environment sets.
 * Paths are made absolute. Throws `CONFIG_INVALID` with everything that is wrong in either.
 */
export async function loadConfig({ folder = process.cwd(), file, environment = process.env }: LoadOptions = {}): Promise<WalkbackConfig> {
  const path = file === undefined ? CONFIG_FILES.map((name) => join(folder, name)).find(existsSync) : resolve(folder, file);
  const found = path === undefined ? { config: {}, issues: [] } : checkConfig(await importDefault(path));
  const said = withEnvironment(found.config, environment);
  const issues = [...found.issues.map((issue) => ({ ...issue, path: `${path}#${issue.path}` })), ...said.issues];
  if (issues.length > 0) throw configInvalid(UNUSABLE, issues);
  return path === undefined ? said.config : absolute(said.config, dirname(path));
}

async function importDefault(path: string): Promise<unknown> {
  if (!existsSync(path)) throw configInvalid(UNUSABLE, [{ path, message: "there is no such file" }]);
  try {
    const { createJiti } = await import("jiti"); // most processes need no compiler
    const module = await createJiti(import.meta.url, { fsCache: false, interopDefault: false }).import<Readonly<Record<string, unknown>>>(
      path,
    );
    if ("default" in module) return module["default"];
  } catch (thrown) {
    throw configInvalid(UNUSABLE, [{ path, message: `cannot be imported: ${messageOf(thrown)}` }]);
  }
  throw configInvalid(UNUSABLE, [{ path, message: "has no default export; write export default defineConfig({ … })" }]);
}

function absolute(config: WalkbackConfig, folder: string): WalkbackConfig {
  const { store, dataDir } = config;
  return {
    ...config,
    ...(store === undefined ? {} : { store: store === ":memory:" ? store : resolve(folder, store) }),
    ...(dataDir === undefined ? {} : { dataDir: resolve(folder, dataDir) }),
  };
}
