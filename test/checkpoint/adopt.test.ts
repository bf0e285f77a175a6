import { copyFileSync, existsSync } from "node:fs";
import { AIMessage, type BaseMessage, HumanMessage } from "@langchain/core/messages";
import {
  Annotation,
  type BaseCheckpointSaver,
  Command,
  END,
  interrupt,
  MessagesAnnotation,
  Send,
  START,
  StateGraph,
} from "@langchain/langgraph";
import { SqliteSaver } from "@langchain/langgraph-checkpoint-sqlite";
import SqliteDatabase from "better-sqlite3";
import { expect, test } from "vitest";
import { sqliteStore } from "walkback";
import { dumpOf } from "../support/dump.js";
import { acceptedIn } from "../support/records.js";
import { atEachStatement } from "../support/statements.js";
import { aFolder, type Folder } from "../support/store.js";

const at = (thread_id: string) => ({ configurable: { thread_id } });

/** Answers each message with one that counts what was said. */
const chat = (checkpointer: BaseCheckpointSaver) =>
  new StateGraph(MessagesAnnotation)
    .addNode("answer", ({ messages }) => ({
      messages: [new AIMessage({ id: `a${messages.length}`, content: `That makes ${messages.length}. ${"Well. ".repeat(30)}` })],
    }))
    .addEdge(START, "answer")
    .addEdge("answer", END)
    .compile({ checkpointer });

/** Asks in a subgraph, after work in two branches; what it keeps are Sets, Maps and undefined. */
const approval = (checkpointer: BaseCheckpointSaver) => {
  const Inner = Annotation.Root({ amount: Annotation<number>, approved: Annotation<string>, draft: Annotation<string> });
  const inner = new StateGraph(Inner)
    .addNode("write", ({ amount }) => ({ draft: `pay ${amount} ${"please ".repeat(40)}` }))
    .addNode("wait", ({ amount }) => ({ approved: interrupt<string, string>(`pay ${amount}?`) }))
    .addEdge(START, "write")
    .addEdge("write", "wait")
    .addEdge("wait", END)
    .compile();
  const State = Annotation.Root({
    amount: Annotation<number>,
    seen: Annotation<Set<string>>({ reducer: (before, added) => new Set([...before, ...added]), default: () => new Set() }),
    prices: Annotation<Map<string, number> | undefined>,
    approved: Annotation<string>,
    shares: Annotation<number[]>({ reducer: (before, added) => [...before, ...added].toSorted(), default: () => [] }),
  });
  return new StateGraph(State)
    .addNode("look", () => ({ seen: new Set(["file"]), prices: new Map([["tea", 3]]) }))
    .addNode("score", () => ({ seen: new Set(["score"]) }))
    .addNode("inner", inner)
    .addNode("split", () => ({}))
    .addNode("share", ({ amount }: { amount: number }) => ({ shares: [amount] }))
    .addEdge(START, "look")
    .addEdge(START, "score")
    .addEdge(["look", "score"], "inner")
    .addEdge("inner", "split")
    .addConditionalEdges("split", ({ amount }) => [1, 2, 3].map((part) => new Send("share", { amount: amount * part })), ["share"])
    .addEdge("share", END)
    .compile({ checkpointer });
};

/** A file that LangGraph's own saver has written: two conversations, one of them forked, and two that wait for an answer. */
async function anUpstreamFile(folder: Folder): Promise<string> {
  const path = folder.file("graphs.db");
  const saver = SqliteSaver.fromConnString(path);
  for (const thread of ["talk", "forked"])
    for (let turn = 0; turn < 4; turn++)
      await chat(saver).invoke({ messages: [new HumanMessage({ id: `h${turn}`, content: `${thread} ${turn}` })] }, at(thread));
  const history = await historyOf(chat(saver), "forked");
  const earlier = history.find(({ values }) => (values as { messages: BaseMessage[] }).messages.length === 4)?.["config"] as ReturnType<
    typeof at
  >;
  const forked = await chat(saver).updateState(earlier, { messages: [new HumanMessage({ id: "h9", content: "no, rather this" })] });
  await chat(saver).invoke(null, forked);
  await approval(saver).invoke({ amount: 10 }, at("waits"));
  await approval(saver).invoke({ amount: 20 }, at("waits too"));
  await approval(saver).invoke(new Command({ resume: "yes" }), at("waits too"));
  saver.db.close();
  return path;
}

