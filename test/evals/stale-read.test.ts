import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { applicantsFrom } from "../../evals/stale-read/applicants.js";
import { chartOf } from "../../evals/stale-read/chart.js";
import { pacedClock } from "../../evals/stale-read/clock.js";
import { isKept, judgeSharedRecords, judgeWalkback } from "../../evals/stale-read/evaluation.js";
import { DEFAULTS, type Settings } from "../../evals/stale-read/settings.js";
import { submissionsOf } from "../../evals/stale-read/submissions.js";

const CHART = fileURLToPath(new URL("../../docs/stale-read.svg", import.meta.url));
const GERMAN_CREDIT = fileURLToPath(new URL("../../../shared/data/german-credit/heldout_300_features_only.csv", import.meta.url));

/** No entry of the cache expires, however slow the machine is. */
const HOUR_MS = 3_600_000;

/** A short queue; give what differs. */
function aQueue(differences: Partial<Settings> = {}, data?: string) {
  const settings = { ...DEFAULTS, submissions: 40, within: 20, ...differences };
  return { settings, submissions: submissionsOf(applicantsFrom(data)(settings.seed), settings) };
}

test("over shared records behind a cache, agents rate risks by the score of an earlier submission", async () => {
  const { submissions, settings } = aQueue();

  const findings = await judgeSharedRecords(submissions, settings);

  expect(findings.wrongRating).toBeGreaterThan(0);
  expect(findings.wrongOutcome).toBeGreaterThan(0);
  expect(findings.strayed[0]?.handoff).toBe("assess-risk was given the score of an earlier submission");
});

test("the same seed goes wrong in the same places", async () => {
  const first = aQueue();
  const again = aQueue();

  const findings = await judgeSharedRecords(first.submissions, first.settings);

  expect(again.submissions).toEqual(first.submissions);
  expect(await judgeSharedRecords(again.submissions, again.settings)).toEqual(findings);
});

test("on real timers it goes wrong as well", async () => {
  const { submissions, settings } = aQueue({ ttlMs: HOUR_MS });

  const findings = await judgeSharedRecords(submissions, settings, pacedClock(50));

  expect(findings.wrongRating).toBeGreaterThan(0);
});

test("without corrections nothing goes wrong, and without a cache only what overlaps does", async () => {
  const uncorrected = aQueue({ corrections: 0, concurrency: 16 });
  const oneByOne = aQueue({ cache: "none", concurrency: 1 });
  const overlapping = aQueue({ cache: "none", concurrency: 16 });

  expect(await judgeSharedRecords(uncorrected.submissions, uncorrected.settings)).toMatchObject({ wrongRating: 0, strayed: [] });
  expect(await judgeSharedRecords(oneByOne.submissions, oneByOne.settings)).toMatchObject({ wrongRating: 0, strayed: [] });
  expect((await judgeSharedRecords(overlapping.submissions, overlapping.settings)).wrongRating).toBeGreaterThan(0);
});

test("on Walkback nothing goes wrong, and every run's version log shows why", async () => {
  const { submissions, settings } = aQueue();

  const findings = await judgeWalkback(submissions, settings);

  expect(findings).toMatchObject({ decisions: 40, wrongRating: 0, wrongOutcome: 0, wrongLimit: 0, strayed: [] });
  expect(findings.lineage).toEqual({ ownParents: 40, follows: 40 });
  expect(isKept(findings)).toBe(true);
});

test("an agent that reads past Walkback from the cache is found out, by its ratings and by the version log", async () => {
  const { submissions, settings } = aQueue({ ttlMs: HOUR_MS });

  const findings = await judgeWalkback(submissions, settings, { cheat: true });

  expect(findings.wrongRating).toBeGreaterThan(0);
  expect(findings.lineage.ownParents).toBe(40); // what it was handed was right
  expect(findings.lineage.follows).toBeLessThan(40); // what it answered does not follow from it
  expect(isKept(findings)).toBe(false);
});

test("the chart in docs shows what `npm run eval:stale-read` finds today", async () => {
  const { submissions, settings } = aQueue(DEFAULTS);
  const corrections = submissions.filter(({ corrects }) => corrects !== undefined).length;

  const sharedRecords = await judgeSharedRecords(submissions, settings);

  const chart = chartOf({ settings, corrections, sharedRecords, walkback: { wrongRating: 0, decisions: submissions.length } });
  expect(readFileSync(CHART, "utf8")).toBe(chart);
});

test.skipIf(!existsSync(GERMAN_CREDIT))("real applications go wrong in the same way", async () => {
  const { submissions, settings } = aQueue({}, GERMAN_CREDIT);

  const findings = await judgeSharedRecords(submissions, settings);

  expect(submissions[0]?.application.id).toBe("4");
  expect(findings.wrongRating).toBeGreaterThan(0);
});
