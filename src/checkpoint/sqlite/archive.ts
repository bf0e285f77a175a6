import { isWalkbackError, KeyReused, RunExists, type WalkbackError } from "../../contracts/failure.js";
import type { RunId } from "../../contracts/ids.js";
import type { ArchivedRun } from "../archive/format.js";
import { ARCHIVE_FORMAT } from "../archive/format.js";
import { type Archive, invalid, readArchive } from "../archive/read.js";
import { archiveLines } from "../archive/write.js";
import { forkStart } from "../chain.js";
import type { RunRecord, Store } from "../ports.js";
import { damagedFile } from "./answering.js";
import { recordsOf } from "./archive-records.js";
import { archiveWriter } from "./archive-rows.js";
import type { Ground } from "./ground.js";
import { recordOfRow } from "./runs.js";
import { snapshotOf } from "./snapshot.js";

/** A run as a file, and back. */
export function archive(ground: Ground): Pick<Store, "export" | "import"> {
  return { export: (runId) => exported(ground, runId), import: (text) => imported(ground, text) };
}

async function* exported(ground: Ground, runId: RunId): AsyncGenerator<string> {
  try {
    const snapshot = await snapshotOf(ground);
    try {
      const { workflow, workflow_version: workflowVersion } = snapshot.rows.get(runId);
      yield* archiveLines({ walkback: "run", format: ARCHIVE_FORMAT, runId, workflow, workflowVersion }, recordsOf(snapshot, runId));
    } finally {
      snapshot.close();
    }
  } catch (thrown) {
    throw damagedFile(ground.path, thrown);
  }
}

async function imported(ground: Ground, text: AsyncIterable<string> | Iterable<string>): Promise<RunRecord> {
  const { writer, rows, path } = ground;
  const archived = await readArchive(text);
  const runId = archived.header.runId as RunId;
  const put = archiveWriter(ground);
  const look = guards(ground);
  try {
    return await writer.write(() => {
      look(archived);
      put(archived);
      return recordOfRow(rows.get(runId));
    });
  } catch (thrown) {
    if (isWalkbackError(thrown) && thrown.code === "RUN_EXISTS") throw await compared(ground, archived, thrown);
    throw isTwice(thrown)
      ? invalid("it has something of another run of this store, or something twice", {}, thrown)
      : damagedFile(path, thrown);
  }
}

/** What must not be there yet; inside the transaction. */
function guards({ rows, database }: Ground): (archived: Archive) => void {
  const hasThread = database.prepare<[string]>("SELECT 1 FROM graph_threads WHERE thread_id = ?");
  const holderOfKey = database.prepare<[string], string>("SELECT run_id FROM runs WHERE idempotency_key = ?").pluck();
  const hashOf = database.prepare<[string, number], string>("SELECT hash FROM versions WHERE run_id = ? AND number = ?").pluck();

  return ({ header: { runId }, records }) => {
    if (rows.find(runId)) throw new RunExists(`Run ${runId} is in this store already.`, { runId });
    if (hasThread.get(runId)) throw new RunExists(`There is a LangGraph thread ${runId} in this store already.`, { runId });
    const { idempotencyKey, forkedFrom } = records.find((record): record is ArchivedRun => record.kind === "run") ?? {};
    const holder = idempotencyKey === undefined ? undefined : holderOfKey.get(idempotencyKey);
    if (idempotencyKey !== undefined && holder !== undefined) throw keyTaken(idempotencyKey, String(holder));
    const source = forkedFrom && (hashOf.get(forkedFrom.runId, forkedFrom.number) as string | undefined);
    const first = records.find((record) => record.kind === "version");
    if (forkedFrom && source !== undefined && first?.previousHash !== forkStart({ ...forkedFrom, hash: source }))
      throw invalid(`it was forked from another run ${forkedFrom.runId} than the one in this store`);
  };
}

/** Says whether the run that is there is the one of the file. */
async function compared(ground: Ground, { header, end }: Archive, thrown: WalkbackError): Promise<WalkbackError> {
  const runId = header.runId as RunId;
  if (!ground.rows.find(runId)) return thrown;
  let last = "";
  for await (const line of exported(ground, runId)) last = line;
  const identical = last === end;
  const message = identical
    ? `Run ${runId} is in this store already, exactly as the file has it. Nothing was changed.`
    : `Run ${runId} is in this store already, and not as the file has it: one of them has gone on. Nothing was changed. Compare them with walkback inspect before you choose.`;
  return new RunExists(message, { runId, identical }, { cause: thrown });
}

function keyTaken(idempotencyKey: string, runId: string): KeyReused {
  const message = `The idempotency key "${idempotencyKey}" belongs to run ${runId} of this store. Two runs cannot have it; nothing was imported.`;
  return new KeyReused(message, { idempotencyKey, runId });
}

function isTwice(thrown: unknown): boolean {
  const cause: unknown = thrown instanceof Error && thrown.cause instanceof Error ? thrown.cause : thrown;
  return cause instanceof Error && "code" in cause && String(cause.code).startsWith("SQLITE_CONSTRAINT");
}
