import SqliteDatabase, { type Database } from "better-sqlite3";
import { isWalkbackError, messageOf, RunUnknown } from "../../contracts/failure.js";
import type { RunId } from "../../contracts/ids.js";
import type { StoreProblem, Verification, VerifyOptions } from "../ports.js";
import type { Anchor } from "./anchor.js";
import { type CellRow, cellSum } from "./cells.js";
import { type CheckpointRow, checkpointSum, type ValueRef, type WriteRow, writeSum } from "./checkpoints.js";
import { type EventRow, firstBrokenEvent } from "./events.js";
import { type Ground, groundOf } from "./ground.js";
import { digestOf } from "./heads.js";
import { firstBrokenEntry, type JournalRow } from "./journal.js";
import { type EntryRow, entrySum } from "./limits.js";
import { pacer } from "./pacer.js";
import { type QuestionRow, questionSum } from "./questions.js";
import { leaseSumOf, type RunRow, sealOf } from "./run-rows.js";
import { migrate } from "./schema.js";
import { stillOf } from "./snapshot.js";
import { sumOf } from "./sums.js";
import { type FailedStepRow, firstBrokenFailure, firstBrokenLink, type VersionRow } from "./versions.js";

type Checked = { -readonly [Name in keyof Verification["checked"]]: number };

/** A problem, or only that something more was looked at. */
type Step = StoreProblem | undefined;

/** Looks at a store as it stands at this moment, on a connection of its own, while others go on working with it. Throws `RUN_UNKNOWN`. */
export async function verifyStore({ path, database, heads }: Ground, runId?: RunId, options: VerifyOptions = {}): Promise<Verification> {
  const anchor = stillAnchor(heads.anchor);
  try {
    const still = stillOf(path, database);
    try {
      return await verifyGround(groundOf(still, path, anchor), runId, options);
    } finally {
      still.close();
    }
  } catch (thrown) {
    return unreadable(thrown);
  }
}

/** The anchor as it was read before the store: never ahead of it. */
export function stillAnchor(anchor: Anchor | undefined): Anchor | undefined {
  if (!anchor) return undefined;
  const known = anchor.read();
  return { ...anchor, read: () => known };
}

/** A file that cannot even be read has one problem. Any other error is thrown on. */
export function unreadable(thrown: unknown): Verification {
  if (isWalkbackError(thrown) && thrown.code !== "STORE_DAMAGED") throw thrown;
  return { problems: [{ where: "file", message: messageOf(thrown) }], checked: nothing(), anchor: "none" };
}

/**
 * Recomputes everything: the file's own structure, each content's hash, each run's chains, seals and counts, rows that
 * belong to nothing, and the head of the whole against its anchor. Of one run only what belongs to it. The first version
 * that does not hold comes first.
 */
export async function verifyGround(ground: Ground, runId?: RunId, { onProgress }: VerifyOptions = {}): Promise<Verification> {
  if (runId !== undefined && !isKnown(ground, runId)) throw new RunUnknown(`There is no run ${runId} in this store.`, { runId });
  const checked = nothing();
  const problems: StoreProblem[] = [];
  const total = onProgress && totalOf(ground, runId);
  const breathe = pacer();
  const anchored: Pick<Verification, "anchor">[] = [];
  for (const step of everything(ground, checked, anchored, runId)) {
    if (step) problems.push(step);
    else onProgress?.({ done: checked.runs + checked.checkpoints + checked.contents, total });
    await breathe();
  }
  const isVersion = ({ version }: StoreProblem) => version !== undefined;
  return {
    problems: [...problems.filter(isVersion), ...problems.filter((problem) => !isVersion(problem))],
    checked,
    anchor: anchored[0]?.anchor ?? "none",
  };
}

/** The problems of what belongs to one run. */
export function* problemsOf(ground: Ground, runId: RunId): Iterable<StoreProblem> {
  for (const step of ofRuns(ground, nothing(), runId)) if (step) yield step;
}

function* everything(ground: Ground, checked: Checked, anchored: Pick<Verification, "anchor">[], runId: RunId | undefined): Iterable<Step> {
  if (runId === undefined) yield* part("file", () => structure(ground));
  yield* ofRuns(ground, checked, runId);
  if (runId === undefined) {
    yield* part("contents", () => contents(ground, checked));
    yield* part("file", () => strays(ground));
    yield* part("heads", () => head(ground));
    yield* part("limit_cells", () => limits(ground));
  }
  yield* part("heads", () => {
    const { anchor, problem } = ground.heads.compare();
    anchored.push({ anchor });
    return [problem];
  });
}

function* ofRuns(ground: Ground, checked: Checked, runId: RunId | undefined): Iterable<Step> {
  yield* part("runs", () => runs(ground, checked, runId), runId);
  yield* part("graph_checkpoints", () => graphs(ground, checked, runId), runId);
}

