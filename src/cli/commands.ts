import { type Command, InvalidArgumentError, Option } from "commander";
import { LOWEST_PRIORITY } from "../checkpoint/ports.js";
import type { RunStatus } from "../contracts/run.js";
import type { AnswerOptions, ResumeOptions } from "./answer.js";
import type { BisectCommandOptions } from "./bisect.js";
import { parseDuration } from "./duration.js";
import type { ExportCommandOptions } from "./export.js";
import type { ForkCommandOptions } from "./fork.js";
import type { PruneCommandOptions } from "./prune.js";
import { FORMATS } from "./read-input.js";
import type { ReplayCommandOptions } from "./replay.js";
import type { RunOptions, SubmitOptions } from "./run.js";
import type { Settings } from "./settings.js";

const DEFAULT_RECOVER_EVERY = 5;
/** Rows that are accepted together share a commit. */
const SUBMITTED_AT_ONCE = 64;
const STATUSES: readonly RunStatus[] = ["queued", "running", "waiting", "completed", "rolled-back", "parked", "canceled"];
const WORKFLOW = "a name of the catalog, or the path of a module that exports workflowPackage";
const RUN = "the id of a run, or the beginning or end of it";
const VERSION = "the number of a version; 0 is the input";

/** Declares the commands. What a command does is imported when it is called, so that `--help` need not wait for it. */
export function addCommands(program: Command, settings: () => Settings, done: (exitCode: number) => void): void {
  addRun(program, async (workflow, options) => done(await (await import("./run.js")).runCommand(workflow, options, settings())));
  program
    .command("inspect")
    .description("show a run: versions, attempts, gates, breakers, effects, and what was undone")
    .argument("<run>", RUN, nonEmpty)
    .option("--data", "show the data of each version")
    .action(async (run, options) => done(await (await import("./inspect.js")).inspectCommand(run, options, settings())));
  program
    .command("diff")
    .description("compare a run's state as of two of its versions; a JSON Patch (RFC 6902) with --json")
    .argument("<run>", RUN, nonEmpty)
    .argument("<from>", VERSION, versionNumber)
    .argument("<to>", VERSION, versionNumber)
    .action(async (run, from, to) => done(await (await import("./diff.js")).diffCommand(run, from, to, settings())));
  addReplay(program, async (run, options) => done(await (await import("./replay.js")).replayCommand(run, options, settings())));
  addFork(program, async (run, options) => done(await (await import("./fork.js")).forkCommand(run, options, settings())));
  addBisect(program, async (run, options) => done(await (await import("./bisect.js")).bisectCommand(run, options, settings())));
  addMoves(program, settings, done);
  addUpkeep(program, settings, done);
  program
    .command("list")
    .description("list runs, newest first")
    .addOption(new Option("--status <status>", "only these").choices(STATUSES))
    .option("--workflow <name>", "only of this workflow")
    .option("--limit <n>", "at most so many", positive, 50)
    .action(async (options) => done(await (await import("./list.js")).listCommand(options, settings())));
  program
    .command("stats")
    .description("show health by numbers: runs, agents with their latency, waiting times, spending, breakers")
    .option("--since <time>", "how far to look back, like 90s, 10m, 12h or 30d (default: 24h)", timeSpan)
    .action(async (options) => done(await (await import("./stats.js")).statsCommand(options, settings())));
  addQueue(program, settings, done);
  addBreakers(program, settings, done);
  program
    .command("graph")
    .description("draw a workflow as Mermaid")
    .argument("<workflow>", WORKFLOW)
    .option("--xray", "show the inside of the walk-back")
    .action(async (workflow, options) => done(await (await import("./graph.js")).graphCommand(workflow, options, settings())));
  program
    .command("contracts")
    .description("list the contracts, or show the JSON Schema of one")
    .argument("[contract]", "name (the newest version) or name@version")
    .option("--workflow <workflow>", `only of this workflow: ${WORKFLOW}`)
    .action(async (name, options) => done(await (await import("./contracts.js")).contractsCommand(name, options, settings())));
  program
    .command("budget")
    .description("show what is left of every budget, what is reserved, and who spent what")
    .option("--since <time>", "add up spending from then on: a time, or 30m, 6h, 7d for so long ago", "24h")
    .action(async (options) => done(await (await import("./budget.js")).budgetCommand(options, settings())));
  program
    .command("inbox")
    .description("show the runs that wait for a human, and how to answer")
    .action(async () => done(await (await import("./inbox.js")).inboxCommand(settings())));
  addResume(program, async (run, options) => done(await (await import("./answer.js")).resumeCommand(run, options, settings())));
  program
    .command("recover")
    .description("carry on the runs that nobody carries: crashed, stopped, or answered meanwhile; then those that wait in the queue")
    .option("--watch", "go on looking until stopped")
    .option("--every <seconds>", "with --watch: how often to look", positive, DEFAULT_RECOVER_EVERY)
    .option("--workflow <path>", "a module with a workflow that is not in the catalog; may be repeated", collect)
    .action(async (options) => done(await (await import("./recover.js")).recoverCommand(options, settings())));
  program
    .command("cancel")
    .description("stop a run and walk it back")
    .argument("<run>", RUN, nonEmpty)
    .option("--reason <text>", "why; it goes into the record")
    .option("--workflow <workflow>", `when the run's workflow is not in the catalog: ${WORKFLOW}`)
    .action(async (run, options: AnswerOptions) => done(await (await import("./answer.js")).cancelCommand(run, options, settings())));
}

