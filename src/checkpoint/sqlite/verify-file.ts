import { existsSync } from "node:fs";
import { resolve } from "node:path";
import type { Database } from "better-sqlite3";
import { messageOf, StoreFailed } from "../../contracts/failure.js";
import type { RunId } from "../../contracts/ids.js";
import type { Verification, VerifyOptions } from "../ports.js";
import { hasUpstreamTables } from "./adopt.js";
import { type Anchor, anchorFor, type Head } from "./anchor.js";
import { groundOf } from "./ground.js";
import { newer, SCHEMA_VERSION } from "./schema.js";
import { stillFile } from "./snapshot.js";
import { soundness, stillAnchor, unreadable, verifyGround } from "./verify.js";

export interface VerifyFileOptions extends VerifyOptions {
  /** Of one run only what belongs to it. */
  readonly runId?: RunId | undefined;
  /** As it is given to `sqliteStore`. */
  readonly anchor?: Anchor | false | undefined;
}

/**
 * Verifies a store without opening it for work, so also one that is too damaged for that. Nothing of it is changed: of a
 * store of an older release only the structure of the file is looked at. Throws `STORE_FAILED` when there is no store,
 * `STORE_NEWER` and `RUN_UNKNOWN`.
 */
export async function verifySqliteStore(file: string, { runId, anchor, ...options }: VerifyFileOptions = {}): Promise<Verification> {
  const path = existing(file);
  const known = stillAnchor(anchorFor(path, anchor));
  let still: Database | undefined;
  try {
    still = read(path);
    const version = still.pragma("user_version", { simple: true }) as number;
    if (version > SCHEMA_VERSION) throw newer(path, version);
    if (version < SCHEMA_VERSION) return older(still, path, version, known);
    return await verifyGround(groundOf(still, path, known), runId, options);
  } catch (thrown) {
    return unreadable(thrown);
  } finally {
    still?.close();
  }
}

/** The ids of all runs in a file, oldest first, whatever else is wrong with it. */
export function runIdsIn(file: string): readonly RunId[] {
  const still = read(existing(file));
  try {
    return still.prepare<[], RunId>("SELECT run_id FROM runs ORDER BY rowid").pluck().all() as RunId[];
  } finally {
    still.close();
  }
}

export interface Accepted {
  /** What the anchor had seen, if it was there. */
  readonly before: Head | undefined;
  readonly now: Head;
}

/** Takes a store that was restored from a copy for what it should be: its anchor forgets what it had seen since. */
export function acceptRestored(file: string, chosen?: Anchor): Accepted {
  const path = existing(file);
  const anchor = chosen ?? anchorFor(path, undefined);
  const still = read(path);
  try {
    const { heads } = groundOf(still, path, anchor);
    const before = anchor?.read();
    heads.accept();
    return { before, now: heads.newest };
  } finally {
    still.close();
    if (!chosen) anchor?.close();
  }
}

function existing(file: string): string {
  const path = resolve(file);
  if (existsSync(path)) return path;
  throw new StoreFailed(`There is no store ${path}.`, { path, operation: "open" });
}

function read(path: string): Database {
  try {
    return stillFile(path);
  } catch (thrown) {
    const code = thrown instanceof Error && "code" in thrown ? String(thrown.code) : "";
    if (!/^SQLITE_(CANTOPEN|PERM|AUTH|READONLY)/.test(code)) throw thrown;
    throw new StoreFailed(`The store ${path} cannot be read: ${messageOf(thrown)}.`, { path, operation: "open" }, { cause: thrown });
  }
}

function older(still: Database, path: string, version: number, known: Anchor | undefined): Verification {
  const tables = still.prepare<[], number>("SELECT count(*) FROM sqlite_schema").pluck().get() as number;
  const seen = known?.read();
  const problems = [...soundness(still)];
  if (tables === 0 && seen) problems.push({ where: "file", message: `the file is empty, but its anchor has seen commit ${seen.commit}` });
  if (version === 0 && problems.length === 0 && !hasUpstreamTables(still))
    throw new StoreFailed(`${path} is not a Walkback store.`, { path, operation: "open" });
  const checked = { runs: 0, versions: 0, journal: 0, events: 0, checkpoints: 0, contents: 0 };
  return { problems, checked, anchor: "none", olderSchema: version };
}
