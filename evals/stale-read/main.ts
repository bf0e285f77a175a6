import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { isDeepStrictEqual } from "node:util";
import { Command, InvalidArgumentError, Option } from "commander";
import { type Applicants, applicantsFrom } from "./applicants.js";
import { chartOf } from "./chart.js";
import { isKept, judgeSharedRecords, judgeWalkback } from "./evaluation.js";
import { type Comparison, reportOf } from "./report.js";
import { sensitivityOf } from "./sensitivity.js";
import { CACHES, DEFAULTS, type Settings } from "./settings.js";
import { submissionsOf } from "./submissions.js";

const README_CHART = fileURLToPath(new URL("../../docs/stale-read.svg", import.meta.url));

interface Options extends Settings {
  readonly data?: string;
  readonly json?: boolean;
  readonly chart?: string;
  readonly boltOnCache?: boolean;
}

const program = new Command("eval:stale-read")
  .description("The same credit agents over shared, cached records and on Walkback: how many decisions have a wrong risk rating?")
  .option("--seed <n>", "names the applications, the corrections and all delays", wholeFrom(0), DEFAULTS.seed)
  .option("--submissions <n>", "how many are decided", wholeFrom(1), DEFAULTS.submissions)
  .option("--corrections <share>", "how many of them correct an earlier one, 0 to 0.9", share, DEFAULTS.corrections)
  .option("--within <n>", "a correction comes at most this many submissions later", wholeFrom(1), DEFAULTS.within)
  .option("--concurrency <n>", "how many are decided at one time", wholeFrom(1), DEFAULTS.concurrency)
  .addOption(new Option("--cache <kind>", "the cache in front of the shared records").choices(CACHES).default(DEFAULTS.cache))
  .option("--ttl-ms <n>", "how old an entry of the cache may get", wholeFrom(0), DEFAULTS.ttlMs)
  .option("--data <file>", "a CSV of applications in the form the workflow reads, instead of made-up ones")
  .option("--json", "one JSON object instead of tables")
  .option("--chart <file>", "where the chart goes (default: docs/stale-read.svg when no setting is changed)")
  .option("--bolt-on-cache", "let Walkback's assess-risk read the score from the cache, and see the evaluation fail")
  .addHelpText("after", "\nExit codes: 0 Walkback was never wrong, 1 it was, 2 wrong input.")
  .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2))
  .parse();

process.exitCode = await evaluate(program.opts<Options>());

async function evaluate({ data, json = false, chart, boltOnCache = false, ...settings }: Options): Promise<number> {
  const applicants = readApplicants(data);
  const submissions = submissionsOf(applicants(settings.seed), settings);
  const comparison: Comparison = {
    settings,
    corrections: submissions.filter(({ corrects }) => corrects !== undefined).length,
    sharedRecords: await judgeSharedRecords(submissions, settings),
    walkback: await judgeWalkback(submissions, settings, { cheat: boltOnCache }),
  };
  const sensitivity = await sensitivityOf(applicants, settings);
  const kept = isKept(comparison.walkback);

  const unchanged = isDeepStrictEqual(settings, DEFAULTS) && data === undefined && !boltOnCache;
  const chartFile = chart ?? (unchanged ? README_CHART : undefined);
  if (chartFile !== undefined) writeFileSync(chartFile, chartOf(comparison));
  process.stdout.write(json ? `${JSON.stringify({ ...comparison, sensitivity, kept })}\n` : `${reportOf(comparison, sensitivity)}\n`);
  return kept ? 0 : 1;
}

function readApplicants(file: string | undefined): Applicants {
  try {
    return applicantsFrom(file);
  } catch (thrown) {
    process.stderr.write(`error: ${thrown instanceof Error ? thrown.message : thrown}\n`);
    return process.exit(2);
  }
}

function wholeFrom(least: number) {
  return (text: string): number => {
    if (!/^\d{1,9}$/.test(text) || Number(text) < least) throw new InvalidArgumentError(`It must be a whole number of at least ${least}.`);
    return Number(text);
  };
}

function share(text: string): number {
  const value = text.trim() === "" ? Number.NaN : Number(text);
  if (!(value >= 0 && value <= 0.9)) throw new InvalidArgumentError("It must be a share from 0 to 0.9.");
  return value;
}