type Graph = ReturnType<typeof chat> | ReturnType<typeof approval>;

async function historyOf(graph: Graph, thread: string) {
  const history: Record<string, unknown>[] = [];
  for await (const { values, next, config, metadata, parentConfig, createdAt, tasks } of graph.getStateHistory(at(thread))) {
    const todo = tasks.map(({ id, name, path, interrupts, error }) => ({ id, name, path, interrupts, error }));
    history.push({ values, next, config, metadata, parentConfig, createdAt, tasks: todo });
  }
  return history;
}

const allHistories = async (checkpointer: BaseCheckpointSaver) => ({
  talk: await historyOf(chat(checkpointer), "talk"),
  forked: await historyOf(chat(checkpointer), "forked"),
  waits: await historyOf(approval(checkpointer), "waits"),
  waitsToo: await historyOf(approval(checkpointer), "waits too"),
});

/** The same again with LangGraph's saver, on a copy. */
async function withUpstream<T>(path: string, work: (saver: SqliteSaver) => Promise<T>): Promise<T> {
  const saver = SqliteSaver.fromConnString(path);
  try {
    return await work(saver);
  } finally {
    saver.db.close();
  }
}

function copied(path: string, to: string): string {
  for (const suffix of ["", "-wal"]) if (existsSync(path + suffix)) copyFileSync(path + suffix, to + suffix);
  return to;
}

test("every thread of LangGraph's SqliteSaver reads back as it was", async () => {
  await using folder = await aFolder();
  const path = await anUpstreamFile(folder);
  const expected = await withUpstream(path, allHistories);
  const tuples = await withUpstream(path, async (saver) => all(saver));

  const store = sqliteStore(path);

  expect(await allHistories(store.checkpointer)).toEqual(expected);
  expect((await all(store.checkpointer)).map(({ config }) => config)).toEqual(tuples.map(({ config }) => config));
  expect(expected.talk.length + expected.forked.length + expected.waits.length + expected.waitsToo.length).toBeLessThan(tuples.length); // those of the subgraph
  expect((await store.verify()).problems).toEqual([]);
  await store.close();
});

async function all(saver: BaseCheckpointSaver) {
  const found = [];
  for await (const tuple of saver.list({})) found.push(tuple);
  return found.toSorted((a, b) => (JSON.stringify(a.config) < JSON.stringify(b.config) ? -1 : 1));
}

test("every thread goes on here as it would have there", async () => {
  await using folder = await aFolder();
  const path = await anUpstreamFile(folder);
  const goesOn = async (checkpointer: BaseCheckpointSaver) => {
    const more = { messages: [new HumanMessage({ id: "h8", content: "and now?" })] };
    const talk = await chat(checkpointer).invoke(more, at("talk"));
    const forked = await chat(checkpointer).invoke(more, at("forked"));
    const oldest = (await historyOf(chat(checkpointer), "talk")).at(-3)?.["config"] as ReturnType<typeof at>;
    const again = await chat(checkpointer).invoke(null, oldest);
    const waits = await approval(checkpointer).invoke(new Command({ resume: "no" }), at("waits"));
    const waitsToo = await approval(checkpointer).invoke({ amount: 30 }, at("waits too"));
    const answered = await approval(checkpointer).invoke(new Command({ resume: "maybe" }), at("waits too"));
    const next = (await approval(checkpointer).getState(at("waits too"))).next;
    const nothings = await approval(checkpointer).invoke(null, at("waits"));
    return { talk, forked, again, waits, waitsToo: withoutIds(waitsToo), answered, next, nothings };
  };
  const expected = await withUpstream(copied(path, folder.file("copy.db")), goesOn);

  const store = sqliteStore(path);

  const found = await goesOn(store.checkpointer);
  expect(found).toEqual(expected);
  expect(found).toMatchObject({ waits: { approved: "no", shares: [10, 20, 30] }, answered: { approved: "maybe" }, next: [] });
  expect((await store.verify()).problems).toEqual([]);
  await store.close();
});

/** Ids of interrupts are hashes over ids that are made anew. */
function withoutIds(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value, (key, inner: unknown) => (key === "id" ? undefined : inner)));
}

