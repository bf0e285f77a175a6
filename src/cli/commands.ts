import { type Command, InvalidArgumentError, Option } from "commander";
import type { RunStatus } from "../contracts/run.js";
import type { AnswerOptions, ResumeOptions } from "./answer.js";
import type { BisectCommandOptions } from "./bisect.js";
import type { ForkCommandOptions } from "./fork.js";
import { FORMATS } from "./read-input.js";
import type { ReplayCommandOptions } from "./replay.js";
import type { RunOptions } from "./run.js";
import type { Settings } from "./settings.js";

/** Below the five failures in a row that open a breaker, so that a single fault in each run does not look like an outage. */
const DEFAULT_CONCURRENCY = 4;
const DEFAULT_RECOVER_EVERY = 5;
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
  program
    .command("list")
    .description("list runs, newest first")
    .addOption(new Option("--status <status>", "only these").choices(STATUSES))
    .option("--workflow <name>", "only of this workflow")
    .option("--limit <n>", "at most so many", positive, 50)
    .action(async (options) => done(await (await import("./list.js")).listCommand(options, settings())));
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
    .command("inbox")
    .description("show the runs that wait for a human, and how to answer")
    .action(async () => done(await (await import("./inbox.js")).inboxCommand(settings())));
  addResume(program, async (run, options) => done(await (await import("./answer.js")).resumeCommand(run, options, settings())));
  program
    .command("recover")
    .description("carry on the runs that nobody carries: crashed, stopped, or answered meanwhile")
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

function addRun(program: Command, action: (workflow: string, options: RunOptions) => Promise<void>): void {
  program
    .command("run")
    .description("run a workflow on every row of a file")
    .argument("<workflow>", WORKFLOW)
    .option("--input <file>", "a .json (one object or an array), .jsonl or .csv file; - for standard input")
    .option("--samples", "the workflow's own samples instead of a file")
    .addOption(new Option("--format <format>", "what the input is, if its name does not say").choices(FORMATS))
    .option("--limit <n>", "only the first n rows", positive)
    .option("--concurrency <n>", "runs at one time", positive, DEFAULT_CONCURRENCY)
    .option("--idempotency-key <field>", "a field of the input; a row whose value was run before keeps that run, nothing is done twice")
    .option("--inject <fault>", "fail:AGENT[:after], slow:AGENT:MS or flaky:AGENT:N; may be repeated", collect)
    .option("--on-failure <agent=mode>", "rollback, skip, cached or ask for this agent; may be repeated", collect)
    .action(action);
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

function versionNumber(text: string): number {
  if (/^v?\d{1,15}$/.test(text)) return Number(text.replace("v", ""));
  throw new InvalidArgumentError("It must be the number of a version, like 3 or v3; walkback inspect shows them.");
}

function nonEmpty(text: string): string {
  if (text.trim() !== "") return text;
  throw new InvalidArgumentError("Say which run; walkback list shows them.");
}

function collect(text: string, before: readonly string[] = []): readonly string[] {
  return [...before, text];
}
