import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { createOrchestrator, type Orchestrator, type Run, sqliteStore } from "walkback";
import { type Violation, violations } from "../support/invariants.js";
import { aFolder } from "../support/store.js";
import { bundled } from "./bundle.js";
import { carryToTheEnd } from "./carry.js";
import { type Program, SECRET, workflowOf } from "./program.js";
import { openWorld, type World } from "./world.js";

/** What a child process is told to do. */
export interface Job {
  readonly storeFile: string;
  readonly worldFile: string;
  readonly programs: readonly Program[];
  /** How far its clock is ahead. */
  readonly aheadMs: number;
  readonly leaseMs: number;
  /** Not before this time (milliseconds since 1970), so that two of them begin at once. */
  readonly beginAt: number;
  readonly start: readonly { readonly runId: string; readonly program: string }[];
  /** After that: carry on what others left; `carry` answers questions, too. `cancel` cancels all there is, in the middle of it. */
  readonly next: "recover" | "carry" | "cancel" | "end";
}

/** What it says, a line of JSON each. */
export type Notice =
  | { readonly said: "ready" | "done" }
  | { readonly said: "accepted"; readonly runId: string }
  | { readonly said: "ended"; readonly runId: string; readonly status: string }
  | { readonly said: "threw"; readonly runId: string; readonly code: string };

export interface Crash {
  /** A named crash point, `name` or `name#3`. */
  readonly at?: string;
  /** Or so long after the process was ready. */
  readonly afterMs?: number;
}

export interface Ended {
  /** It did not reach its end. */
  readonly killed: boolean;
  readonly notices: readonly Notice[];
}

/** A store, a world outside, and processes that come and go. */
export interface House extends AsyncDisposable {
  readonly storeFile: string;
  readonly worldFile: string;
  readonly world: World;
  readonly attempted: readonly string[];
  /** Starts runs of these programs in a process of their own, which may die. */
  start(programs: readonly Program[], crash?: Crash, options?: Partial<Pick<Job, "next" | "leaseMs">>): Promise<Ended>;
  /** Carries on what is there in a process of its own, which may die. */
  recover(crash?: Crash, next?: Job["next"]): Promise<Ended>;
  /** Starts one run, and hands out the process it is in. */
  launchRun(program: Program, options?: Partial<Pick<Job, "leaseMs">>): Launched;
  /** A process that does what it is told, with the house's files and programs. */
  launch(job: Partial<Job>, crash?: Crash): Launched;
  /** An orchestrator in this very process, whose clock is past every lease. */
  open(): Orchestrator;
  /** Carries every run as far as it goes, in this very process, and returns the runs. */
  finish(): Promise<readonly Run[]>;
  check(): Promise<readonly Violation[]>;
  /** All that is remembered: the runs' rows, versions and journals, and what was heard outside. */
  evidence(): Promise<unknown>;
}

export interface Launched {
  readonly process: ChildProcess;
  readonly ended: Promise<Ended>;
}

const HOUR_MS = 3_600_000;
const LEASE_MS = 30_000;

export async function aHouse(): Promise<House> {
  const folder = await aFolder();
  const [storeFile, worldFile] = [folder.file("store.db"), folder.file("world.db")];
  const world = openWorld(worldFile);
  const programs = new Map<string, Program>();
  const accepted = new Set<string>();
  const attempted: string[] = [];
  const open = new Set<Orchestrator>();
  let hours = 0;

  const launch: House["launch"] = (change, crash = {}) => {
    const job: Job = {
      storeFile,
      worldFile,
      programs: [...programs.values()],
      aheadMs: hours * HOUR_MS,
      leaseMs: LEASE_MS,
      beginAt: 0,
      start: [],
      next: "end",
      ...change,
    };
    return launchChild(job, crash, (runId) => accepted.add(runId));
  };
  const startAll = (planned: readonly Program[], crash: Crash | undefined, options: Partial<Job>): Launched => {
    for (const program of planned) programs.set(program.name, program);
    const start = planned.map(({ name }) => ({ runId: randomUUID(), program: name }));
    attempted.push(...start.map(({ runId }) => runId));
    return launch({ ...options, start }, crash);
  };
  const openOrchestrator = (): Orchestrator => {
    hours += 1; // whatever lease there is has lapsed
    const aheadMs = hours * HOUR_MS;
    const workflows = [...programs.values()].map((program) => workflowOf(program, world));
    const orchestrator = createOrchestrator({ store: storeFile, workflows, now: () => new Date(Date.now() + aheadMs) });
    open.add(orchestrator);
    return orchestrator;
  };

  return {
    storeFile,
    worldFile,
    world,
    attempted,
    start: (planned, crash, options = {}) => startAll(planned, crash, options).ended,
    launchRun: (program, options = {}) => startAll([program], {}, options),
    async recover(crash, next = "carry") {
      hours += 1;
      return launch({ next }, crash).ended;
    },
    launch,
    open: openOrchestrator,
    async finish() {
      const own = openWorld(worldFile); // a caller of its own
      hours += 1;
      const aheadMs = hours * HOUR_MS;
      const workflows = [...programs.values()].map((program) => workflowOf(program, own));
      await using orchestrator = createOrchestrator({ store: storeFile, workflows, now: () => new Date(Date.now() + aheadMs) });
      await carryToTheEnd(orchestrator, own, [...programs.values()]);
      const records = await orchestrator.list({ limit: 1_000_000 });
      const runs = await Promise.all(records.map(({ runId }) => orchestrator.get(runId)));
      own.close();
      return runs;
    },
    check: () => violations({ storeFile, world, accepted: [...accepted], attempted, secret: SECRET }),
    async evidence() {
      const store = sqliteStore(storeFile);
      const runs = await store.runs.list({ limit: 1_000_000 });
      const rows = runs.map(async (run) => ({
        run,
        versions: await store.versions.list(run.runId),
        journal: await store.journal.list(run.runId),
      }));
      const remembered = await Promise.all(rows);
      await store.close();
      return { remembered, heard: world.calls(), standing: world.standing() };
    },
    async [Symbol.asyncDispose]() {
      for (const orchestrator of open) await orchestrator.close();
      world.close();
      await folder[Symbol.asyncDispose]();
    },
  };
}

function launchChild(job: Job, { at, afterMs }: Crash, onAccepted: (runId: string) => void): Launched {
  const env = { ...process.env, WALKBACK_CRASH_AT: at ?? "", CRASH_TEST_SECRET: SECRET };
  const child = spawn(process.execPath, [bundled("child"), JSON.stringify(job)], { env, stdio: ["ignore", "pipe", "inherit"] });
  const notices: Notice[] = [];
  const lines = createInterface({ input: child.stdout });
  lines.on("line", (line) => {
    const notice = JSON.parse(line) as Notice;
    notices.push(notice);
    if (notice.said === "accepted") onAccepted(notice.runId);
    if (notice.said === "ready" && afterMs !== undefined) setTimeout(() => child.kill("SIGKILL"), afterMs);
  });
  const ended = Promise.all([once(child, "exit"), once(lines, "close")]).then(([[code, signal]]): Ended => {
    if (signal === null && code !== 0) throw new Error(`The child process failed with ${String(code)}.`);
    return { killed: signal === "SIGKILL", notices };
  });
  return { process: child, ended };
}