/** A part that cannot even be read is a problem like any other. */
function* part(where: string, look: () => Iterable<Step>, runId?: RunId): Iterable<Step> {
  try {
    yield* look();
  } catch (thrown) {
    yield { where, runId, message: messageOf(thrown) };
  }
}

function nothing(): Checked {
  return { runs: 0, versions: 0, journal: 0, events: 0, checkpoints: 0, contents: 0 };
}

function isKnown({ database }: Ground, runId: RunId): boolean {
  return database.prepare("SELECT 1 FROM runs WHERE run_id = ?").get(runId) !== undefined;
}

/** How many runs, checkpoints and contents there are; undefined when only one run is looked at. */
function totalOf({ database }: Ground, runId: RunId | undefined): number | undefined {
  if (runId !== undefined) return undefined;
  const tables = ["runs", "graph_checkpoints", "contents"];
  return tables.reduce((sum, table) => sum + (database.prepare<[], number>(`SELECT count(*) FROM ${table}`).pluck().get() as number), 0);
}

function* structure({ database }: Ground): Iterable<StoreProblem> {
  yield* soundness(database);
  const [here, fresh] = [schemaOf(database), freshSchema()];
  for (const sql of [...here, ...fresh])
    if (!here.has(sql) || !fresh.has(sql)) yield { where: "file", message: `the schema is not what was written: ${sql.slice(0, 60)}` };
}

/** What SQLite itself finds wrong with the file. */
export function* soundness(database: Database): Iterable<StoreProblem> {
  const found = database.pragma("integrity_check(20)") as readonly { readonly integrity_check: string }[];
  for (const { integrity_check: message } of found) if (message !== "ok") yield { where: "file", message };
}

function schemaOf(database: Database): Set<string> {
  const rows = database.prepare<[], string>(
    "SELECT quote(type) || ' ' || quote(name) || ' ' || quote(tbl_name) || ': ' || quote(sql) FROM sqlite_schema WHERE name NOT LIKE 'sqlite_stat%' AND name <> 'sqlite_sequence'",
  );
  return new Set(rows.pluck().all() as string[]);
}

/** What a store that is made now looks like. */
function freshSchema(): Set<string> {
  const fresh = new SqliteDatabase(":memory:");
  try {
    migrate(fresh, ":memory:");
    return schemaOf(fresh);
  } finally {
    fresh.close();
  }
}

function* runs(ground: Ground, checked: Checked, only: RunId | undefined): Iterable<Step> {
  const { database } = ground;
  const select = only === undefined ? "SELECT * FROM runs ORDER BY rowid" : "SELECT * FROM runs WHERE run_id = ?";
  for (const run of database.prepare<unknown[], RunRow>(select).all(...(only === undefined ? [] : [only]))) {
    checked.runs++;
    if (run.seal !== sealOf(run) || run.lease_sum !== leaseSumOf(run))
      yield { where: "runs", runId: run.run_id as RunId, message: "the row of the run is not what was written" };
    yield* part("versions", () => belongings(ground, checked, run), run.run_id as RunId);
    yield;
  }
}

function* belongings(ground: Ground, checked: Checked, run: RunRow): Iterable<StoreProblem> {
  const runId = run.run_id as RunId;
  const all = <Row>(table: string, order: string) =>
    ground.database.prepare<[string], Row>(`SELECT * FROM ${table} WHERE run_id = ? ORDER BY ${order}`).all(runId);

  const versions = all<VersionRow>("versions", "number");
  checked.versions += versions.length;
  const broken = firstBrokenLink(run, versions) ?? versions.find((row) => !dataHolds(ground, row))?.number;
  if (broken !== undefined)
    yield {
      where: "versions",
      runId,
      version: broken,
      agent: versions[broken]?.agent,
      message: `version ${broken} is missing or not what was written`,
    };

  const journal = all<JournalRow>("journal", "place");
  checked.journal += journal.length;
  const entry = firstBrokenEntry(run, journal);
  if (entry !== undefined)
    yield { where: "journal", runId, agent: journal[entry]?.agent, message: `journal entry ${entry} is missing or not what was written` };

  const events = all<EventRow>("events", "place");
  checked.events += events.length;
  const event = firstBrokenEvent(run, events);
  if (event !== undefined) yield { where: "events", runId, message: `event ${event} is missing or not what was written` };

  if (firstBrokenFailure(run, all<FailedStepRow>("failed_steps", "rowid")) !== undefined)
    yield { where: "failed_steps", runId, message: "what failed is not what was written" };

  const questions = all<QuestionRow>("questions", "rowid");
  if (questions.length !== run.questions || questions.some((row) => row.sum !== questionSum(row)))
    yield { where: "questions", runId, message: "its questions are not what was written" };
  if (run.program !== null) ground.contents.get(run.program);
}

