import { createRequire } from "node:module";
import { Command } from "commander";
import type { WalkbackConfig } from "../config/schema.js";
import { addCommands } from "./commands.js";
import { misused, reportProblem } from "./problem.js";
import { type GlobalOptions, settingsOf } from "./settings.js";

/** Runs the command line and returns the exit code. */
export async function runProgram(words: readonly string[]): Promise<number> {
  let exitCode = 0;
  const json = words.includes("--json");
  const program = buildProgram(json, (code) => {
    exitCode = code;
  });
  try {
    await program.parseAsync(words, { from: "user" });
    return exitCode;
  } catch (thrown) {
    return reportProblem(thrown, { json });
  }
}

const EXAMPLES = `
Examples:
  walkback                                                      decide the sample applications
  walkback run credit-decision --input applications.csv         decide a file, as a table
  walkback run credit-decision --input - --json < one.json      decide from a pipe, as JSON lines
  walkback run credit-decision --samples --inject fail:decide-credit
  walkback inspect 0199f3a1 --data                              everything on record about a run
  walkback diff 0199f3a1 3 7                                    how the state changed between two versions
  walkback bisect 0199f3a1 --contract credit.risk               which version broke it
  walkback replay 0199f3a1                                      would it do the same again?
  walkback fork 0199f3a1 --from 3 --set '{"confidence":0.9}'    what if it had gone another way?
  walkback export 0199f3a1 --out run.jsonl                      a run as a file; walkback import takes it over elsewhere
  walkback stats --since 7d                                     how well, how fast and how dear it was
  walkback breakers                                             which agents are not called at the moment, and why
  walkback inbox                                                what waits for a human
  walkback verify                                               is all of it still what was written?
  walkback prune --older-than 30d --dry-run                     what need not be kept of runs that ended long ago

Exit codes:
  0    fine; a run that waits for an answer counts as fine
  1    a run failed: it was rolled back, canceled or parked, or a row was rejected; bisect: nothing breaks; replay: something differs; verify: something
       does not hold
  2    wrong input: nothing could be run, or there is no such run, version, store, breaker or workflow
  130  stopped by Ctrl-C; 143 by SIGTERM`;

function buildProgram(json: boolean, done: (exitCode: number) => void): Command {
  const { version } = createRequire(import.meta.url)("../../package.json") as { readonly version: string };
  const program = new Command("walkback")
    .description(
      "Runs multi-agent workflows that walk back what they did when something fails.\nWithout a command it decides the sample applications.",
    )
    .usage("[options] [command]")
    .version(version)
    .option("--store <file>", "where runs are remembered (default: WALKBACK_STORE, the configuration's, or .walkback/store.db)")
    .option(
      "--data-dir <folder>",
      "where the other side of the workflows keeps its files (default: the configuration's, or beside the store)",
    )
    .option(
      "--config <file>",
      "what runs may consume, and where they are kept (default: walkback.config.ts of this folder, if there is one)",
    )
    .option("--json", "JSON lines instead of tables and trees")
    .argument("[command]")
    .configureHelp({
      showGlobalOptions: true,
      visibleArguments: ({ registeredArguments }) => registeredArguments.filter((each) => each.description),
    })
    .configureOutput({ writeErr: (text) => void (json || process.stderr.write(text)) })
    .exitOverride()
    .addHelpText("after", EXAMPLES);
  let configured: WalkbackConfig = {};
  program.hook("preAction", async () => {
    configured = await (await import("../config/load.js")).loadConfig({ file: program.opts<GlobalOptions>().config });
  });
  const settings = () => settingsOf(program.opts<GlobalOptions>(), configured);
  addCommands(program, settings, done);
  return program.action(async (unknown: string | undefined) => {
    if (unknown !== undefined) throw unknownCommand(unknown, program);
    done(await (await import("./samples.js")).samplesCommand(settings()));
  });
}

function unknownCommand(name: string, { commands }: Command): Error {
  const known = commands.map((command) => command.name()).join(", ");
  return misused("command", `There is no command "${name}". Known: ${known}; see walkback --help.`);
}
