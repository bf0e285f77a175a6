import type { RunnableConfig } from "@langchain/core/runnables";
import { type Lease, type RunId, type Store, seal } from "walkback";
import { acceptedIn, aNewRun, anEntry, aQuestion, aVersion } from "../support/records.js";

/** What a store holds before something is done to it: a run, and a thread with two checkpoints. */
export interface Ready {
  readonly run: Lease;
  readonly thread: RunnableConfig;
  readonly last: RunnableConfig;
}

const AT = "2026-11-02T08:00:05.000Z";
const RUN = "00000000-0000-7000-8000-00000000abcd" as RunId;
const FAILURE = { code: "AGENT_FAILED", message: "no", details: {}, causes: [] } as const;
const METADATA = { source: "loop" as const, step: 0, parents: {} };

export async function readied(store: Store): Promise<Ready> {
  const run = await acceptedIn(store, { runId: RUN });
  await store.versions.append(aVersion(run, { data: seal({ list: ["x".repeat(300)] }) }));
  await store.runs.ask(run, aQuestion());
  const thread = { configurable: { thread_id: "a thread", checkpoint_ns: "" } };
  const first = await store.checkpointer.put(thread, checkpoint("1", 1), METADATA, { list: 1, text: 1 });
  return { run, thread, last: await store.checkpointer.put(first, checkpoint("2", 2), METADATA, { list: 2 }) };
}

/** What a caller may do to such a store; each is one promise. */
export const operations = {
  put: (store: Store, { last }: Ready) => store.checkpointer.put(last, checkpoint("3", 3), METADATA, { list: 3, text: 3 }),
  "put again": (store: Store, { thread }: Ready) => store.checkpointer.put(thread, checkpoint("2", 4), METADATA, { list: 3, text: 3 }),
  putWrites: (store: Store, { last }: Ready) =>
    store.checkpointer.putWrites(
      last,
      [
        ["list", ["y".repeat(200)]],
        ["text", new Uint8Array(200)],
      ],
      "task",
    ), // prettier-ignore
  deleteThread: (store: Store) => store.checkpointer.deleteThread("a thread"),
  append: (store: Store, { run }: Ready) =>
    store.versions.append(aVersion(run, { round: 1, data: seal({ list: ["x".repeat(300), "y".repeat(300)] }) })),
  appendFailure: (store: Store, { run }: Ready) =>
    store.versions.appendFailure({ ...run, agent: "pay-out", round: 0, failure: FAILURE, at: AT }),
  journal: (store: Store, { run }: Ready) => store.journal.append(anEntry(run)),
  accept: (store: Store) =>
    store.runs.accept(aNewRun({ idempotencyKey: "order-1", program: seal({ agents: { ["a".repeat(200)]: 1 }, contracts: {} }) })),
  fork: (store: Store) => {
    const { runId, acceptedAt, holder, until } = aNewRun();
    return store.runs.fork({ runId, acceptedAt, holder, until, from: { runId: RUN, number: 1 }, data: seal({ list: [] }) });
  },
  answer: (store: Store) => store.runs.answer(RUN, aQuestion().id, { decision: "retry" }, AT),
  change: (store: Store, { run }: Ready) => store.runs.change(run, { status: "completed", endedAt: AT, outputVersion: 1 }),
  "several at once": (store: Store, ready: Ready) =>
    Promise.all([
      operations.append(store, ready),
      operations.put(store, ready),
      operations.journal(store, ready),
      operations.accept(store),
    ]),
} as const;

export type Operation = keyof typeof operations;

function checkpoint(id: string, step: number) {
  const list = Array.from({ length: step }, (_, index) => `${index} ${"word ".repeat(40)}`);
  return {
    v: 4,
    id,
    ts: "",
    channel_values: { list, text: `step ${step} ${"x".repeat(200)}` },
    channel_versions: { list: step, text: step },
    versions_seen: {},
  };
}
