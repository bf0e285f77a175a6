import type { JsonValue } from "../../contracts/json-value.js";
import type { ArchivedValue, ArchiveRecord, Held } from "../archive/format.js";
import { changesOf, NO_MAPS } from "../archive/maps.js";
import { plain, type ValueWriter } from "../archive/values.js";
import { asBuffer } from "../content.js";
import { type CheckpointRow, IN_PLACE_BYTES, stateOf, type ValueRef, type WriteRow, writeSum } from "./checkpoints.js";
import { expanded } from "./compact-id.js";
import type { Snapshot } from "./snapshot.js";
import { damaged } from "./sums.js";

interface ThreadRow {
  readonly id: number;
  readonly namespace: string;
  readonly sum: number;
}

/** What LangGraph remembers of a run's thread: of each namespace its checkpoints, then what was written after them. */
export function* graphRecordsOf(snapshot: Snapshot, runId: string, values: ValueWriter): Generator<ArchiveRecord> {
  const { database, threads: known } = snapshot;
  const threads = database.prepare<[string], ThreadRow>(
    "SELECT id, namespace, sum FROM graph_threads WHERE thread_id = ? ORDER BY namespace",
  );
  for (const { id, namespace, sum } of threads.all(runId)) {
    known.check(runId, namespace, sum);
    yield { kind: "namespace", namespace };
    yield* checkpointsOf(snapshot, id, values);
    yield* writesOf(snapshot, id, values);
  }
}

function* checkpointsOf(snapshot: Snapshot, thread: number, values: ValueWriter): Generator<ArchiveRecord> {
  const select = snapshot.database.prepare<[number], CheckpointRow>("SELECT * FROM graph_checkpoints WHERE thread = ? ORDER BY id");
  let before = NO_MAPS;
  for (const row of select.iterate(thread)) {
    snapshot.checkpoints.checked(row);
    const { v, ts, versions: channelVersions, seen: versionsSeen } = stateOf(row);
    const channels: Record<string, Held> = {};
    for (const [channel, ref] of Object.entries(JSON.parse(row.channels) as Record<string, ValueRef>))
      channels[channel] = yield* held(snapshot, ref, values, `channel ${channel}`);
    const maps = { channelVersions, versionsSeen, channels };
    const parent = row.parent === null ? undefined : expanded(row.parent);
    const metadata = JSON.parse(row.metadata) as JsonValue;
    yield { kind: "checkpoint", id: expanded(row.id), parent, v, ts, ...changesOf(before, maps), metadata };
    before = maps;
  }
}

function* writesOf(snapshot: Snapshot, thread: number, values: ValueWriter): Generator<ArchiveRecord> {
  const select = snapshot.database.prepare<[number], WriteRow>(
    "SELECT * FROM graph_writes WHERE thread = ? ORDER BY checkpoint, task, place",
  );
  for (const row of select.iterate(thread)) {
    if (row.sum !== writeSum(row)) throw damaged({ path: snapshot.path, where: "graph_writes" }, "a write is not what was written");
    const { place, channel } = row;
    const value = yield* held(snapshot, row.value, values, `write to ${channel}`);
    yield { kind: "write", checkpoint: expanded(row.checkpoint), task: expanded(row.task), place, channel, value };
  }
}

/** A short value stands in its place, a longer one in a line of its own. */
function* held({ checkpoints }: Snapshot, ref: ValueRef, values: ValueWriter, place: string): Generator<ArchivedValue, Held> {
  const content = checkpoints.valueOf(ref);
  const short =
    content.type === "json" && content.bytes.length <= IN_PLACE_BYTES ? plain(asBuffer(content.bytes).toString("utf8")) : undefined;
  return short ?? { ref: yield* values.put(content, place) };
}
