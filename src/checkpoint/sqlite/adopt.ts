import type { Checkpoint } from "@langchain/langgraph-checkpoint";
import type { Database } from "better-sqlite3";
import type { Content } from "../content.js";
import { versionString } from "./channel-version.js";
import { type CheckpointState, Checkpoints, stateText, type ValueRef } from "./checkpoints.js";
import { compact } from "./compact-id.js";
import { Contents } from "./contents.js";
import { Threads } from "./threads.js";

interface UpstreamRow {
  readonly thread_id: string;
  readonly checkpoint_ns: string;
  readonly checkpoint_id: string;
  readonly parent_checkpoint_id: string | null;
  readonly type: string | null;
  readonly checkpoint: Buffer | string;
  readonly metadata: Buffer | string;
}

interface UpstreamWrite {
  readonly thread_id: string;
  readonly checkpoint_ns: string;
  readonly checkpoint_id: string;
  readonly task_id: string;
  readonly idx: number;
  readonly channel: string;
  readonly type: string | null;
  readonly value: Buffer | string | null;
}

/** Whether LangGraph's own SqliteSaver has written to this file. */
export function hasUpstreamTables(database: Database): boolean {
  const columns = database.pragma("table_info(checkpoints)") as readonly { readonly name: string }[];
  return ["checkpoint_ns", "parent_checkpoint_id", "metadata"].every((name) => columns.some((column) => column.name === name));
}

/**
 * Takes over what LangGraph's SqliteSaver has written, so that its threads go on here; its tables are then gone. Inside a
 * transaction. Its version numbers become strings, since LangGraph compares a number with a string as text.
 */
export function adoptUpstream(database: Database, path: string): void {
  const contents = new Contents(database, path);
  const threads = new Threads(database, path);
  const checkpoints = new Checkpoints(database, contents, path);
  const ids = database.prepare<[], number>("SELECT rowid FROM checkpoints ORDER BY thread_id, checkpoint_ns, checkpoint_id").pluck().all();
  const select = database.prepare<[unknown], UpstreamRow>("SELECT * FROM checkpoints WHERE rowid = ?");
  for (const id of ids) adoptCheckpoint(threads, checkpoints, select.get(id) as UpstreamRow); // listed just now
  const writes = database.prepare<[], number>("SELECT rowid FROM writes ORDER BY thread_id, checkpoint_ns, checkpoint_id, task_id, idx");
  const selectWrite = database.prepare<[unknown], UpstreamWrite>("SELECT * FROM writes WHERE rowid = ?");
  for (const id of writes.pluck().all()) adoptWrite(threads, checkpoints, selectWrite.get(id) as UpstreamWrite);
  database.exec("DROP TABLE checkpoints; DROP TABLE writes");
}

function adoptCheckpoint(threads: Threads, checkpoints: Checkpoints, row: UpstreamRow): void {
  const thread = threads.findOrAdd(row.thread_id, row.checkpoint_ns);
  const parent = row.parent_checkpoint_id === null ? undefined : checkpoints.find(thread, compact(row.parent_checkpoint_id));
  const before = parent ? (JSON.parse(parent.channels) as Record<string, ValueRef>) : {};
  const checkpoint: unknown = JSON.parse(row.checkpoint.toString());
  if (typeof checkpoint !== "object") return; // its serializer puts a sentence in the place of what it cannot keep
  // Parsed without reviving anything, so what LangGraph's serializer encoded stays encoded.
  const { v, ts, channel_values, channel_versions, versions_seen } = checkpoint as Checkpoint;
  const refs = Object.entries(channel_values).map(([channel, value]) => {
    const content: Content = { type: "json", bytes: Buffer.from(JSON.stringify(value)) };
    return [channel, checkpoints.keep(content, before[channel])] as const;
  });
  const seen = Object.entries(versions_seen).map(([node, versions]) => [node, asStrings(versions)] as const);
  const state: CheckpointState = { v, ts, versions: asStrings(channel_versions), seen: Object.fromEntries(seen) };
  checkpoints.put({
    thread,
    id: compact(row.checkpoint_id),
    parent: row.parent_checkpoint_id === null ? null : compact(row.parent_checkpoint_id),
    state: stateText(state),
    channels: JSON.stringify(Object.fromEntries(refs)),
    metadata: row.metadata.toString(),
  });
}

function adoptWrite(threads: Threads, checkpoints: Checkpoints, row: UpstreamWrite): void {
  const thread = threads.findOrAdd(row.thread_id, row.checkpoint_ns);
  const bytes = Buffer.from(row.value ?? "null");
  const content: Content = { type: row.type === "bytes" ? "bytes" : "json", bytes };
  const at = { checkpoint: compact(row.checkpoint_id), task: compact(row.task_id), place: row.idx };
  checkpoints.putWrite({ thread, ...at, channel: row.channel }, content, true);
}

function asStrings(versions: Readonly<Record<string, string | number>>): Record<string, string | number> {
  const named = Object.entries(versions).map(([name, version]) => [
    name,
    typeof version === "number" ? versionString(version, 0) : version,
  ]);
  return Object.fromEntries(named) as Record<string, string | number>;
}
