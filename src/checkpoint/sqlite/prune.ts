import { performance } from "node:perf_hooks";
import { setTimeout } from "node:timers/promises";
import { PruneInvalid } from "../../contracts/failure.js";
import type { RunId } from "../../contracts/ids.js";
import type { Pruned, PruneOptions, StoreProgress } from "../ports.js";
import { patiently } from "./busy.js";
import { garbageIn, sizeOfContents } from "./garbage.js";
import { type Ground, groundOf } from "./ground.js";
import { refuseCutOff } from "./heads.js";
import { pacer } from "./pacer.js";
import { type Ended, type Keep, Removal } from "./removal.js";
import { whileDeletable } from "./schema.js";
import { stillOf } from "./snapshot.js";
import { damaged } from "./sums.js";
import { problemsOf, stillAnchor } from "./verify.js";

/** How long a transaction of ours may hold up other writers, and how long they then have the file to themselves. */
const BATCH_MS = 25;
const CHUNK = 200;

type Tally = { -readonly [Name in keyof Pruned]: Pruned[Name] };

/**
 * Takes rows away in short transactions, each of which leaves a store that holds: first those of the runs, then the contents
 * that nobody refers to any more. Whoever else works on the file goes on in between.
 */
export async function pruneStore(ground: Ground, options: PruneOptions): Promise<Pruned> {
  const keep = options.keep ?? "terminal";
  const before = momentOf(options, keep);
  const report = reporter(options.onProgress);
  refuseCutOff(ground);
  const tally: Tally = { runs: 0, checkpoints: 0, writes: 0, contents: 0, bytes: 0 };
  const chosen = await chooseIn(ground, before, keep, options.dryRun ? tally : undefined, report);
  if (options.dryRun) return tally;
  await removeRuns(ground, chosen, keep, tally, report);
  await sweep(ground, tally, report);
  return tally;
}

function momentOf({ before, olderThanMs }: PruneOptions, keep: string): number {
  const moment = before === undefined ? Date.now() - (olderThanMs ?? Number.NaN) : before.getTime();
  const refuse = (argument: "olderThanMs" | "before" | "keep", reason: string) =>
    new PruneInvalid(`It cannot be pruned like that: ${reason}.`, { argument, reason });
  if (olderThanMs !== undefined && !(olderThanMs >= 0)) throw refuse("olderThanMs", "an age is a number of milliseconds, 0 or more");
  if (Number.isNaN(moment)) throw refuse("before", "say with olderThanMs or before (a date) which runs have ended long enough ago");
  if (keep !== "terminal" && keep !== "none") throw refuse("keep", `"${keep}" is neither "terminal" nor "none"`);
  return moment;
}

/** Finds the runs of which something goes, and holds each against its seals, hashes and counts. For a dry run it counts what goes. */
async function chooseIn(
  { path, database, heads }: Ground,
  before: number,
  keep: Keep,
  tally: Tally | undefined,
  report: () => void,
): Promise<Ended[]> {
  const anchor = stillAnchor(heads.anchor);
  const still = groundOf(stillOf(path, database), path, anchor);
  const breathe = pacer();
  try {
    const removal = new Removal(still, keep, before);
    const chosen: Ended[] = [];
    for (const run of removal.candidates()) {
      for (const { where, version, message } of problemsOf(still, run.runId as RunId))
        throw damaged({ path, where, runId: run.runId as RunId, version }, message);
      chosen.push(run);
      report();
      await breathe();
    }
    if (!tally) return chosen;
    for (const run of chosen) {
      add(tally, removal.measure(run.runId));
      await breathe();
    }
    removal.markDoomed(chosen);
    const garbage = await garbageIn(still, { doomed: true, report });
    const size = sizeOfContents(still.database);
    for (let at = 0; at < garbage.length; at += CHUNK) add(tally, size(garbage.slice(at, at + CHUNK)));
    tally.runs = chosen.length;
    return chosen;
  } finally {
    still.database.close();
  }
}

