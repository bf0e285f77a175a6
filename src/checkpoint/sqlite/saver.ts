import type { RunnableConfig } from "@langchain/core/runnables";
import {
  BaseCheckpointSaver,
  type ChannelVersions,
  type Checkpoint,
  type CheckpointListOptions,
  type CheckpointMetadata,
  type CheckpointPendingWrite,
  type CheckpointTuple,
  maxChannelVersion,
  type PendingWrite,
  TASKS,
  WRITES_IDX_MAP,
} from "@langchain/langgraph-checkpoint";
import { crashPoint } from "../../contracts/crash-point.js";
import type { RunId } from "../../contracts/ids.js";
import type { Content } from "../content.js";
import { EPOCH_KEY } from "../ports.js";
import { damagedFile, isOutdated } from "./answering.js";
import { nextVersion } from "./channel-version.js";
import { type CheckpointRow, type CheckpointState, type Checkpoints, stateOf, stateText, type ValueRef } from "./checkpoints.js";
import { type CompactId, compact, expanded } from "./compact-id.js";
import { Encoder } from "./encode.js";
import type { Ground } from "./ground.js";
import { Riding } from "./riding.js";
import type { Threads } from "./threads.js";

interface ListedRow extends CheckpointRow {
  readonly thread_id: string;
  readonly namespace: string;
  readonly thread_sum: number;
}

/** A value is looked at for what it shares with what was written to it from this length on. */
const LONG_BYTES = 256;
/** Checkpoints are listed in pages of so many, and only those that are asked for are loaded. */
const PAGE = 50;

/**
 * LangGraph's checkpoints. Only channels that changed are written, each value once (see `Contents`); a checkpoint refers to
 * its values by itself, so branches of a fork can share what they have in common and nothing else. All writes share the
 * transactions of everything else that is waiting. Those of a run that an orchestrator carries (its epoch stands in the
 * config) are refused once the run has changed hands, and ride: their promises resolve once they are in the queue, ahead of
 * everything the run writes later.
 */
export class GraphSaver extends BaseCheckpointSaver {
  readonly #encoder: Encoder;
  readonly #threads: Threads;
  readonly #checkpoints: Checkpoints;
  readonly #riding: Riding;

  constructor(private readonly ground: Ground) {
    super();
    this.#encoder = new Encoder(this.serde);
    this.#threads = ground.threads;
    this.#checkpoints = ground.checkpoints;
    this.#riding = new Riding(ground.writer, ground.rows);
  }

  override async getTuple(config: RunnableConfig): Promise<CheckpointTuple | undefined> {
    try {
      return await this.#found(config);
    } catch (thrown) {
      if (isOutdated(this.ground, thrown)) return this.getTuple(config);
      throw damagedFile(this.ground.path, thrown);
    }
  }

  override async *list(config: RunnableConfig, options?: CheckpointListOptions): AsyncGenerator<CheckpointTuple> {
    try {
      yield* this.#listed(config, options);
    } catch (thrown) {
      throw damagedFile(this.ground.path, thrown);
    }
  }