test("opening it again changes nothing, and runs live beside the threads", async () => {
  await using folder = await aFolder();
  const path = await anUpstreamFile(folder);
  const expected = await withUpstream(path, allHistories);
  const first = sqliteStore(path);
  const { runId } = await acceptedIn(first);
  await first.close();

  const [one, other] = [sqliteStore(path), sqliteStore(path)];

  expect(await allHistories(one.checkpointer)).toEqual(expected);
  expect(await allHistories(other.checkpointer)).toEqual(expected);
  expect(await other.runs.find(runId)).toBeDefined();
  await Promise.all([one.close(), other.close()]);
});

test("what LangGraph's saver writes to the file later is taken over, too", async () => {
  await using folder = await aFolder();
  const path = await anUpstreamFile(folder);
  const expected = await withUpstream(path, allHistories);
  await sqliteStore(path).close();
  await withUpstream(path, (saver) => chat(saver).invoke({ messages: [new HumanMessage({ id: "h", content: "hello?" })] }, at("new")));

  const store = sqliteStore(path);

  expect(await allHistories(store.checkpointer)).toEqual(expected);
  expect((await chat(store.checkpointer).getState(at("new"))).values).toMatchObject({ messages: [{ content: "hello?" }, {}] });
  await store.close();
});

test("bytes in a write, which LangGraph's saver reads back as text, are bytes again; a checkpoint it has spoiled is left behind", async () => {
  await using folder = await aFolder();
  const path = folder.file("graphs.db");
  const bytes = Uint8Array.from([0, 200, 255, 10]);
  await withUpstream(path, async (saver) => {
    const checkpoint = { v: 4, id: "1", ts: "", channel_values: { a: 1 }, channel_versions: { a: 1 }, versions_seen: {} };
    const metadata = { source: "loop" as const, step: 0, parents: {} };
    const config = await saver.put({ configurable: { thread_id: "bytes", checkpoint_ns: "" } }, checkpoint, metadata);
    await saver.putWrites(config, [["a", bytes]], "task");
    await saver.put(config, { ...checkpoint, id: "2", channel_values: { a: 1n } }, metadata);
  });

  const store = sqliteStore(path);

  expect(await store.checkpointer.getTuple(at("bytes"))).toMatchObject({
    checkpoint: { id: "1", channel_values: { a: 1 } },
    pendingWrites: [["task", "a", bytes]],
  });
  expect((await store.verify()).problems).toEqual([]);
  await store.close();
});

test("a crash anywhere in between leaves the file as LangGraph's saver left it, or taken over", async () => {
  await using folder = await aFolder();
  const path = await anUpstreamFile(folder);
  const before = dumpOf(path);
  const expected = await withUpstream(copied(path, folder.file("copy.db")), allHistories);

  const crashes: string[] = [];
  const watching = atEachStatement((statement, moment) => {
    if (statement > 30 && statement % 17 !== 0) return;
    crashes.push(copied(path, folder.file(`crash-${statement}-${moment}.db`)));
  });
  const store = sqliteStore(path);
  watching[Symbol.dispose]();
  await store.close();
  const after = dumpOf(path);

  expect(crashes.length).toBeGreaterThan(60);
  const outcomes = new Set(crashes.map((crash) => dumpOf(crash)));
  expect([...outcomes].every((found) => found === before || found === after)).toBe(true);
  expect(outcomes.has(before)).toBe(true);
  const halfway = crashes[Math.floor(crashes.length / 2)] as string;
  expect(await withUpstream(copied(halfway, folder.file("halfway.db")), allHistories)).toEqual(expected);
  const resumed = sqliteStore(halfway);
  expect(await allHistories(resumed.checkpointer)).toEqual(expected);
  await resumed.close();
});

test("tables of the same name that are somebody else's are left alone", async () => {
  await using folder = await aFolder();
  const path = folder.file("graphs.db");
  const database = new SqliteDatabase(path);
  database.exec("CREATE TABLE checkpoints (id TEXT, place TEXT); INSERT INTO checkpoints VALUES ('1', 'on the road')");
  database.close();

  expect(() => sqliteStore(path)).toThrow("no Walkback store (it has checkpoints)");

  const left = new SqliteDatabase(path);
  expect(left.prepare("SELECT * FROM checkpoints").all()).toEqual([{ id: "1", place: "on the road" }]);
  left.close();
});
