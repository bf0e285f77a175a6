import type { RunnableConfig } from "@langchain/core/runnables";
import {
  type Checkpoint,
  type CheckpointMetadata,
  copyCheckpoint,
  type PendingWrite,
  WRITES_IDX_MAP,
} from "@langchain/langgraph-checkpoint";
import { SqliteSaver } from "@langchain/langgraph-checkpoint-sqlite";
import type { Database } from "better-sqlite3";
import { crashPoint } from "../../contracts/crash-point.js";
import type { RunId } from "../../contracts/ids.js";
import { EPOCH_KEY } from "../ports.js";
import { fenceOf } from "./fence.js";
import type { Writer } from "./writer.js";

/**
 * LangGraph's SQLite saver with its writes in the store's hands: they share the transactions of everything else that is
 * waiting (one fsync), wait when another process is writing, and are refused once the run has changed hands.
 */
export class FencedSaver extends SqliteSaver {
  readonly #fence: ReturnType<typeof fenceOf>;
  readonly #insertCheckpoint;
  readonly #insertWrite;
  readonly #replaceWrite;

  constructor(
    database: Database,
    private readonly writer: Writer,
  ) {
    super(database);
    this.setup(); // its tables are made on first use otherwise, which could fall into one of our transactions
    this.#fence = fenceOf(database);
    this.#insertCheckpoint = database.prepare(
      `INSERT OR REPLACE INTO checkpoints (thread_id, checkpoint_ns, checkpoint_id, parent_checkpoint_id, type, checkpoint, metadata)
       VALUES (?, ?, ?, ?, ?, ?, ?)`,
    );
    const insertWrite = (verb: string) =>
      database.prepare(
        `INSERT OR ${verb} INTO writes (thread_id, checkpoint_ns, checkpoint_id, task_id, idx, channel, type, value) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
      );
    this.#insertWrite = insertWrite("IGNORE");
    this.#replaceWrite = insertWrite("REPLACE");
  }

  override async put(config: RunnableConfig, checkpoint: Checkpoint, metadata: CheckpointMetadata): Promise<RunnableConfig> {
    const { threadId, namespace, checkpointId: parentId } = placeOf(config);
    const [[type, body], [, about]] = await Promise.all([
      this.serde.dumpsTyped(copyCheckpoint(checkpoint)),
      this.serde.dumpsTyped(metadata),
    ]);
    crashPoint("checkpoint.written:before");
    await this.#write(config, () => this.#insertCheckpoint.run(threadId, namespace, checkpoint.id, parentId, type, body, about));
    crashPoint("checkpoint.written:after");
    return { configurable: { thread_id: threadId, checkpoint_ns: namespace, checkpoint_id: checkpoint.id } };
  }

  override async putWrites(config: RunnableConfig, writes: PendingWrite[], taskId: string): Promise<void> {
    const { threadId, namespace, checkpointId } = placeOf(config);
    const statement = writes.every(([channel]) => channel in WRITES_IDX_MAP) ? this.#replaceWrite : this.#insertWrite;
    const rows = await Promise.all(
      writes.map(async ([channel, value], index) => {
        const [type, body] = await this.serde.dumpsTyped(value);
        return [threadId, namespace, checkpointId, taskId, WRITES_IDX_MAP[channel] ?? index, channel, type, body];
      }),
    );
    await this.#write(config, () => {
      for (const row of rows) statement.run(...row);
    });
  }

  override deleteThread(threadId: string): Promise<void> {
    return this.writer.write(() => {
      this.db.prepare("DELETE FROM checkpoints WHERE thread_id = ?").run(threadId);
      this.db.prepare("DELETE FROM writes WHERE thread_id = ?").run(threadId);
    });
  }

  #write(config: RunnableConfig, statements: () => unknown): Promise<unknown> {
    const epoch: unknown = config.configurable?.[EPOCH_KEY];
    return this.writer.write(() => {
      // A graph that runs without an orchestrator (Studio, a hand-written one) has its epoch in its nodes only.
      if (typeof epoch === "number") this.#fence({ runId: placeOf(config).threadId as RunId, epoch });
      statements();
    });
  }
}

function placeOf({ configurable }: RunnableConfig) {
  const threadId: unknown = configurable?.["thread_id"];
  if (typeof threadId !== "string") throw new Error('A checkpoint needs a "thread_id" in config.configurable.');
  const namespace = (configurable?.["checkpoint_ns"] as string | undefined) ?? "";
  return { threadId, namespace, checkpointId: (configurable?.["checkpoint_id"] as string | undefined) ?? null };
}
