import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { aLangSmith } from "./langsmith.js";

const PROGRAM = fileURLToPath(new URL("./programs/decide-once.ts", import.meta.url));
const TOLD = "loaded ";

/** Tells of every module that is loaded. */
const HOOKS = `import { writeSync } from "node:fs";
export async function load(url, context, next) { writeSync(2, "${TOLD}" + url + "\\n"); return next(url, context); }`;
const asData = (module: string) => `data:text/javascript,${encodeURIComponent(module)}`;
const REGISTER = asData(`import { register } from "node:module"; register(${JSON.stringify(asData(HOOKS))});`);

/** Decides one application in a process of its own with these variables. */
async function decide(variables: Readonly<Record<string, string>>) {
  const { PATH = "", HOME = "" } = process.env;
  const child = promisify(execFile)(process.execPath, ["--import", "tsx", "--import", REGISTER, PROGRAM], {
    env: { PATH, HOME, ...variables },
    maxBuffer: 100_000_000,
  });
  const { stdout, stderr } = await child;
  const loaded = stderr.split("\n").flatMap((line) => (line.startsWith(TOLD) ? [line.slice(TOLD.length)] : []));
  const said = stderr.split("\n").filter((line) => line !== "" && !line.startsWith(TOLD));
  return { status: stdout.trim(), loaded, said, sender: loaded.some((url) => url.includes("/observe/tracing/sender.")) };
}

test("without LangSmith's variables nothing of the sender is loaded, and nothing is sent", async () => {
  await using langsmith = await aLangSmith();
  const endpoint = { LANGSMITH_ENDPOINT: langsmith.url, LANGSMITH_API_KEY: "lsv2-test-key-1234567890" };

  const without = await decide({});
  const off = await decide({ ...endpoint, LANGSMITH_TRACING: "false" });

  for (const each of [without, off]) expect(each).toMatchObject({ status: "completed", said: [], sender: false });
  expect(without.loaded.some((url) => url.includes("/observe/tracing/tracer."))).toBe(true); // the modules are heard of
  expect(langsmith.requests).toEqual([]);
});

test("with them it is, and the process says no more and ends as soon as its run is told", async () => {
  await using langsmith = await aLangSmith();

  const traced = await decide({
    LANGSMITH_TRACING: "true",
    LANGSMITH_ENDPOINT: langsmith.url,
    LANGSMITH_API_KEY: "lsv2-test-key-1234567890",
  });

  expect(traced).toMatchObject({ status: "completed", said: [], sender: true });
  expect(langsmith.span("credit-decision").end_time).toBeDefined();
});
