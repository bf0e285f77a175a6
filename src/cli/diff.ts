import { pointerOf } from "../contracts/failure.js";
import type { JsonValue } from "../contracts/json-value.js";
import type { VersionHead } from "../contracts/run.js";
import type { Change, ContractDiff, VersionDiff } from "../history/diff.js";
import { findRunId, openRecords } from "./house.js";
import { paint } from "./paint.js";
import { print } from "./print.js";
import { EXIT } from "./problem.js";
import type { Settings } from "./settings.js";

/** Shows how a run's state as of one version differs from its state as of another. */
export async function diffCommand(run: string, from: number, to: number, settings: Settings): Promise<number> {
  await using records = openRecords(settings);
  const diff = await records.diff(await findRunId(records, run), from, to);
  print(settings.json ? JSON.stringify(diff.patch) : diffText(diff));
  return EXIT.fine;
}

/** A difference for people: each contract with the versions it came from, then each value with its old and its new self. */
export function diffText({ runId, from, to, contracts }: VersionDiff): string {
  const head = `${paint.bold(`Run ${runId}`)}  v${from} → v${to}`;
  if (contracts.length === 0) return `${head}\nNo contract has another version.`;
  return [head, ...contracts.map((contract) => `\n${contractText(contract)}`)].join("\n");
}

function contractText({ contract, before, after, changes }: ContractDiff): string {
  const lines = changes.flatMap(expanded);
  const width = Math.min(40, Math.max(0, ...lines.map(({ path }) => path.length)));
  return [
    `${paint.bold(contract)}  ${paint.dim(versionsText(before, after))}`,
    ...(lines.length === 0 ? ["  says the same"] : lines.map((change) => `  ${changeText(change, width)}`)),
  ].join("\n");
}

function versionsText(before: VersionHead | undefined, after: VersionHead | undefined): string {
  if (!before || !after) return before ? `not yet there; ${versionText(before)}` : `new: ${after ? versionText(after) : ""}`;
  return `${versionText(before)} → ${versionText(after)}`;
}

function versionText({ number, agent, contract }: VersionHead): string {
  return `v${number} by ${agent} (${contract.slice(contract.lastIndexOf("@"))})`;
}

/** A document that is there as a whole, or not at all, is told by its fields. */
function expanded(change: Change): Change[] {
  const [side, document] = "after" in change ? (["after", change.after] as const) : (["before", change.before] as const);
  if (change.path !== "" || ("before" in change && "after" in change) || !isFields(document)) return [change];
  return Object.entries(document).map(([field, value]) => ({ path: pointerOf([field]), [side]: value }));
}

function isFields(document: JsonValue | undefined): document is { readonly [key: string]: JsonValue } {
  return typeof document === "object" && document !== null && !Array.isArray(document) && Object.keys(document).length > 0;
}

function changeText({ path, before, after }: Change, width: number): string {
  const where = path.padEnd(width);
  if (before === undefined) return paint.green(`+ ${where}  ${valueText(after)}`);
  if (after === undefined) return paint.red(`- ${where}  ${valueText(before)}`);
  return `${paint.yellow(`~ ${where}`)}  ${paint.red(valueText(before))} → ${paint.green(valueText(after))}`;
}

const LONGEST_VALUE = 72;

function valueText(value: JsonValue | undefined): string {
  const text = JSON.stringify(value);
  return text.length > LONGEST_VALUE ? `${text.slice(0, LONGEST_VALUE - 1)}…` : text;
}