  async #found(config: RunnableConfig): Promise<CheckpointTuple | undefined> {
    this.ground.prunes.notice();
    const { threadId, namespace, checkpointId } = wantedOf(config);
    await this.#riding.settled(threadId);
    const thread = threadId === undefined ? undefined : this.#threads.find(threadId, namespace);
    if (threadId === undefined || thread === undefined) return undefined;
    const row = checkpointId === undefined ? this.#checkpoints.latest(thread) : this.#checkpoints.find(thread, compact(checkpointId));
    return row && this.#tupleOf({ ...row, thread_id: threadId, namespace });
  }

  async *#listed(config: RunnableConfig, options: CheckpointListOptions = {}): AsyncGenerator<CheckpointTuple> {
    let { limit: left = Number.POSITIVE_INFINITY } = options;
    await this.#riding.settled(wantedOf(config).threadId);
    const filter = Object.entries(options.filter ?? {}).filter(([, value]) => value !== undefined);
    const before = options.before?.configurable?.["checkpoint_id"] as string | undefined;
    let last: ListedRow | undefined;
    while (left > 0) {
      const rows = this.#page(config, last ?? (before === undefined ? undefined : { id: compact(before), thread: 0 }));
      for (const row of rows) {
        const metadata = JSON.parse(row.metadata) as Record<string, unknown>;
        if (!filter.every(([key, value]) => JSON.stringify(metadata[key]) === JSON.stringify(value))) continue;
        const tuple = await this.#tupleIfKept(row);
        if (!tuple) continue;
        yield tuple;
        if (--left <= 0) return;
      }
      if (rows.length < PAGE) return;
      last = rows.at(-1);
    }
  }

  /** Undefined when the checkpoint was taken away since it was listed. */
  async #tupleIfKept(row: ListedRow): Promise<CheckpointTuple | undefined> {
    try {
      return await this.#tupleOf(row);
    } catch (thrown) {
      if (!isOutdated(this.ground, thrown)) throw thrown;
      return this.#found(configOf(row));
    }
  }

  override async put(
    config: RunnableConfig,
    checkpoint: Checkpoint,
    metadata: CheckpointMetadata,
    newVersions?: ChannelVersions,
  ): Promise<RunnableConfig> {
    const { threadId, namespace, checkpointId } = placeOf(config);
    const changed = Object.keys(newVersions ?? checkpoint.channel_values).filter((channel) => channel in checkpoint.channel_values);
    const { v, id, ts, channel_versions: versions, versions_seen: seen } = checkpoint;
    const text = stateText({ v, ts, versions, seen });
    const encoding = this.#encoder.encode("metadata", metadata);
    const values = await Promise.all(
      changed.map(
        async (channel): Promise<[string, Content]> => [channel, await this.#encoder.encode(channel, checkpoint.channel_values[channel])],
      ),
    );
    const about = await encoding;
    crashPoint("checkpoint.written:before");
    const write = () => {
      const thread = this.#threads.findOrAdd(threadId, namespace);
      const row = checkpointId === undefined ? undefined : this.#checkpoints.find(thread, compact(checkpointId));
      const parent = row && { id: row.id, refs: refsOf(row), state: stateOf(row) };
      const refs = parent ? carriedOver(parent, checkpoint, changed) : {};
      // Only a long list is worth asking what was added to it.
      const added =
        parent && values.some(([, { bytes }]) => bytes.length >= LONG_BYTES) ? this.#checkpoints.addedTo(thread, parent.id) : [];
      for (const [channel, value] of values) {
        const written = added.filter((write) => write.channel === channel).map((write) => write.value);
        refs[channel] = this.#checkpoints.keep(value, parent?.refs[channel], written);
      }
      this.#checkpoints.put({
        thread,
        id: compact(id),
        parent: parent?.id ?? compactOrNone(checkpointId),
        state: text,
        channels: JSON.stringify(refs),
        metadata: withNodes(config, about, seen, parent?.state.seen ?? {}),
      });
    };
    await this.#write(config, threadId, write, () => crashPoint("checkpoint.written:after"));
    return configOf({ thread_id: threadId, namespace, id });
  }

  override async putWrites(config: RunnableConfig, writes: PendingWrite[], taskId: string): Promise<void> {
    const { threadId, namespace, checkpointId } = placeOf(config);
    if (checkpointId === undefined) throw new Error('Writes need a "checkpoint_id" in config.configurable.');
    const replace = writes.every(([channel]) => channel in WRITES_IDX_MAP);
    const values = await Promise.all(writes.map(([channel, value]) => this.#encoder.encode(channel, value)));
    await this.#write(config, threadId, () => {
      const at = { thread: this.#threads.findOrAdd(threadId, namespace), checkpoint: compact(checkpointId), task: compact(taskId) };
      for (const [index, [channel]] of writes.entries()) {
        const row = { ...at, place: WRITES_IDX_MAP[channel] ?? index, channel };
        this.#checkpoints.putWrite(row, values[index] as Content, replace); // one value for each write
      }
    });
  }

  override deleteThread(threadId: string): Promise<void> {
    const { writer, database, prunes } = this.ground;
    return writer.write(() => {
      const threads = "SELECT id FROM graph_threads WHERE thread_id = ?";
      database.prepare(`DELETE FROM graph_writes WHERE thread IN (${threads})`).run(threadId);
      database.prepare(`DELETE FROM graph_checkpoints WHERE thread IN (${threads})`).run(threadId);
      database.prepare("DELETE FROM graph_threads WHERE thread_id = ?").run(threadId);
      this.#checkpoints.forgetRecent();
      this.#threads.forgetRecent();
      prunes.took();
    });
  }

  /** Unique, and sortable as text: `00000c.k3f9x`. Two branches of a fork never make the same one. */
  override getNextVersion(current: number | undefined): number {
    return nextVersion(current) as unknown as number; // LangGraph takes strings as well; its types follow the default
  }

  async #tupleOf(row: Omit<ListedRow, "thread_sum">): Promise<CheckpointTuple> {
    const { v, ts, versions, seen } = stateOf(row);
    const values: Record<string, unknown> = {};
    for (const [channel, ref] of Object.entries(refsOf(row))) values[channel] = await this.#valueOf(ref);
    const checkpoint = {
      v,
      id: expanded(row.id),
      ts,
      channel_values: values,
      channel_versions: versions,
      versions_seen: seen,
    } as Checkpoint;
    const pending = this.#checkpoints.writesTo(row.thread, row.id);
    const pendingWrites = await Promise.all(
      pending.map(
        async ({ task, channel, value }): Promise<CheckpointPendingWrite> => [expanded(task), channel, await this.#valueOf(value)],
      ),
    );
    if (v < 4 && row.parent !== null) await this.#adoptSends(checkpoint, row.thread, row.parent);
    return {
      config: configOf(row),
      checkpoint,
      metadata: (await this.#encoder.decode({ type: "json", bytes: Buffer.from(row.metadata) })) as CheckpointMetadata,
      ...(row.parent === null ? {} : { parentConfig: configOf({ ...row, id: row.parent }) }),
      pendingWrites,
    };
  }

  #valueOf(ref: ValueRef): Promise<unknown> {
    return this.#encoder.decode(this.#checkpoints.valueOf(ref));
  }

  /** Checkpoints of the format before 4 keep the sends to their tasks with the checkpoint before. */
  async #adoptSends(checkpoint: Checkpoint, thread: number, parent: CompactId): Promise<void> {
    const sends = this.#checkpoints.writesTo(thread, parent).filter(({ channel }) => channel === TASKS);
    const versions = Object.values(checkpoint.channel_versions);
    checkpoint.channel_values[TASKS] = await Promise.all(sends.map(({ value }) => this.#valueOf(value)));
    checkpoint.channel_versions[TASKS] = versions.length > 0 ? maxChannelVersion(...versions) : this.getNextVersion(undefined);
  }

  /** Ids are a thread's own: the same one may stand in several. Threads are counted from 1. */
  #page(config: RunnableConfig, after: Pick<ListedRow, "id" | "thread"> | undefined): ListedRow[] {
    const { threadId } = wantedOf(config);
    const namespace: unknown = config.configurable?.["checkpoint_ns"];
    const conditions: [string, unknown][] = [
      ["t.thread_id = ?", threadId],
      ["t.namespace = ?", namespace ?? undefined],
      ["(c.id, c.thread) < (?, ?)", after && [after.id, after.thread]],
    ];
    const given = conditions.filter(([, value]) => value !== undefined);
    const where = given.length > 0 ? `WHERE ${given.map(([condition]) => condition).join(" AND ")}` : "";
    const sql = `SELECT c.*, t.thread_id, t.namespace, t.sum AS thread_sum FROM graph_checkpoints c JOIN graph_threads t ON t.id = c.thread ${where} ORDER BY c.id DESC, c.thread DESC LIMIT ${PAGE}`;
    const rows = this.ground.database.prepare<unknown[], ListedRow>(sql).all(...given.flatMap(([, value]) => value));
    for (const row of rows) {
      this.#checkpoints.checked(row);
      this.#threads.check(row.thread_id, row.namespace, row.thread_sum);
    }
    return rows;
  }

  /** A graph that runs without an orchestrator (Studio, a hand-written one) has its epoch in its nodes only. */
  async #write(config: RunnableConfig, threadId: string, statements: () => void, written = () => {}): Promise<void> {
    const epoch: unknown = config.configurable?.[EPOCH_KEY];
    if (typeof epoch === "number") return this.#riding.write({ runId: threadId as RunId, epoch }, statements, written);
    await this.ground.writer.write(statements);
    written();
  }
}

