import type { RunId } from "../../contracts/ids.js";
import type { ArchivedCheckpoint, ArchivedRun, ArchivedVersion, ArchivedWrite, ArchiveRecord, Held } from "../archive/format.js";
import { mapsAfter, NO_MAPS } from "../archive/maps.js";
import type { Archive } from "../archive/read.js";
import { ValueReader } from "../archive/values.js";
import { CHAIN_START } from "../chain.js";
import type { Content } from "../content.js";
import { NOTHING } from "./acceptance.js";
import { stateText, type ValueRef } from "./checkpoints.js";
import { compact } from "./compact-id.js";
import { insertEvent } from "./events.js";
import type { Ground } from "./ground.js";
import { insertEntry } from "./journal.js";
import { questionRows } from "./questions.js";
import { queueTurns } from "./queue-turns.js";
import type { RunFacts, RunLease } from "./run-rows.js";
import { insertFailedStep, insertVersion } from "./versions.js";

/** Writes what an archive has into the tables, one record after the other; inside a transaction. */
export function archiveWriter(ground: Ground) {
  const { rows, contents, checkpoints, threads } = ground;
  const appendVersion = insertVersion(ground);
  const appendFailedStep = insertFailedStep(ground);
  const appendEntry = insertEntry(ground);
  const appendEvent = insertEvent(ground);
  const questions = questionRows(ground);
  const turns = queueTurns(ground);

  return ({ header, records }: Archive): void => {
    const runId = header.runId as RunId;
    const values = new ValueReader();
    /** The id of each value in this store, by its hash. */
    const ids = new Map<string, number>();
    let thread = 0;
    let maps = NO_MAPS;
    const idOf = (hash: string): number => ids.get(hash) ?? 0; // the reader has seen that it is there
    const contentOf = (held: Held): Content =>
      "ref" in held ? contents.get(idOf(held.ref)) : { type: "json", bytes: Buffer.from(JSON.stringify(held.json)) };
    const refOf = (held: Held): ValueRef => ("ref" in held ? idOf(held.ref) : JSON.stringify(held.json));

    const accept = (facts: ArchivedRun) => {
      const place = facts.status === "queued" ? turns.next() : null; // behind those who wait here
      const about = { run_id: runId, workflow: header.workflow, workflow_version: header.workflowVersion, queue_place: place };
      const program = facts.program === undefined ? null : idOf(facts.program);
      rows.insert({ ...NOTHING, ...about, ...factsOf(facts), program, versions_head: chainStartOf(records) });
    };
    const version = ({ kind: _, number: __, previousHash, hash, dataHash, ...link }: ArchivedVersion) => {
      const data = { json: contents.hashed(idOf(dataHash)).text, hash: dataHash };
      appendVersion(rows.get(runId), { ...link, runId, data });
    };
    const checkpoint = (record: ArchivedCheckpoint) => {
      const { id, parent, v, ts, metadata } = record;
      maps = mapsAfter(maps, record);
      const { channelVersions: versions, versionsSeen: seen, channels } = maps;
      const refs = Object.entries(channels).map(([channel, held]) => [channel, refOf(held)] as const);
      checkpoints.put({
        thread,
        id: compact(id),
        parent: parent === undefined ? null : compact(parent),
        state: stateText({ v, ts, versions, seen }),
        channels: JSON.stringify(Object.fromEntries(refs)),
        metadata: JSON.stringify(metadata),
      });
    };
    const write = ({ checkpoint: after, task, place, channel, value }: ArchivedWrite) => {
      const row = { thread, checkpoint: compact(after), task: compact(task), place, channel };
      checkpoints.putWrite(row, contentOf(value), false);
    };

    const put = (record: ArchiveRecord): void => {
      switch (record.kind) {
        case "value": {
          const before = "like" in record ? idOf(record.like) : undefined;
          ids.set(record.hash, contents.put(values.read(record), { before }));
          return;
        }
        case "run":
          return accept(record);
        case "version":
          return version(record);
        case "failed-step":
          return appendFailedStep(rows.get(runId), { ...record, failure: JSON.stringify(record.failure) });
        case "journal":
          return appendEntry(rows.get(runId), { ...record, runId, body: JSON.stringify(record.body) });
        case "event":
          return appendEvent(rows.get(runId), { ...record, body: JSON.stringify(record.body) });
        case "question": {
          const { question, answer, answeredAt = null } = record;
          const texts = { question: JSON.stringify(question), answer: answer === undefined ? null : JSON.stringify(answer) };
          return questions.put(rows.get(runId), { id: question.id, ...texts, answered_at: answeredAt });
        }
        case "namespace":
          thread = threads.findOrAdd(runId, record.namespace);
          maps = NO_MAPS;
          return;
        case "checkpoint":
          return checkpoint(record);
        case "write":
          return write(record);
      }
    };
    for (const record of records) put(record);
  };
}

/** Nobody holds it, so whoever recovers the runs here carries it on. */
function factsOf(run: ArchivedRun) {
  return {
    status: run.status,
    accepted_at: run.acceptedAt,
    ended_at: run.endedAt ?? null,
    failure: run.failure === undefined ? null : JSON.stringify(run.failure),
    output_version: run.outputVersion ?? null,
    idempotency_key: run.idempotencyKey ?? null,
    cancel_reason: run.cancelReason ?? null,
    forked_from: run.forkedFrom === undefined ? null : JSON.stringify(run.forkedFrom),
    tenant: run.tenant ?? null,
    priority: run.priority,
    deadline: run.deadline ?? null,
    begun_at: run.begunAt ?? null,
    degraded: run.degraded ? 1 : 0,
    epoch: run.epoch,
    crashes: run.crashes,
    progress: run.progress,
  } satisfies Partial<RunFacts & RunLease>;
}

function chainStartOf(records: readonly ArchiveRecord[]): string {
  const first = records.find((record) => record.kind === "version");
  return first?.previousHash ?? CHAIN_START;
}
