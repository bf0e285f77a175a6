import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { messageOf, WalkbackError } from "../../contracts/failure.js";
import { judgeSaga, type SagaLife, type SagaVerdict } from "./judge.js";
import { type LedgerServer, ledgerServer } from "./ledger-server.js";
import { type LedgerEntry, SAGA_SCENARIOS, type SagaScenario } from "./scenario.js";

/**
 * An engine to be judged: a program that carries one saga to its end and exits, with whatever code. It is told by its
 * environment what to do:
 *
 * - `SAGA_SCENARIO`: `fail`, `crash` or `parallel`
 * - `SAGA_LEDGER`: the address of the ledger, where the steps are performed and undone
 * - `SAGA_DIR`: an empty folder of its own, kept over a restart
 * - `SAGA_LIFE`: `1`, and `2` when it was killed and is started again, with the same command
 */
export interface SagaEngine {
  readonly name: string;
  readonly command: string;
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

export interface SagaLabOptions {
  /** All three when left out. */
  readonly scenarios?: readonly SagaScenario[];
  /** How long A1 takes in `parallel`; A2 is refused after 20 ms. 250 when left out. */
  readonly slowMs?: number;
  /** How long one process may take. 20 s when left out. */
  readonly timeoutMs?: number;
  /** How long the ledger stays open after the engine's end, for work it left behind. 300 ms when left out. */
  readonly lingerMs?: number;
}

/** A verdict and what it rests on. */
export interface SagaFinding extends SagaVerdict {
  readonly log: readonly LedgerEntry[];
  readonly lives: readonly SagaLife[];
}

export interface SagaLabResult {
  readonly engine: string;
  /** In all scenarios that were gone through. */
  readonly passed: boolean;
  readonly verdicts: readonly SagaFinding[];
}

/** The engine's program cannot be started at all. */
export class SagaEngineInvalid extends WalkbackError<{ engine: string; command: string; reason: string }> {
  readonly code = "INPUT_INVALID";
}

/**
 * Judges a workflow engine by what it leaves behind in the world outside: takes it through the scenarios, one after the
 * other, as a child process with a ledger on loopback. In `crash` its process group is killed with SIGKILL (on Windows
 * only the process) and the same command started again. Throws `SagaEngineInvalid` when there is no such program.
 */
export async function sagaLab(engine: SagaEngine, options: SagaLabOptions = {}): Promise<SagaLabResult> {
  const { scenarios = SAGA_SCENARIOS, slowMs = 250, timeoutMs = 20_000, lingerMs = 300 } = options;
  const verdicts: SagaFinding[] = [];
  for (const scenario of scenarios) verdicts.push(await goThrough(engine, scenario, { slowMs, timeoutMs, lingerMs }));
  return { engine: engine.name, passed: verdicts.every(({ passed }) => passed), verdicts };
}

type Settings = Readonly<Record<"slowMs" | "timeoutMs" | "lingerMs", number>>;

async function goThrough(engine: SagaEngine, scenario: SagaScenario, { slowMs, timeoutMs, lingerMs }: Settings): Promise<SagaFinding> {
  const folder = await mkdtemp(join(tmpdir(), "saga-lab-"));
  try {
    await using ledger = await ledgerServer({ scenario, slowMs });
    const environment = { ...process.env, ...engine.env, SAGA_SCENARIO: scenario, SAGA_LEDGER: ledger.url, SAGA_DIR: folder };
    const lives = [await live(engine, { ...environment, SAGA_LIFE: "1" }, ledger.crash, timeoutMs)];
    if (lives[0]?.ended === "crashed") {
      ledger.restarted();
      lives.push(await live(engine, { ...environment, SAGA_LIFE: "2" }, NEVER, timeoutMs));
    }
    await delay(lingerMs);
    await ledger.settled();
    return seen(scenario, ledger, lives);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function seen(scenario: SagaScenario, { log, report }: LedgerServer, lives: readonly SagaLife[]): SagaFinding {
  return { ...judgeSaga({ scenario, log, lives, report: report() }), log: [...log], lives };
}

const NEVER = new Promise<never>(() => {});
const OUTPUT_KEPT = 4_000;

/** One process, until it ends, or is killed at the moment of the crash or at the end of its time. */
async function live(engine: SagaEngine, env: NodeJS.ProcessEnv, crash: Promise<void>, timeoutMs: number): Promise<SagaLife> {
  const { command, args = [], cwd = process.cwd() } = engine;
  // A group of its own, so that the kill reaches the engine behind a wrapper, too.
  const child = spawn(command, args, { cwd, env, detached: true, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  const keep = (chunk: Buffer) => {
    output = (output + chunk.toString("utf8")).slice(-OUTPUT_KEPT);
  };
  child.stdout.on("data", keep);
  child.stderr.on("data", keep);
  const exited = once(child, "exit").catch((cause: unknown) => Promise.reject(notStarted(engine, cause)));
  const killOurs = () => kill(child.pid);
  process.once("exit", killOurs);
  const timer = new AbortController();
  try {
    const ended = await Promise.race([
      exited.then(() => "exited" as const),
      crash.then(() => "crashed" as const),
      delay(timeoutMs, "timed-out" as const, { signal: timer.signal }).catch(() => NEVER),
    ]);
    if (ended !== "exited") killOurs();
    const [exitCode] = (await exited) as [number | null];
    return { ended, exitCode, output };
  } finally {
    timer.abort();
    process.off("exit", killOurs);
  }
}

function kill(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(process.platform === "win32" ? pid : -pid, "SIGKILL");
  } catch {
    // It has just ended by itself.
  }
}

function notStarted({ name, command }: SagaEngine, cause: unknown): SagaEngineInvalid {
  const reason = messageOf(cause);
  return new SagaEngineInvalid(
    `${name} could not be started: ${reason}. Check its command and cwd.`,
    { engine: name, command, reason },
    { cause },
  );
}