interface Parent {
  readonly refs: Readonly<Record<string, ValueRef>>;
  readonly state: CheckpointState;
}

/** What has not changed is where the parent's checkpoint has it. */
function carriedOver({ refs, state }: Parent, checkpoint: Checkpoint, changed: readonly string[]): Record<string, ValueRef> {
  const kept = Object.entries(refs).filter(
    ([channel]) =>
      channel in checkpoint.channel_values &&
      !changed.includes(channel) &&
      state.versions[channel] === checkpoint.channel_versions[channel],
  );
  return Object.fromEntries(kept);
}

function refsOf({ channels }: CheckpointRow): Record<string, ValueRef> {
  return JSON.parse(channels) as Record<string, ValueRef>;
}

/** In a run of ours the metadata say which run it is and whose work the checkpoint brought. */
function withNodes(config: RunnableConfig, metadata: Content, seen: CheckpointState["seen"], before: CheckpointState["seen"]): string {
  const text = Buffer.from(metadata.bytes).toString("utf8");
  if (config.configurable?.[EPOCH_KEY] === undefined) return text;
  const nodes = Object.keys(seen).filter((node) => JSON.stringify(seen[node]) !== JSON.stringify(before[node]) && !node.startsWith("__"));
  return JSON.stringify({ ...(JSON.parse(text) as object), run_id: config.configurable["thread_id"], nodes });
}

function configOf(row: Pick<ListedRow, "thread_id" | "namespace" | "id">): RunnableConfig {
  return { configurable: { thread_id: row.thread_id, checkpoint_ns: row.namespace, checkpoint_id: expanded(row.id) } };
}

function compactOrNone(id: string | undefined): CompactId | null {
  return id === undefined ? null : compact(id);
}

function wantedOf({ configurable }: RunnableConfig) {
  const threadId = configurable?.["thread_id"] as string | undefined;
  const namespace = (configurable?.["checkpoint_ns"] as string | undefined) ?? "";
  const checkpointId = (configurable?.["checkpoint_id"] as string | undefined) || undefined;
  return { threadId, namespace, checkpointId };
}

function placeOf(config: RunnableConfig) {
  const { threadId, ...place } = wantedOf(config);
  if (typeof threadId === "string" && threadId !== "") return { threadId, ...place };
  throw new Error('A checkpoint needs a "thread_id" in config.configurable.');
}
