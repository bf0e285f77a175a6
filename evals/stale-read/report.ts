import type { WalkbackFindings } from "./evaluation.js";
import type { Findings } from "./findings.js";
import type { Sensitivity, Variation } from "./sensitivity.js";
import type { CacheKind, Settings } from "./settings.js";

/** Both sides on the same submissions. */
export interface Comparison {
  readonly settings: Settings;
  /** Submissions that correct an earlier one. */
  readonly corrections: number;
  readonly sharedRecords: Findings;
  readonly walkback: WalkbackFindings;
}

const CACHE_WORDS: Readonly<Record<CacheKind, string>> = {
  ttl: "a cache that is not invalidated",
  invalidated: "a cache, invalidated on writes",
  none: "no cache",
};

/** The comparison and what drives it, as text for a terminal. */
export function reportOf(comparison: Comparison, sensitivity: Sensitivity): string {
  return [
    headline(comparison),
    sides(comparison),
    whereItWentWrong(comparison),
    versionLog(comparison),
    drivers(sensitivity, comparison),
  ].join("\n\n");
}

/** `57 of 240` as a share of a whole: `23.8 %`. */
export function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}

/** The settings in words, for whoever sees the figures alone. */
export function settingsInWords({ cache, ttlMs, concurrency, seed }: Settings): string {
  const lifetime = cache === "none" ? "" : `, entries ${ttlMs / 1_000} s old at most`;
  return `${CACHE_WORDS[cache]}${lifetime}; ${concurrency} at a time; seed ${seed}`;
}

function headline({ settings, corrections, walkback: { decisions } }: Comparison): string {
  return `${decisions} submissions, ${corrections} of them corrections of an earlier one; ${settingsInWords(settings)}`;
}

function sides({ sharedRecords, walkback }: Comparison): string {
  const row = (title: string, count: (side: Findings) => number) => [title, counted(count, sharedRecords), counted(count, walkback)];
  return table([
    ["", "shared records", "Walkback"],
    row("wrong risk rating", ({ wrongRating }) => wrongRating),
    row("  another grade", ({ wrongGrade }) => wrongGrade),
    row("wrong outcome", ({ wrongOutcome }) => wrongOutcome),
    row("  approved wrongly", ({ approvedWrongly }) => approvedWrongly),
    row("right outcome, wrong limit", ({ wrongLimit }) => wrongLimit),
  ]);
}

function counted(count: (side: Findings) => number, side: Findings): string {
  return `${count(side)} of ${side.decisions}  ${percent(count(side) / side.decisions).padStart(6)}`;
}

function whereItWentWrong({ sharedRecords, walkback }: Comparison): string {
  const lines = (title: string, { strayed, example }: Findings) => {
    const all = strayed.reduce((sum, { decisions }) => sum + decisions, 0);
    const rows = strayed.map(({ handoff, decisions }) => `  ${String(decisions).padStart(4)}  ${handoff}`);
    const head =
      all === 0 ? `${title}: nothing went wrong.` : `${title}: where the ${all} decisions that differ in anything first went wrong`;
    return [head, ...rows, ...(example === undefined ? [] : [`  ${example}`])].join("\n");
  };
  return [lines("Shared records", sharedRecords), lines("Walkback", walkback)].join("\n");
}

function versionLog({ walkback: { lineage, decisions } }: Comparison): string {
  return [
    "Walkback's version log, run by run",
    `  ${lineage.ownParents} of ${decisions}  risk and decision were made from versions of their own run: input, score and income; risk and fraud`,
    `  ${lineage.follows} of ${decisions}  called again on the data of those parents, both agents answer the same`,
  ].join("\n");
}

function drivers({ caches, corrections, ttl, seeds }: Sensitivity, { settings }: Comparison): string {
  const columns = caches[0]?.byConcurrency.map(({ changed }) => `${changed} at a time`) ?? [];
  const shares = (variations: readonly Variation[]) => variations.map(({ share }) => percent(share));
  const list = (variations: readonly Variation[]) => variations.map(({ changed, share }) => `${changed}: ${percent(share)}`).join(", ");
  const rows = caches.map(({ cache, byConcurrency }) => [CACHE_WORDS[cache], ...shares(byConcurrency)]);
  return [
    "What drives the wrong ratings over shared records",
    table([["", ...columns], ...rows]),
    `  corrections among the submissions   ${list(corrections)}`,
    `  age at which a cache entry expires  ${list(ttl)}`,
    `  seeds 1 to 10                       ${percent(seeds.lowest)} to ${percent(seeds.highest)}, ${percent(seeds.mean)} on average (seed ${settings.seed} above)`,
  ].join("\n");
}

/** Aligned columns, the first to the left and the others to the right. */
function table(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  const cell = (text: string, column: number) => (column === 0 ? text.padEnd(widths[column] ?? 0) : text.padStart(widths[column] ?? 0));
  return rows.map((row) => `  ${row.map(cell).join("   ")}`.trimEnd()).join("\n");
}
