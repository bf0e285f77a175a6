import type { RunId } from "../../contracts/ids.js";
import type { JsonValue } from "../../contracts/json-value.js";
import type { ArchivedQuestion, ArchivedRun, ArchiveRecord } from "../archive/format.js";
import { ValueWriter } from "../archive/values.js";
import type { ForkPoint } from "../ports.js";
import { graphRecordsOf } from "./archive-graph.js";
import { type EventRow, firstBrokenEvent } from "./events.js";
import { firstBrokenEntry, type JournalRow } from "./journal.js";
import { type QuestionRow, questionRows } from "./questions.js";
import type { RunRow } from "./run-rows.js";
import type { Snapshot } from "./snapshot.js";
import { damaged } from "./sums.js";
import { type FailedStepRow, firstBrokenFailure, firstBrokenLink, type VersionRow } from "./versions.js";

/** All that is known of a run, in the order of its file. Throws `RUN_UNKNOWN`, and `STORE_DAMAGED` for what does not hold. */
export function* recordsOf(snapshot: Snapshot, runId: RunId): Generator<ArchiveRecord> {
  const run = snapshot.rows.get(runId);
  const values = new ValueWriter();
  yield* facts(snapshot, run, values);
  yield* versions(snapshot, run, values);
  yield* failedSteps(snapshot, run);
  yield* journal(snapshot, run);
  yield* events(snapshot, run);
  for (const row of questionRows(snapshot).inTurn(runId)) yield questionOf(row);
  yield* graphRecordsOf(snapshot, run.run_id, values);
}

function* facts({ contents }: Snapshot, run: RunRow, values: ValueWriter): Generator<ArchiveRecord> {
  const program = run.program === null ? undefined : yield* values.put(contents.get(run.program), "program");
  yield {
    kind: "run",
    status: run.status,
    acceptedAt: run.accepted_at,
    endedAt: run.ended_at ?? undefined,
    failure: parsed<JsonValue>(run.failure),
    outputVersion: run.output_version ?? undefined,
    idempotencyKey: run.idempotency_key ?? undefined,
    cancelReason: run.cancel_reason ?? undefined,
    program,
    forkedFrom: parsed<ForkPoint>(run.forked_from),
    tenant: run.tenant ?? undefined,
    priority: run.priority,
    deadline: run.deadline ?? undefined,
    begunAt: run.begun_at ?? undefined,
    degraded: run.degraded === 1 || undefined,
    epoch: run.epoch,
    crashes: run.crashes,
    progress: run.progress,
  } satisfies ArchivedRun;
}

function* versions(snapshot: Snapshot, run: RunRow, values: ValueWriter): Generator<ArchiveRecord> {
  const found = rowsOf<VersionRow>(snapshot, run, "versions", "number");
  refuse(snapshot, run, "versions", firstBrokenLink(run, found));
  for (const row of found) {
    const { number, agent, contract, round, source, at, hash } = row;
    const dataHash = yield* values.put(snapshot.contents.get(row.content), `contract ${row.document}`);
    refuse(snapshot, run, "versions", dataHash === row.data_hash ? undefined : number);
    yield {
      kind: "version",
      number,
      agent,
      agentVersion: row.agent_version,
      contract,
      parents: JSON.parse(row.parents) as number[],
      round,
      source,
      tier: row.tier ?? undefined,
      inputHash: row.input_hash,
      dataHash,
      previousHash: row.previous_hash,
      hash,
      at,
    };
  }
}

function* failedSteps(snapshot: Snapshot, run: RunRow): Generator<ArchiveRecord> {
  const found = rowsOf<FailedStepRow>(snapshot, run, "failed_steps", "rowid");
  refuse(snapshot, run, "failed_steps", firstBrokenFailure(run, found));
  for (const { agent, round, failure, at } of found)
    yield { kind: "failed-step", agent, round, failure: JSON.parse(failure) as JsonValue, at };
}

function* journal(snapshot: Snapshot, run: RunRow): Generator<ArchiveRecord> {
  const found = rowsOf<JournalRow>(snapshot, run, "journal", "place");
  refuse(snapshot, run, "journal", firstBrokenEntry(run, found));
  for (const { place, key, phase, agent, effect, identity, generation, body, epoch, at, hash } of found) {
    const entry = { place, key, phase, agent, effect, identity, generation, body: JSON.parse(body) as JsonValue, epoch, at, hash };
    yield { kind: "journal", ...entry };
  }
}

function* events(snapshot: Snapshot, run: RunRow): Generator<ArchiveRecord> {
  const found = rowsOf<EventRow>(snapshot, run, "events", "place");
  refuse(snapshot, run, "events", firstBrokenEvent(run, found));
  for (const { type, at, body } of found) yield { kind: "event", type, at, body: JSON.parse(body) as Record<string, JsonValue> };
}

function questionOf(row: QuestionRow): ArchivedQuestion {
  return {
    kind: "question",
    question: JSON.parse(row.question) as ArchivedQuestion["question"],
    answer: parsed<NonNullable<ArchivedQuestion["answer"]>>(row.answer),
    answeredAt: row.answered_at ?? undefined,
  };
}

function rowsOf<Row>({ database }: Snapshot, run: RunRow, table: string, order: string): Row[] {
  return database.prepare<[string], Row>(`SELECT * FROM ${table} WHERE run_id = ? ORDER BY ${order}`).all(run.run_id);
}

function refuse({ path }: Snapshot, run: RunRow, where: string, broken: number | undefined): void {
  if (broken !== undefined)
    throw damaged({ path, where, runId: run.run_id as RunId }, `number ${broken} is missing or not what was written`);
}

/** JSON that this store wrote, from a value of that type. */
function parsed<T>(text: string | null): T | undefined {
  return text === null ? undefined : (JSON.parse(text) as T);
}
