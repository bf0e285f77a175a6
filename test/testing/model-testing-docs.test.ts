import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { LOOPBACK_FAULTS } from "walkback/testing";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const page = await readFile(join(ROOT, "docs/model-testing.md"), "utf8");
const SLOW = 120_000;

/** The programs on the page by name, and what stands beneath them. */
const programs = [...page.matchAll(/```ts\n(?<source>\/\/ (?<name>[\w-]+\.mts).*?)```(?:\n\n```text\n(?<output>.*?)```)?/gs)].map(
  ({ groups }) => ({ name: groups?.["name"] ?? "", source: groups?.["source"] ?? "", output: groups?.["output"] }),
);

test("every program in the documentation writes what stands beneath it", { timeout: SLOW }, async () => {
  const folder = await mkdtemp(join(ROOT, "test", ".docs-"));
  try {
    for (const { name, source } of programs) await writeFile(join(folder, name), source);
    const running = programs.filter(({ output }) => output !== undefined);

    for (const { name, output } of running) {
      const { stdout } = await promisify(execFile)(process.execPath, ["--import", "tsx", join(folder, name)], { cwd: ROOT });
      expect(stdout).toBe(output);
    }

    expect(running.map(({ name }) => name)).toEqual(["scripted.mts", "loopback.mts", "killed.mts"]);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test("the documentation names every fault", () => {
  expect(LOOPBACK_FAULTS.filter((fault) => !page.includes(`\`${fault}\``))).toEqual([]);
});