function addMoves(program: Command, settings: () => Settings, done: (exitCode: number) => void): void {
  program
    .command("export")
    .description("write everything on record about a run as JSON Lines, sealed, for another store")
    .argument("<run>", RUN, nonEmpty)
    .option("--out <file>", "a file instead of standard output; it is there as a whole or not at all")
    .option("--force", "with --out: replace a file that is there")
    .addHelpText("after", "\nExample:\n  walkback export 0199f3a1 --out run.jsonl")
    .action(async (run, options: ExportCommandOptions) =>
      done(await (await import("./export.js")).exportCommand(run, options, settings())),
    );
  program
    .command("import")
    .description(
      "take over a run from a file that export wrote; see to it yourself that an unfinished one is not carried on where it came from as well",
    )
    .argument("[file]", "the file; - or nothing for standard input")
    .addHelpText("after", "\nExamples:\n  walkback import run.jsonl\n  walkback export 0199f3a1 | walkback --store other.db import")
    .action(async (file) => done(await (await import("./import.js")).importCommand(file, settings())));
}

function addUpkeep(program: Command, settings: () => Settings, done: (exitCode: number) => void): void {
  program
    .command("verify")
    .description("check that a store, or one run of it, is still what was written, and change nothing; exits 1 when it is not")
    .argument("[run]", RUN, nonEmpty)
    .option("--accept-restored", "the store was restored from a copy on purpose: let its anchor forget what was written since")
    .action(async (run, options) => done(await (await import("./verify.js")).verifyCommand(run, options, settings())));
  program
    .command("prune")
    .description("take away what nobody needs any more of runs that ended long ago; unfinished runs are left alone")
    .requiredOption("--older-than <time>", "how long ago they ended: 12h, 30d or 4w", age)
    .addOption(
      new Option("--keep <what>", "terminal: all but LangGraph's checkpoints before the last; none: nothing of these runs")
        .choices(["terminal", "none"] as const)
        .default("terminal" as const),
    )
    .option("--dry-run", "only say what would go")
    .action(async (options) => done(await (await import("./prune.js")).pruneCommand(options as PruneCommandOptions, settings())));
}

function addRun(program: Command, action: (workflow: string, options: RunOptions) => Promise<void>): void {
  takesRows(program.command("run").description("run a workflow on every row of a file"))
    .option("--concurrency <n>", "runs at one time (default: the configuration's queue.maxConcurrent, or 4)", positive)
    .option("--inject <fault>", "fail:AGENT[:after], slow:AGENT:MS or flaky:AGENT:N; may be repeated", collect)
    .option("--on-failure <agent=mode>", "rollback, skip, cached or ask for this agent; may be repeated", collect)
    .action(action);
}

