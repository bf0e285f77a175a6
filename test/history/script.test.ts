import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { bisect } from "../../src/history/bisect.js";
import { scriptHolds } from "../../src/history/script-holds.js";
import { aHistory, RUN } from "./support.js";

const run = () =>
  aHistory(Array.from({ length: 6 }, (_, level) => ({ contract: "test.level@1", data: { level, filler: "x".repeat(100_000) } })));

/** A folder for scripts, gone at the end of the test. */
function aFolder() {
  const path = mkdtempSync(join(tmpdir(), "walkback-script-"));
  const write = (name: string, text: string, mode: number): string => {
    const file = join(path, name);
    writeFileSync(file, text);
    chmodSync(file, mode);
    return file;
  };
  return {
    path,
    module: (text: string, name = "check.mjs") => write(name, text, 0o644),
    executable: (text: string, mode = 0o755) => write("check", text, mode),
    [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }),
  };
}

const ask = (file: string, timeoutMs = 20_000) => bisect(run(), RUN, scriptHolds(file, { timeoutMs }));

describe("a module", () => {
  test("is asked with the state and the version, and may answer later", async () => {
    using folder = aFolder();
    const file = folder.module(`
      console.log("whatever it prints is no answer");
      export default async (state, version) => state["test.level"].level < 4 && version.agent !== "nobody";
    `);

    const bisection = await ask(file);

    expect(bisection).toMatchObject({ found: { number: 4, agent: "work" }, predicate: file });
  });

  test("may say what is wrong", async () => {
    using folder = aFolder();
    const file = folder.module('export default ({ "test.level": { level } }) => level < 2 || level + " is too high";', "check.js");

    expect((await ask(file)).found).toMatchObject({ number: 2, why: "2 is too high" });
  });

  test.each([
    ["throws", 'export default () => { throw new Error("no network"); }', "it threw: no network"],
    ["forgets to answer", "export default () => {}", "it must answer true or false (or a sentence that says what is wrong), not null"],
    ["leaves", "export default () => process.exit(3)", "it ended without an answer (exit code 3)"],
    ["never comes back", "export default () => { for (;;); }", "it was stopped, since it had no answer after 1.5 s"],
  ])("cannot say when it %s", async (_, text, reason) => {
    using folder = aFolder();

    await expect(ask(folder.module(text), 1_500)).rejects.toMatchObject({ code: "PREDICATE_FAILED", details: { number: 5, reason } });
  });

  test.each([
    ["has no default export", "export const holds = () => true;", /its default export is no function/],
    ["cannot be read", "export default (", /it cannot be imported: /],
  ])("cannot be used when it %s", async (_, text, message) => {
    using folder = aFolder();

    await expect(ask(folder.module(text))).rejects.toMatchObject({ code: "BISECT_INVALID", message: expect.stringMatching(message) });
  });
});

describe("an executable", () => {
  test("gets the state on its standard input, and says with its exit code what it thinks of it", async () => {
    using folder = aFolder();
    const file = folder.executable(`#!/usr/bin/env node
      const { "test.level": { level } } = JSON.parse(require("node:fs").readFileSync("/dev/stdin", "utf8"));
      process.exit(level < 3 ? 0 : 1);
    `);

    expect((await ask(file)).found).toMatchObject({ number: 3, why: "exit code 1" });
  });

  test("need not read the state, and is told which version it is asked about", async () => {
    using folder = aFolder();
    const file = folder.executable(`#!/bin/sh
      echo "$WALKBACK_RUN $WALKBACK_VERSION $WALKBACK_AGENT" >> "${folder.path}/asked"
      test "$WALKBACK_VERSION" -lt 5 || exit 127
    `);

    const { found } = await ask(file);

    expect(found).toMatchObject({ number: 5, why: "exit code 127 (a command was not found?)" });
    expect(readFileSync(join(folder.path, "asked"), "utf8").split("\n")[0]).toBe(`${RUN} 5 work`);
  });

  test.each([
    ["exits 125", "exit 125", "it ended with exit code 125"],
    ["exits above 127", "exit 200", "it ended with exit code 200"],
    ["is killed", "kill -TERM $$", "it was ended by SIGTERM"],
    ["takes too long", "sleep 20", "it was stopped, since it had no answer after 1 s"],
  ])("cannot say when it %s", async (_, command, reason) => {
    using folder = aFolder();

    const asked = ask(folder.executable(`#!/bin/sh\n${command}\n`), 1_000);

    await expect(asked).rejects.toMatchObject({ code: "PREDICATE_FAILED", details: { number: 5, reason } });
  });

  test("cannot be used when it is not there, or may not be executed", async () => {
    using folder = aFolder();

    await expect(ask(join(folder.path, "nobody"))).rejects.toMatchObject({
      code: "BISECT_INVALID",
      message: expect.stringMatching(/no such file/),
    });

    await expect(ask(folder.executable("#!/bin/sh\n", 0o644))).rejects.toMatchObject({
      message: expect.stringMatching(/neither a module .* nor executable/),
    });
  });
});
