import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { vi } from "vitest";
import { runProgram } from "../../../src/cli/program.js";

/** What a command left behind. */
export interface Outcome {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

const root = fileURLToPath(new URL("../../..", import.meta.url));

/** The path of the shop's module, as a user would name a workflow of their own. */
export const SHOP = join(root, "test/cli/support/shop.ts");

/** A folder to work in, gone at the end of the test, with a store of its own for every command. */
export function aFolder() {
  const path = mkdtempSync(join(tmpdir(), "walkback-cli-"));
  const file = (name: string, text: string): string => {
    writeFileSync(join(path, name), text);
    return join(path, name);
  };
  return {
    path,
    file,
    cli: (...words: readonly string[]) => inProcess("--store", join(path, "store.db"), ...words),
    [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }),
  };
}

/** Runs a command in this process, and catches what it prints. */
async function inProcess(...words: readonly string[]): Promise<Outcome> {
  const out: string[] = [];
  const err: string[] = [];
  const stdout = vi.spyOn(process.stdout, "write").mockImplementation((text) => out.push(String(text)) > 0);
  const stderr = vi.spyOn(process.stderr, "write").mockImplementation((text) => err.push(String(text)) > 0);
  try {
    const code = await runProgram(words);
    return { code, out: out.join(""), err: err.join("") };
  } finally {
    stdout.mockRestore();
    stderr.mockRestore();
  }
}

/** All of a stream. */
export async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const collected: T[] = [];
  for await (const item of items) collected.push(item);
  return collected;
}

/** The lines of JSON that a command printed. */
export function jsonLines({ out }: Outcome): Record<string, unknown>[] {
  return out
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

/** The real command line in a process of its own, as installed but for the build. */
export function startCli(folder: string, ...words: readonly string[]) {
  const main = join(root, "src/cli/main.ts");
  const environment = { ...process.env, NODE_ENV: undefined, FORCE_COLOR: undefined };
  const child = spawn(process.execPath, ["--import", import.meta.resolve("tsx"), main, ...words], { cwd: folder, env: environment });
  const out: string[] = [];
  const err: string[] = [];
  child.stdout.setEncoding("utf8").on("data", (text: string) => out.push(text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => err.push(text));
  const ended = new Promise<Outcome>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, out: out.join(""), err: err.join("") }));
  });
  return { child, ended };
}