async function removeRuns(ground: Ground, chosen: readonly Ended[], keep: Keep, tally: Tally, report: () => void): Promise<void> {
  const left = [...chosen];
  while (left.length > 0) {
    const removal = new Removal(ground, keep, Number.POSITIVE_INFINITY);
    await batch(ground, (hasTime) =>
      removal.unguarded(() => {
        for (let run = left[0]; run !== undefined && hasTime(); run = left[0]) {
          const { done, ...took } = removal.take(run);
          add(tally, took);
          if (!done) continue;
          tally.runs += 1;
          left.shift();
          report();
        }
        ground.prunes.took();
        if (removal.sealsTaken.length > 0) ground.heads.advance(removal.sealsTaken.map((from) => ({ from, to: undefined })));
      }),
    );
  }
}

/** What nobody referred to when the sweep began is not referred to anew while it lasts, so it may go. */
async function sweep(ground: Ground, tally: Tally, report: () => void): Promise<void> {
  const { database, path, prunes, heads } = ground;
  const upTo = await batch(ground, () => (database.prepare<[], number>("SELECT max(id) FROM contents").pluck().get() ?? 0) as number);
  const sweep = await batch(ground, () => prunes.beginSweep(upTo));
  try {
    const still = groundOf(stillOf(path, database), path, stillAnchor(heads.anchor));
    const stay = () => batch(ground, () => prunes.goOn(sweep));
    const garbage = await garbageIn(still, { doomed: false, report, stay }).finally(() => still.database.close());
    await removeContents(
      ground,
      garbage.filter((id) => id < upTo),
      () => prunes.goOn(sweep),
      tally,
      report,
    ); // prettier-ignore
  } finally {
    await batch(ground, () => prunes.endSweep(sweep));
  }
}

async function removeContents(
  ground: Ground,
  garbage: readonly number[],
  mayGoOn: () => boolean,
  tally: Tally,
  report: () => void,
): Promise<void> {
  const { database, prunes } = ground;
  const size = sizeOfContents(database);
  const remove = database.prepare("DELETE FROM contents WHERE id IN (SELECT value FROM json_each(?))");
  for (let at = 0; at < garbage.length; ) {
    const ours = await batch(ground, (hasTime) => {
      if (!mayGoOn()) return false;
      whileDeletable(database, ["contents"], () => {
        for (; at < garbage.length && hasTime(); at += CHUNK) {
          const ids = garbage.slice(at, at + CHUNK);
          add(tally, size(ids));
          remove.run(JSON.stringify(ids));
          report();
        }
      });
      prunes.took();
      return true;
    });
    if (!ours) return;
  }
}

/** One short transaction of its own. What refers to a row goes before it or with it, so SQLite need not look for it each time. */
async function batch<T>(ground: Ground, work: (hasTime: () => boolean) => T): Promise<T> {
  const { database, path, writer, prunes, heads } = ground;
  const [value, tookMs] = await patiently(path, () => {
    writer.requireOpen();
    const startedAt = performance.now();
    const spent = () => performance.now() - startedAt;
    database.pragma("foreign_keys = OFF");
    try {
      const result = database
        .transaction(() => {
          prunes.begun();
          return work(() => spent() < BATCH_MS);
        })
        .immediate();
      heads.publish();
      return [result, spent()] as const;
    } catch (thrown) {
      heads.forget();
      throw thrown;
    } finally {
      database.pragma("foreign_keys = ON");
      prunes.notice();
    }
  });
  await setTimeout(Math.min(tookMs, BATCH_MS));
  return value;
}

function add(tally: Tally, took: Partial<Pruned>): void {
  for (const [name, count] of Object.entries(took)) tally[name as keyof Tally] += count;
}

function reporter(onProgress: ((progress: StoreProgress) => void) | undefined): () => void {
  let done = 0;
  return () => onProgress?.({ done: ++done, total: undefined });
}
