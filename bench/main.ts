import { mkdirSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Command, InvalidArgumentError } from "commander";
import { type Benchmark, type Effort, FULL, holds, QUICK } from "./benchmark.js";
import { lookAround } from "./environment.js";
import { eventLoop } from "./event-loop.js";
import { graphConcurrent, graphSequential } from "./graph.js";
import { growth } from "./growth.js";
import { history } from "./history.js";
import { limit } from "./limit.js";
import { limits } from "./limits.js";
import { profiler } from "./profile.js";
import { saverConcurrent, saverSequential } from "./saver.js";
import { type Finding, profileTable, type Results, resultsTable } from "./table.js";

const ALL: readonly Benchmark[] = [
  graphConcurrent,
  graphSequential,
  saverConcurrent,
  saverSequential,
  growth,
  history,
  eventLoop,
  limit,
  limits,
];
const RESULTS = fileURLToPath(new URL("results/", import.meta.url));
const TOP = 10;

interface Options {
  readonly only?: readonly Benchmark[];
  readonly profile?: Benchmark;
  readonly quick?: boolean;
  readonly json?: boolean;
}

const program = new Command("bench")
  .description("How fast and how large Walkback is, always as a ratio to a named peer measured in the same process.")
  .option("--only <name>", "measure this one alone, or all whose name begins like this; may be repeated", chosen)
  .option("--quick", "few repeats: enough to see that it works, too few to be quoted")
  .option("--json", "one JSON object instead of tables")
  .option("--profile <name>", "no figures: a CPU profile of our side of one benchmark, and where the time went", (name) => chosen(name)[0])
  .addHelpText("after", () => ["", "Benchmarks:", ...ALL.map(({ name, description }) => `  ${name.padEnd(18)}${description}`)].join("\n"))
  .addHelpText("after", "\nExit codes: 0 all targets hold (or --quick), 1 one was missed, 2 wrong arguments.")
  .addHelpText("after", "WALKBACK_BENCH_DIR names the folder on the disk to measure (default: the temp folder).")
  .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2))
  .parse();

const options = program.opts<Options>();
const effort: Effort = options.quick ? QUICK : FULL;
if (options.profile) await profile(options.profile, options);
else process.exitCode = await measure(options.only ?? ALL, options);

async function measure(benchmarks: readonly Benchmark[], { json = false }: Options): Promise<number> {
  const environment = await lookAround();
  const findings: Finding[] = [];
  for (const benchmark of benchmarks) {
    const { name, description } = benchmark;
    const figures = await benchmark.measure(effort, (text) => tell(`${name}: ${text}`));
    findings.push({ name, description, settings: benchmark.settings(effort), figures });
  }
  const results: Results = { quick: effort.quick, environment, findings };
  const file = fileOf(benchmarks);
  mkdirSync(RESULTS, { recursive: true });
  writeFileSync(file, `${JSON.stringify(results, null, 2)}\n`);
  tell(`written to ${file}`);
  process.stdout.write(json ? `${JSON.stringify(results)}\n` : `${resultsTable(results)}\n`);
  const missed = findings.some(({ figures }) => !figures.every(holds));
  return missed && !effort.quick ? 1 : 0;
}

async function profile(benchmark: Benchmark, { json = false }: Options): Promise<void> {
  tell(`${benchmark.name}: ${benchmark.settings(effort)}`);
  const { meter, taken } = profiler();
  await benchmark.profile(effort, meter);
  process.stdout.write(json ? `${JSON.stringify(taken())}\n` : `${profileTable(benchmark.name, taken(), TOP)}\n`);
}

/** Only a whole and unhurried run is `latest.json`. */
function fileOf(benchmarks: readonly Benchmark[]): string {
  const what = benchmarks === ALL ? "latest" : benchmarks.map(({ name }) => name).join("+");
  return `${RESULTS}${what}${effort.quick ? "-quick" : ""}.json`;
}

function chosen(name: string, before: readonly Benchmark[] = []): readonly Benchmark[] {
  const found = ALL.filter((benchmark) => benchmark.name.startsWith(name));
  if (found.length === 0) throw new InvalidArgumentError(`There is none. Known: ${ALL.map((benchmark) => benchmark.name).join(", ")}.`);
  return [...before, ...found.filter((benchmark) => !before.includes(benchmark))];
}

function tell(text: string): void {
  process.stderr.write(`${text}\n`);
}