function dataHolds({ contents }: Ground, { content, data_hash }: VersionRow): boolean {
  try {
    return contents.hashed(content).hash === data_hash;
  } catch {
    return false;
  }
}

function* graphs({ database, contents }: Ground, checked: Checked, only: RunId | undefined): Iterable<Step> {
  const where = only === undefined ? "" : "WHERE t.thread_id = ?";
  const args = only === undefined ? [] : [only];
  const threads = database.prepare<unknown[], { id: number; thread_id: string; namespace: string; sum: number }>(
    `SELECT * FROM graph_threads t ${where} ORDER BY id`,
  );
  for (const { id, thread_id, namespace, sum } of threads.all(...args)) {
    const about = `thread ${thread_id}${namespace === "" ? "" : ` (${namespace})`}`;
    if (sum !== sumOf(thread_id, namespace)) yield { where: "graph_threads", message: `${about} is not what was written` };
    const refs: ValueRef[] = [];
    for (const row of database.prepare<[number], CheckpointRow>("SELECT * FROM graph_checkpoints WHERE thread = ?").all(id)) {
      checked.checkpoints++;
      yield;
      if (row.sum === checkpointSum(row)) refs.push(...Object.values(JSON.parse(row.channels) as Record<string, ValueRef>));
      else yield { where: "graph_checkpoints", message: `checkpoint ${row.id} of ${about} is not what was written` };
    }
    for (const row of database.prepare<[number], WriteRow>("SELECT * FROM graph_writes WHERE thread = ?").all(id)) {
      if (row.sum === writeSum(row)) refs.push(row.value);
      else yield { where: "graph_writes", message: `a write after checkpoint ${row.checkpoint} of ${about} is not what was written` };
    }
    const known = database.prepare<[number], number>("SELECT 1 FROM contents WHERE id = ?");
    for (const ref of new Set(refs)) {
      if (typeof ref !== "number") continue;
      if (!known.get(ref)) yield { where: "contents", message: `content ${ref}, which ${about} needs, is missing` };
      else if (only !== undefined) contents.get(ref);
    }
  }
}

function* contents(ground: Ground, checked: Checked): Iterable<Step> {
  const misplaced = ground.database.prepare<[], number>(
    "SELECT c.id FROM contents c LEFT JOIN contents b ON b.id = c.base WHERE c.depth <> coalesce(b.depth + 1, 0)",
  );
  for (const id of misplaced.pluck().all()) yield { where: "contents", message: `content ${id} is not as deep as it says` };
  for (const id of ground.database.prepare<[], number>("SELECT id FROM contents ORDER BY id").pluck().all()) {
    checked.contents++;
    yield;
    try {
      ground.contents.get(id as number);
    } catch (thrown) {
      yield { where: "contents", message: messageOf(thrown) };
    }
  }
}

/** Rows that belong to nothing. */
function* strays({ database }: Ground): Iterable<StoreProblem> {
  for (const table of ["versions", "failed_steps", "journal", "events", "questions"]) {
    const stray = database
      .prepare<[], { run_id: string }>(`SELECT run_id FROM ${table} WHERE run_id NOT IN (SELECT run_id FROM runs) LIMIT 1`)
      .get();
    if (stray) yield { where: table, runId: stray.run_id as RunId, message: "rows of a run that is not there" };
  }
  for (const table of ["graph_checkpoints", "graph_writes"]) {
    const stray = database.prepare(`SELECT 1 FROM ${table} WHERE thread NOT IN (SELECT id FROM graph_threads) LIMIT 1`).get();
    if (stray) yield { where: table, message: "rows of a thread that is not there" };
  }
}

function* limits({ database }: Ground): Iterable<StoreProblem> {
  for (const row of database.prepare<[], CellRow>("SELECT * FROM limit_cells").all())
    if (row.sum !== cellSum(row)) yield { where: "limit_cells", message: `the cell "${row.key}" is not what was written` };
  let last = 0;
  for (const row of database.prepare<[], EntryRow>("SELECT * FROM limit_log ORDER BY seq").all()) {
    if (row.sum !== entrySum(row) || row.seq !== last + 1)
      yield { where: "limit_log", message: `entry ${row.seq} is not what was written, or those before it are gone` };
    last = row.seq;
  }
}

function* head({ database, heads }: Ground): Iterable<StoreProblem> {
  const known = database.prepare<[], { seq: number; digest: string; sum: number }>("SELECT * FROM heads").all();
  const wrong = known.find(({ seq, digest, sum }) => sum !== sumOf(seq, digest));
  if (wrong) yield { where: "heads", message: `head ${wrong.seq} is not what was written` };
  const seals = database.prepare<[], string>("SELECT seal FROM runs").pluck().all() as string[];
  if (digestOf(seals) !== heads.digest) yield { where: "heads", message: "the runs are not those that the store's head was computed from" };
}