/** A command for each row of a file. */
function takesRows(command: Command): Command {
  return command
    .argument("<workflow>", WORKFLOW)
    .option("--input <file>", "a .json (one object or an array), .jsonl or .csv file; - for standard input")
    .option("--samples", "the workflow's own samples instead of a file")
    .addOption(new Option("--format <format>", "what the input is, if its name does not say").choices(FORMATS))
    .option("--limit <n>", "only the first n rows", positive)
    .option("--idempotency-key <field>", "a field of the input; a row whose value was run before keeps that run, nothing is done twice")
    .option("--priority <n>", "1 (highest) to 10, when runs have to wait (default: 5)", priority)
    .option("--tenant <name>", "for whom the runs are; tenants take turns", tenantName)
    .option("--deadline <when>", "runs that still wait then are canceled: a time from now like 90s, 10m or 2h, or ISO 8601", deadline);
}

function addQueue(program: Command, settings: () => Settings, done: (exitCode: number) => void): void {
  takesRows(program.command("submit").description("put a run for every row of a file into the queue, and return at once"))
    .addHelpText(
      "after",
      "\nWorked off by:\n  walkback work        a worker, until it is stopped\n  walkback recover     until nobody waits",
    )
    .action(async (workflow, options: SubmitOptions) => {
      const run = { ...options, submit: true, concurrency: SUBMITTED_AT_ONCE };
      done(await (await import("./run.js")).runCommand(workflow, run, settings()));
    });
  program
    .command("work")
    .description("serve the queue until stopped: begin who is next, and carry on what crashed")
    .option("--concurrency <n>", "runs at one time (default: the configuration's queue.maxConcurrent, or 4)", positive)
    .option("--every <seconds>", "how often to look for runs that nobody carries", positive, DEFAULT_RECOVER_EVERY)
    .option("--workflow <path>", "a module with a workflow that is not in the catalog; may be repeated", collect)
    .action(async (options) => done(await (await import("./work.js")).workCommand(options, settings())));
  const queue = program
    .command("queue")
    .description("show who waits: how many by priority and tenant, and for how long")
    .action(async () => done(await (await import("./queue.js")).queueCommand(settings())));
  queue
    .command("pause")
    .description("let nobody begin, in any process, until it is resumed; what runs goes on")
    .action(async () => done(await (await import("./queue.js")).pauseCommand(true, settings())));
  queue
    .command("resume")
    .description("let them begin again")
    .action(async () => done(await (await import("./queue.js")).pauseCommand(false, settings())));
}

function addBreakers(program: Command, settings: () => Settings, done: (exitCode: number) => void): void {
  const breaker = "an agent, or agent/tier; walkback breakers shows them";
  const breakers = program
    .command("breakers")
    .description("show the circuit breakers: which agents are called, which are not, since when and why")
    .option("--history [name]", "their transitions instead, of one or of all, oldest first")
    .action(async (options) => done(await (await import("./breakers.js")).breakersCommand(options, settings())));
  breakers
    .command("reset")
    .description("close a breaker: the agent is called again")
    .argument("<name>", breaker)
    .option("--reason <text>", "why; it goes into the record")
    .action(async (name, options) => done(await (await import("./breakers.js")).resetCommand(name, options, settings())));
  breakers
    .command("trip")
    .description("open a breaker: the agent is not called any more, until it is reset")
    .argument("<name>", breaker)
    .option("--for <time>", "only for so long, like 90s, 10m or 2h; then one call is let through", timeSpan)
    .option("--reason <text>", "why; it goes into the record")
    .action(async (name, options) => done(await (await import("./breakers.js")).tripCommand(name, options, settings())));
}

function addBisect(program: Command, action: (run: string, options: BisectCommandOptions) => Promise<void>): void {
  program
    .command("bisect")
    .description("find the first version of a run that broke something, by binary search; exits 1 when nothing breaks")
    .argument("<run>", RUN, nonEmpty)
    .option("--contract <name>", "must keep its shape and its rules: the newest version of the contract with this name")
    .option("--where <expression>", "must be true: JSONata on the state, like '`credit.risk`.confidence >= 0.7'")
    .option("--script <file>", "must say so: a module whose default export is (state, version) => boolean, or an executable (60 s each)")
    .option("--from <n>", "the first version to look at (default: 0)", versionNumber)
    .option("--to <n>", "the last one, where it is broken (default: the newest)", versionNumber)
    .option("--workflow <workflow>", `with --contract, when the run's workflow is not in the catalog: ${WORKFLOW}`)
    .action(action);
}

