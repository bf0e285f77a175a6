import type { Database } from "better-sqlite3";
import type { Anchor } from "./anchor.js";
import { Cells } from "./cells.js";
import { Checkpoints } from "./checkpoints.js";
import { Contents } from "./contents.js";
import { Heads } from "./heads.js";
import { Prunes } from "./prunes.js";
import { RunRows } from "./run-rows.js";
import { Threads } from "./threads.js";
import { Writer } from "./writer.js";

/** What all parts of a store stand on. */
export interface Ground {
  readonly path: string;
  readonly database: Database;
  readonly writer: Writer;
  readonly rows: RunRows;
  readonly contents: Contents;
  readonly checkpoints: Checkpoints;
  readonly threads: Threads;
  readonly heads: Heads;
  readonly cells: Cells;
  readonly prunes: Prunes;
}

export function groundOf(database: Database, path: string, anchor: Anchor | undefined): Ground {
  const heads = new Heads(database, anchor);
  const rows = new RunRows(database, path, heads);
  const contents = new Contents(database, path);
  const checkpoints = new Checkpoints(database, contents, path);
  const threads = new Threads(database, path);
  const cells = new Cells(database, path);
  const forgetRecent = () => {
    rows.forgetKnown();
    threads.forgetRecent();
    contents.forgetRecent();
    checkpoints.forgetRecent();
  };
  const prunes = new Prunes(database, forgetRecent);
  const writer = new Writer(database, path, {
    begun() {
      prunes.begun();
      cells.begun();
    },
    mark() {
      const marks = { rows: rows.mark(), cells: cells.mark() };
      return () => {
        rows.rollback(marks.rows);
        cells.rollback(marks.cells);
        forgetRecent();
      };
    },
    flush() {
      rows.flush();
      cells.flush();
    },
    committed() {
      rows.committed();
      cells.committed();
      heads.publish();
    },
    aborted() {
      rows.forget();
      cells.aborted();
      heads.forget();
      forgetRecent();
    },
  });
  return { path, database, writer, rows, contents, checkpoints, threads, heads, cells, prunes };
}
