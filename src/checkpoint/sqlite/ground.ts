import type { Database } from "better-sqlite3";
import type { Checkpoints } from "./checkpoints.js";
import type { Contents } from "./contents.js";
import type { Heads } from "./heads.js";
import type { RunRows } from "./run-rows.js";
import type { Writer } from "./writer.js";

/** What all parts of a store stand on. */
export interface Ground {
  readonly path: string;
  readonly database: Database;
  readonly writer: Writer;
  readonly rows: RunRows;
  readonly contents: Contents;
  readonly checkpoints: Checkpoints;
  readonly heads: Heads;
}
