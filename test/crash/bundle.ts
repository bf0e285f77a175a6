import { execFileSync } from "node:child_process";
import { mkdirSync, rmSync } from "node:fs";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const files = new Map<string, string>();

/** A program of this folder as one file, which starts five times as fast as its sources; esbuild is what vitest and tsx build with. */
export function bundled(program: "child" | "tool-loop-child"): string {
  const known = files.get(program);
  if (known !== undefined) return known;
  const folder = `${ROOT}node_modules/.cache/walkback-crash`; // inside, so that the native driver is found
  mkdirSync(folder, { recursive: true });
  const file = `${folder}/${program}-${process.pid}.mjs`;
  const banner = `import { createRequire as make } from "node:module"; const require = make(import.meta.url);`;
  const options = ["--bundle", "--platform=node", "--format=esm", "--target=node20", "--external:better-sqlite3", "--log-level=error"];
  execFileSync(`${ROOT}node_modules/.bin/esbuild`, [
    fileURLToPath(new URL(`./${program}.ts`, import.meta.url)),
    ...options,
    `--banner:js=${banner}`,
    `--outfile=${file}`,
  ]);
  process.once("exit", () => rmSync(file, { force: true }));
  files.set(program, file);
  return file;
}
