import { type ChildProcess, spawn } from "node:child_process";
import { constants } from "node:fs";
import { access, mkdtemp, open, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { extname, join, resolve } from "node:path";
import { text } from "node:stream/consumers";
import { pathToFileURL } from "node:url";
import { BisectInvalid, isWalkbackError, messageOf } from "../contracts/failure.js";
import { cannotSay, type Judgement, judgementOf, type Moment, type Predicate, stateAt } from "./predicate.js";

export interface ScriptOptions {
  /** For one version; 60 s when left out. */
  readonly timeoutMs?: number;
}

const TIMEOUT_MS = 60_000;
const MODULES = [".js", ".mjs", ".cjs", ".ts", ".mts", ".cts"];
/** What git bisect takes for "cannot be tested". */
const CANNOT_SAY = 125;
const MAX_BAD = 127;

/**
 * Holds while a script says so. A module's default export is called with the state and the version and answers as a
 * function in this process would; any other file is executed with the state as JSON on its standard input, and with
 * `WALKBACK_RUN`, `WALKBACK_VERSION` and `WALKBACK_AGENT`: exit code 0 is good, 1 to 127 is bad, but 125 and a signal mean
 * that it cannot say. Either runs in a process of its own for each version, is killed when its time is up, and writes to
 * our standard error. Throws `BISECT_INVALID` when the script cannot be used, `PREDICATE_FAILED` when it cannot say.
 */
export function scriptHolds(file: string, { timeoutMs = TIMEOUT_MS }: ScriptOptions = {}): Predicate {
  const path = resolve(file);
  const script: Script = { file, path, timeoutMs, module: MODULES.includes(extname(path)) };
  let usable: Promise<void> | undefined;
  return {
    says: file,
    async judge(moment) {
      usable ??= refuseUnusable(script);
      await usable;
      try {
        return await (script.module ? askModule(script, moment) : askExecutable(script, moment));
      } catch (thrown) {
        throw isWalkbackError(thrown) ? thrown : unusable(script, `it cannot be started: ${messageOf(thrown)}`, thrown);
      }
    },
  };
}

interface Script {
  readonly file: string;
  readonly path: string;
  readonly timeoutMs: number;
  readonly module: boolean;
}

async function refuseUnusable(script: Script): Promise<void> {
  try {
    await access(script.path, constants.R_OK);
  } catch (thrown) {
    throw unusable(script, "there is no such file, or it may not be read", thrown);
  }
  if (script.module) return;
  try {
    await access(script.path, constants.X_OK);
  } catch (thrown) {
    throw unusable(script, `it is neither a module (${MODULES.join(", ")}) nor executable (chmod +x)`, thrown);
  }
}

async function askExecutable(script: Script, moment: Moment): Promise<Judgement> {
  const { state, version } = await stateAt(moment);
  const told = { WALKBACK_RUN: moment.runId, WALKBACK_VERSION: String(version.number), WALKBACK_AGENT: version.agent };
  await using input = await inputOf(state);
  const child = spawn(script.path, [], { stdio: [input.descriptor, 2, 2], detached: true, env: { ...process.env, ...told } });
  const code = await exitOf(child, script, moment);
  if (code === 0) return { kind: "holds" };
  if (code > MAX_BAD || code === CANNOT_SAY) throw cannotSay(moment, script.file, `it ended with exit code ${code}`);
  const shell = code === 126 ? " (a command may not be executed?)" : code === 127 ? " (a command was not found?)" : "";
  return { kind: "broken", why: `exit code ${code}${shell}` };
}

/** Runs in the child: answers one line of JSON on descriptor 3, so that the script may print what it likes. */
const ASK = `
import { writeSync } from "node:fs";
import { text } from "node:stream/consumers";
const answer = (said) => { writeSync(3, JSON.stringify(said)); process.exit(); };
const told = (thrown) => String(thrown?.message ?? thrown);
const { url, state, version } = JSON.parse(await text(process.stdin));
const module = await import(url).catch((thrown) => answer({ unusable: "it cannot be imported: " + told(thrown) }));
const holds = module.default?.default ?? module.default; // a loader may have made CommonJS of it
if (typeof holds !== "function") answer({ unusable: "its default export is no function" });
try { answer({ verdict: await holds(state, version) ?? null }); }
catch (thrown) { answer({ threw: told(thrown) }); }
`;

interface Answer {
  readonly verdict?: unknown;
  readonly unusable?: string;
  readonly threw?: string;
}

async function askModule(script: Script, moment: Moment): Promise<Judgement> {
  await using input = await inputOf({ url: pathToFileURL(script.path).href, ...(await stateAt(moment)) });
  const words = [...loaders(process.execArgv), "--input-type=module", "--eval", ASK];
  const child = spawn(process.execPath, words, { stdio: [input.descriptor, 2, 2, "pipe"], detached: true });
  const said = text(child.stdio[3] as NodeJS.ReadableStream); // what spawn makes of "pipe" in an outgoing place
  const code = await exitOf(child, script, moment);
  const answer = await said;
  if (answer === "") throw cannotSay(moment, script.file, `it ended without an answer (exit code ${code})`);
  const { verdict, unusable: reason, threw } = JSON.parse(answer) as Answer; // written by ASK
  if (reason !== undefined) throw unusable(script, reason);
  if (threw !== undefined) throw cannotSay(moment, script.file, `it threw: ${threw}`);
  return judgementOf(moment, script.file, verdict);
}

/** Whoever runs us with a loader for TypeScript runs the script with it too. */
function loaders(words: readonly string[]): string[] {
  return words.flatMap((word, index) => {
    if (/^--(import|require|loader|experimental-loader)=/.test(word)) return [word];
    const next = words[index + 1];
    return /^(--import|--require|-r|--loader|--experimental-loader)$/.test(word) && next !== undefined ? [word, next] : [];
  });
}

interface Input extends AsyncDisposable {
  readonly descriptor: number;
}

/** A file without a name, so that it can be read in every way (`/dev/stdin` too, which a pipe of Node's is not good for). */
async function inputOf(document: unknown): Promise<Input> {
  const folder = await mkdtemp(join(tmpdir(), "walkback-bisect-"));
  try {
    const path = join(folder, "input.json");
    await writeFile(path, JSON.stringify(document), { mode: 0o600 });
    const file = await open(path, "r");
    return { descriptor: file.fd, [Symbol.asyncDispose]: () => file.close() };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Waits for the end. The child leads a process group, so that nothing it started is left when it is stopped, or we are. */
async function exitOf(child: ChildProcess, { file, timeoutMs }: Script, moment: Moment): Promise<number> {
  let late = false;
  const stop = () => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
    } catch {} // it has ended by itself
  };
  const timer = setTimeout(() => {
    late = true;
    stop();
  }, timeoutMs);
  const stopBoth = (signal: NodeJS.Signals) => {
    stop();
    process.kill(process.pid, signal); // it was for us, and nobody listens any more
  };
  for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, stopBoth);
  try {
    const [code, signal] = await new Promise<[number | null, NodeJS.Signals | null]>((resolve, reject) => {
      child.on("error", reject);
      child.on("close", (...end) => resolve(end));
    });
    if (code !== null) return code;
    throw cannotSay(
      moment,
      file,
      late ? `it was stopped, since it had no answer after ${timeoutMs / 1000} s` : `it was ended by ${signal}`,
    );
  } finally {
    clearTimeout(timer);
    for (const signal of ["SIGINT", "SIGTERM"]) process.off(signal, stopBoth);
  }
}

function unusable({ file }: Script, reason: string, cause?: unknown): BisectInvalid {
  return new BisectInvalid(`The script ${file} cannot be used: ${reason}.`, { argument: "script", reason }, { cause });
}