function addReplay(program: Command, action: (run: string, options: ReplayCommandOptions) => Promise<void>): void {
  program
    .command("replay")
    .description("work a run again from its record, without doing anything; exits 1 when something differs")
    .argument("<run>", RUN, nonEmpty)
    .option("--from <n>", "the last version to take as recorded (default: 0, the input)", versionNumber)
    .option(
      "--agent <name=file>",
      "a module whose default export works in the agent's place: execute or an agent; may be repeated",
      collect,
    )
    .option("--workflow <workflow>", `when the run's workflow is not in the catalog: ${WORKFLOW}`)
    .action(action);
}

function addFork(program: Command, action: (run: string, options: ForkCommandOptions) => Promise<void>): void {
  program
    .command("fork")
    .description("begin a run with the history of another one up to a version, and carry it on from there")
    .argument("<run>", RUN, nonEmpty)
    .requiredOption("--from <n>", "the number of the last version that both share", versionNumber)
    .option("--set <json>", "changes that version's data: a JSON Merge Patch (RFC 7396), or @file with one")
    .option("--workflow <workflow>", `when the run's workflow is not in the catalog: ${WORKFLOW}`)
    .action(action);
}

function addResume(program: Command, action: (run: string, options: ResumeOptions) => Promise<void>): void {
  program
    .command("resume")
    .description("answer a waiting or parked run and carry it on")
    .argument("<run>", RUN, nonEmpty)
    .requiredOption("--decision <decision>", "one of those that the question allows; walkback inbox shows them")
    .option("--reason <text>", "why; needed to skip or reject")
    .option("--output <json>", "with use: the output to go on with, as JSON or @file")
    .option("--question <id>", "which question, when several are open")
    .option("--workflow <workflow>", `when the run's workflow is not in the catalog: ${WORKFLOW}`)
    .action(action);
}

function positive(text: string): number {
  const number = Number(text);
  if (Number.isSafeInteger(number) && number > 0) return number;
  throw new InvalidArgumentError("It must be a whole number above 0.");
}

function priority(text: string): number {
  const number = Number(text);
  if (Number.isInteger(number) && number >= 1 && number <= LOWEST_PRIORITY) return number;
  throw new InvalidArgumentError(`It must be a whole number from 1 (highest) to ${LOWEST_PRIORITY}.`);
}

function tenantName(text: string): string {
  if (text.trim() !== "") return text;
  throw new InvalidArgumentError("Say for whom the runs are, or leave the option out.");
}

function deadline(text: string): string {
  const ms = parseDuration(text);
  const at = new Date(ms === undefined ? text : Date.now() + ms);
  if (!Number.isNaN(at.getTime()) && (ms !== undefined || /^\d{4}-/.test(text))) return at.toISOString();
  throw new InvalidArgumentError("It must be a time from now like 90s, 10m, 2h or 3d, or one like 2026-11-21T18:00:00Z.");
}

function versionNumber(text: string): number {
  if (/^v?\d{1,15}$/.test(text)) return Number(text.replace("v", ""));
  throw new InvalidArgumentError("It must be the number of a version, like 3 or v3; walkback inspect shows them.");
}

/** Without minutes: 6m may well be meant as months, and what is pruned is gone. */
function age(text: string): number {
  const ms = /[hdw]$/.test(text) ? parseDuration(text) : undefined;
  if (ms !== undefined) return ms;
  throw new InvalidArgumentError("It must be a time like 12h, 30d or 4w.");
}

function timeSpan(text: string): number {
  const ms = parseDuration(text);
  if (ms !== undefined) return ms;
  throw new InvalidArgumentError("It must be a time like 90s, 10m, 12h, 30d or 4w.");
}

function nonEmpty(text: string): string {
  if (text.trim() !== "") return text;
  throw new InvalidArgumentError("Say which run; walkback list shows them.");
}

function collect(text: string, before: readonly string[] = []): readonly string[] {
  return [...before, text];
}
