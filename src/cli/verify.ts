import { statSync } from "node:fs";
import type { StoreProblem, Verification } from "../checkpoint/ports.js";
import { acceptRestored, runIdsIn, verifySqliteStore } from "../checkpoint/sqlite/verify-file.js";
import type { RunId } from "../contracts/ids.js";
import { existingStore, pickRunId } from "./house.js";
import { paint } from "./paint.js";
import { print } from "./print.js";
import { EXIT, misused } from "./problem.js";
import { followProgress } from "./progress.js";
import { commandLine, type Settings } from "./settings.js";

export interface VerifyCommandOptions {
  /** The store was restored from a copy on purpose. */
  readonly acceptRestored?: boolean;
}

/** Like a test that fails: the command did its work, and what it looked at does not hold. */
const EXIT_DOES_NOT_HOLD = 1;

/** Checks a store, or one run of it, without changing anything; with `--accept-restored` the anchor afterwards. */
export async function verifyCommand(
  wanted: string | undefined,
  { acceptRestored: accepts = false }: VerifyCommandOptions,
  settings: Settings,
): Promise<number> {
  if (accepts && wanted !== undefined) throw misused("--accept-restored", "A store is accepted as a whole. Leave the run out.");
  if (settings.store === ":memory:") throw misused("--store", "A store in memory ends with its command. Name a file with --store FILE.");
  const file = existingStore(settings);
  if (statSync(file).isDirectory()) throw misused("--store", `${file} is a folder. Name the file of the store.`);
  const runId = wanted === undefined ? undefined : pickRunId(runIdsIn(file), wanted);
  const verification = await verified(file, runId, settings);
  if (accepts) return accept(file, verification, settings);
  print(settings.json ? JSON.stringify(verification) : verificationText(verification, settings));
  return verification.problems.length === 0 ? EXIT.fine : EXIT_DOES_NOT_HOLD;
}

async function verified(file: string, runId: RunId | undefined, settings: Settings): Promise<Verification> {
  using progress = followProgress(settings);
  return await verifySqliteStore(file, { runId, onProgress: progress.tell });
}

function accept(file: string, verification: Verification, settings: Settings): number {
  const others = verification.problems.filter(({ where }) => where !== "anchor");
  if (others.length > 0 || verification.olderSchema !== undefined) {
    const why = others.length > 0 ? "Nothing was accepted: this is wrong besides its anchor." : "Nothing was accepted.";
    print(settings.json ? JSON.stringify(verification) : `${verificationText(verification, settings)}\n${why}`);
    return EXIT_DOES_NOT_HOLD;
  }
  const { before, now } = acceptRestored(file);
  if (settings.json) print(JSON.stringify({ accepted: now.commit, anchored: before?.commit ?? null }));
  else print(`Accepted the store as it stands, at commit ${now.commit}. ${givenUp(before, now)}`);
  return EXIT.fine;
}

function givenUp(before: ReturnType<typeof acceptRestored>["before"], now: ReturnType<typeof acceptRestored>["now"]): string {
  if (before === undefined) return "There was no anchor: whether anything written later is lost cannot be told any more.";
  if (before.store === now.store && before.commit === now.commit && before.digest === now.digest) return "Its anchor said the same.";
  return [
    before.store === now.store
      ? `Its anchor had seen commit ${before.commit}: what was written after the copy was made is given up.`
      : "Its anchor was that of another store, which is given up.",
    "Runs that are carried on from here may do again outside what this store does not know of.",
  ].join("\n");
}

/** What was looked at, and everything that is wrong. */
export function verificationText({ problems, checked, anchor, olderSchema }: Verification, settings: Settings): string {
  const { runs, versions, journal, events, checkpoints, contents } = checked;
  const counts = [
    `${runs} runs`,
    `${versions} versions`,
    `${journal} journal entries`,
    `${events} events`,
    `${checkpoints} checkpoints`,
    `${contents} contents`,
  ];
  const looked =
    olderSchema === undefined
      ? `Looked at ${counts.join(", ")}; ${ANCHOR[anchor]}.`
      : `The store is of an older release (schema ${olderSchema}). Only the structure of its file was looked at; opening it for work upgrades it, verify it then.`;
  if (problems.length === 0) return `${looked}\n${paint.green("Everything holds.")}`;
  const onlyAnchor = problems.every(({ where }) => where === "anchor");
  const restored = onlyAnchor && (anchor === "ahead" || anchor === "missing") ? [paint.dim(acceptHint(settings))] : [];
  const count = problems.length === 1 ? "1 problem" : `${problems.length} problems`;
  return [looked, ...problems.map(problemText), paint.red(count), ...restored].join("\n");
}

const ANCHOR: Readonly<Record<Verification["anchor"], string>> = {
  holds: "its end is the one that its anchor has seen",
  ahead: "its end is not the one that its anchor has seen",
  missing: "it has no anchor",
  none: "its end was not compared with an anchor",
};

function problemText({ where, runId, version, agent, message }: StoreProblem): string {
  const of = runId === undefined ? "" : ` of run ${runId}`;
  const by = agent === undefined ? "" : ` (by ${agent})`;
  const head = version === undefined ? where : `v${version}`;
  return `${paint.red(paint.bold(head))}${of}${by}: ${message}`;
}

function acceptHint(settings: Settings): string {
  return `If the store was restored from a copy on purpose: ${commandLine(settings, "verify", "--accept-restored")}`;
}
