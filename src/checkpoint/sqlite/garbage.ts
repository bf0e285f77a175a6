import { performance } from "node:perf_hooks";
import type { Database } from "better-sqlite3";
import type { RunId } from "../../contracts/ids.js";
import type { Pruned } from "../ports.js";
import { type CheckpointRow, type ValueRef, type WriteRow, writeSum } from "./checkpoints.js";
import type { Ground } from "./ground.js";
import { pacer } from "./pacer.js";
import { bytesOf } from "./removal.js";
import type { RunRow } from "./run-rows.js";
import { damaged } from "./sums.js";

interface Search {
  /** As if the rows that are marked (`Removal.markDoomed`) were gone. */
  readonly doomed: boolean;
  readonly report: () => void;
  /** Called now and then: the search goes on. */
  readonly stay?: () => Promise<unknown>;
}

const STAY_MS = 10_000;
const REFERRED = 1;
const LIVE = 2;

/**
 * The contents that nothing refers to, newest first, so that what is made from another goes before it. The newest content of
 * all counts as referred to: no id is ever given twice. Throws `STORE_DAMAGED` when a row that refers to contents is not what
 * was written: what it really refers to is not known then.
 */
export async function garbageIn(still: Ground, { doomed, report, stay = async () => {} }: Search): Promise<number[]> {
  const { database } = still;
  const last = (database.prepare<[], number>("SELECT max(id) FROM contents").pluck().get() ?? 0) as number;
  const marks = new Uint8Array(last + 1);
  marks[last] = REFERRED;
  const breathe = pacer();
  let stayedAt = performance.now();
  const step = async () => {
    await breathe();
    if (performance.now() - stayedAt < STAY_MS) return;
    await stay();
    stayedAt = performance.now();
  };
  for (const ref of roots(still, doomed)) {
    if (ref !== undefined) marks[ref] = REFERRED;
    await step();
  }
  const garbage: number[] = [];
  const links = database.prepare<[], { id: number; base: number | null; rest: number | null }>(
    "SELECT id, base, rest FROM contents ORDER BY id DESC",
  );
  for (const { id, base, rest } of links.iterate()) {
    if (marks[id] === REFERRED) {
      marks[id] = LIVE;
      for (const below of [base, rest]) if (below !== null) marks[below] = REFERRED; // always an older one
    } else garbage.push(id);
    report();
    await step();
  }
  const missing = marks.indexOf(REFERRED, 1);
  if (missing > 0 && last > 0) throw damaged({ path: still.path, where: "contents" }, `content ${missing} is missing`);
  return garbage;
}

/** How much contents hold. */
export function sizeOfContents(database: Database): (ids: readonly number[]) => Pick<Pruned, "contents" | "bytes"> {
  const select = database.prepare<[string], { contents: number; bytes: number }>(
    `SELECT count(*) AS contents, coalesce(sum(${bytesOf(database, "contents")}), 0) AS bytes FROM contents WHERE id IN (SELECT value FROM json_each(?))`,
  );
  return (ids) => select.get(JSON.stringify(ids)) ?? { contents: 0, bytes: 0 };
}

/** The ids of the contents that rows refer to. */
function* roots({ database, path, rows, checkpoints }: Ground, doomed: boolean): Iterable<number | undefined> {
  const gone = doomed ? "run_id IN (SELECT run_id FROM temp.doomed_runs)" : "FALSE";
  const goneThread = doomed ? "thread IN (SELECT id FROM graph_threads WHERE thread_id IN (SELECT run_id FROM temp.doomed_runs))" : "FALSE";
  const edge = (id: string, stays: string) =>
    doomed ? `EXISTS (SELECT 1 FROM temp.doomed_edges d WHERE d.thread = g.thread AND g.${id} < d.below${stays})` : "FALSE";

  for (const run of database.prepare<[], RunRow>(`SELECT * FROM runs WHERE NOT ${gone}`).iterate())
    yield rows.checked(run)?.program ?? undefined;
  const versions = database.prepare<[], { run_id: RunId; number: number; content: number; holds: 0 | 1 }>(
    `SELECT v.run_id, v.number, v.content, c.hash IS unhex(v.data_hash) AS holds FROM versions v LEFT JOIN contents c ON c.id = v.content WHERE NOT ${gone}`,
  );
  for (const { run_id: runId, number, content, holds } of versions.iterate()) {
    if (!holds) throw damaged({ path, where: "versions", runId, version: number }, `the data of version ${number} is not what was written`);
    yield content;
  }
  const puts = database.prepare<[], CheckpointRow>(
    `SELECT * FROM graph_checkpoints g WHERE NOT (${goneThread}) AND NOT (${edge("id", "")})`,
  );
  for (const row of puts.iterate()) {
    checkpoints.checked(row);
    for (const ref of Object.values(JSON.parse(row.channels) as Record<string, ValueRef>)) if (typeof ref === "number") yield ref;
    yield;
  }
  const writes = database.prepare<[], WriteRow>(
    `SELECT * FROM graph_writes g WHERE NOT (${goneThread}) AND NOT (${edge("checkpoint", " AND g.checkpoint IS NOT d.stays")})`,
  );
  for (const row of writes.iterate()) {
    if (row.sum !== writeSum(row)) throw damaged({ path, where: "graph_writes" }, "a write is not what was written");
    yield typeof row.value === "number" ? row.value : undefined;
  }
}
