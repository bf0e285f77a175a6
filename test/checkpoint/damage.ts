import { copyFileSync, existsSync } from "node:fs";
import type { RunnableConfig } from "@langchain/core/runnables";
import { type Failure, isWalkbackError, type Lease, type RunId, type Store, seal, sqliteStore } from "walkback";
import { inspectRun } from "../../src/observe/inspect.js";
import { dumpOf } from "../support/dump.js";
import { acceptedIn, anEntry, anEvent, aQuestion, aVersion } from "../support/records.js";

const AT = "2026-11-02T08:01:00.000Z";
const FAILURE: Failure = { code: "AGENT_FAILED", message: "pay-out threw: no.", details: { agent: "pay-out" }, causes: ["Error: no"] };
const STATUSES = ["completed", "rolled-back", "waiting", "parked", "running"] as const;

/** Runs of every status with all that belongs to them, and threads with a conversation each: a few hundred KiB. */
export async function fill(store: Store): Promise<void> {
  for (let index = 0; index < 6; index++) {
    const status = STATUSES[index % STATUSES.length] ?? "running";
    const run = await aLongRun(store, index);
    await aThread(store, run.runId, 10);
    await end(store, run, status);
  }
  const { runId: from } = (await store.runs.list({ status: "completed", limit: 1 }))[0] as { runId: RunId };
  const runId = "00000000-0000-7000-8000-0000000f0000" as RunId;
  await store.runs.fork({
    runId,
    acceptedAt: AT,
    holder: "this process",
    until: AT,
    from: { runId: from, number: 4 },
    data: seal({ points: 1 }),
  });
  for (let thread = 0; thread < 2; thread++) await aThread(store, `thread-${thread}`, 25);
  await acceptedIn(store); // the store's last words are about a run
}

async function aLongRun(store: Store, index: number): Promise<Lease> {
  const program = seal({
    agents: { "calculate-score": 1, "pay-out": 2 },
    contracts: { "credit.score@1": { type: "object", description: "d".repeat(300) } },
  });
  const run = await acceptedIn(store, {
    idempotencyKey: `order-${index}`,
    program: program as never,
    input: seal({ applicantId: `a-${index}` }),
  });
  const reasons: string[] = [];
  for (let round = 0; round < 8; round++) {
    reasons.push(`reason ${round} of run ${index}: ${"because ".repeat(12)}`);
    await store.versions.append(aVersion(run, { round, data: seal({ points: 700 + round, reasons }) }));
    store.events.emit(anEvent(run, `agent-${round}`), run.epoch);
    await store.journal.append(
      anEntry(run, { key: `${run.runId}/pay-out/book/a-1/${round}`, generation: round, body: { args: { id: "a-1" }, round } }),
    );
    await store.journal.append(
      anEntry(run, {
        key: `${run.runId}/pay-out/book/a-1/${round}`,
        generation: round,
        phase: "performed",
        body: { receipt: `r-${round}` },
      }),
    );
  }
  await store.versions.appendFailure({ ...run, agent: "pay-out", round: 0, failure: FAILURE, at: AT });
  await store.runs.ask(run, aQuestion());
  await store.runs.answer(run.runId, aQuestion().id, { decision: "retry" }, AT);
  return run;
}

async function end(store: Store, run: Lease, status: (typeof STATUSES)[number]): Promise<void> {
  if (status === "completed") await store.runs.change(run, { status, endedAt: AT, outputVersion: 8 });
  if (status === "rolled-back") await store.runs.change(run, { status, endedAt: AT, failure: FAILURE });
  if (status === "waiting") await store.runs.ask(run, aQuestion({ id: "pay-out#1" }));
  if (status === "parked") await store.runs.ask(run, aQuestion({ id: "undo", kind: "undo-failed" }), FAILURE);
  if (status === "parked") await store.runs.requestCancel(run.runId, "the customer withdrew");
}

async function aThread(store: Store, thread_id: string, length: number): Promise<void> {
  let last: RunnableConfig = { configurable: { thread_id, checkpoint_ns: "" } };
  const messages: object[] = [];
  for (let step = 0; step < length; step++) {
    messages.push({ role: step % 2 ? "ai" : "human", content: `${thread_id} says ${step}: ${"word ".repeat(20)}` });
    const id = `${thread_id.slice(-8)}-${String(step).padStart(4, "0")}`;
    const values = { messages: [...messages], step, seen: new Set([thread_id, step]) };
    const checkpoint = {
      v: 4,
      id,
      ts: AT,
      channel_values: values,
      channel_versions: { messages: step, step, seen: step },
      versions_seen: { node: { step } },
    };
    last = await store.checkpointer.put(last, checkpoint, { source: "loop", step, parents: {} }, { messages: step, step, seen: step });
    await store.checkpointer.putWrites(
      last,
      [
        ["messages", [{ role: "tool", content: "x".repeat(150) }]],
        ["step", step + 1],
      ],
      "task",
    ); // prettier-ignore
  }
}

/** What can be asked of a store through its port, each question by a name. */
type Question = readonly [name: string, ask: (store: Store) => Promise<unknown>];

export interface Original {
  readonly path: string;
  readonly dump: string;
  readonly questions: readonly Question[];
  readonly answers: ReadonlyMap<string, string>;
}

const FILES = ["", "-wal", ".anchor"];

export function copied(from: string, to: string): string {
  for (const suffix of FILES) if (existsSync(from + suffix)) copyFileSync(from + suffix, to + suffix);
  return to;
}

/** A file as it should be: its dump, and what its store answers. */
export async function original(path: string): Promise<Original> {
  const dump = fullDump(copied(path, `${path}.to-dump`));
  const store = sqliteStore(copied(path, `${path}.to-read`));
  const questions = await allQuestions(store);
  const answers = new Map<string, string>();
  for (const [name, ask] of questions) answers.set(name, textOf(await ask(store)));
  await store.close();
  return { path, dump, questions, answers };
}

async function allQuestions(store: Store): Promise<Question[]> {
  const records = await store.runs.list({ limit: 1_000 });
  const threads = new Map<string, RunnableConfig[]>();
  for await (const { config } of store.checkpointer.list({})) {
    const id = String(config.configurable?.["thread_id"]);
    threads.set(id, [...(threads.get(id) ?? []), config]);
  }
  return [
    ["runs.list", (asked) => asked.runs.list({ limit: 1_000 })],
    ...STATUSES.map((status): Question => [`runs.list ${status}`, (asked) => asked.runs.list({ status, limit: 1_000 })]),
    ["runs.claimable", (asked) => asked.runs.claimable("2027-01-01T00:00:00.000Z", 1_000)],
    ["checkpointer.list", (asked) => listed(asked, {})],
    ...records.flatMap(({ runId }) => questionsOf(runId)),
    ...[...threads].flatMap(([id, configs]): Question[] => [
      [`getTuple ${id}`, (asked) => asked.checkpointer.getTuple({ configurable: { thread_id: id } })],
      [`checkpointer.list ${id}`, (asked) => listed(asked, { configurable: { thread_id: id } })],
      ...configs.slice(0, 3).map((config, index): Question => [`getTuple ${id} ${index}`, (asked) => asked.checkpointer.getTuple(config)]),
    ]),
  ];
}

function questionsOf(runId: RunId): Question[] {
  return [
    [`runs.find ${runId}`, (store) => store.runs.find(runId)],
    [`runs.findLike ${runId}`, (store) => store.runs.findLike(runId.slice(-7), 10)],
    [`runs.programOf ${runId}`, (store) => store.runs.programOf(runId)],
    [`runs.cancelRequests ${runId}`, (store) => store.runs.cancelRequests([runId])],
    [`runs.answered ${runId}`, (store) => store.runs.answered(runId)],
    [`runs.openQuestions ${runId}`, (store) => store.runs.openQuestions(runId)],
    [`versions.list ${runId}`, (store) => store.versions.list(runId)],
    [`versions.count ${runId}`, (store) => store.versions.count(runId)],
    [`versions.stateAt ${runId}`, async (store) => store.versions.stateAt(runId, (await store.versions.count(runId)) - 1)],
    [`versions.stateAt score ${runId}`, (store) => store.versions.stateAt(runId, 0, "credit.application")],
    [`versions.find ${runId}`, (store) => store.versions.find(runId, 3)],
    [`versions.outcome ${runId}`, (store) => store.versions.outcome(runId, "calculate-score", 2)],
    [`versions.outcome failed ${runId}`, (store) => store.versions.outcome(runId, "pay-out", 0)],
    [`journal.list ${runId}`, (store) => store.journal.list(runId)],
    [`events.list ${runId}`, (store) => store.events.list(runId)],
    [
      `inspect ${runId}`,
      async (store) => {
        const record = await store.runs.find(runId);
        return record && inspectRun(store, record);
      },
    ], // prettier-ignore
  ];
}

async function listed(store: Store, config: RunnableConfig): Promise<unknown[]> {
  const found: unknown[] = [];
  for await (const tuple of store.checkpointer.list(config)) found.push(tuple);
  return found;
}

function textOf(answer: unknown): string {
  return JSON.stringify(answer, (_key, value: unknown) => (value instanceof Set ? [...value] : value)) ?? "undefined";
}

/** What became of a damaged copy. */
export interface Examination {
  /** Whether it still says the same, and its structure is sound. */
  readonly live: boolean;
  /** What noticed it first: opening, or the parts that `verify` names. */
  readonly noticedBy: string;
  /** How many questions were refused with one of our errors. */
  readonly refusals: number;
  /** What went wrong with us: an answer that differs, or an error that is none of ours. */
  readonly misses: readonly string[];
  /** Answers that lack something the original's have: an index no longer leads there. `verify` tells of it; reading does not. */
  readonly absences: readonly string[];
}

export async function examine(path: string, { dump, questions, answers }: Original): Promise<Examination> {
  const live = fullDump(copied(path, `${path}.to-dump`)) !== dump;
  const opened = await noticed(() => Promise.resolve(sqliteStore(path)));
  if ("error" in opened)
    return {
      live,
      noticedBy: `opening: ${opened.error}`,
      refusals: 0,
      misses: opened.typed ? [] : [`opening: ${opened.error}`],
      absences: [],
    };
  const store = opened.value;
  const misses: string[] = [];
  const absences: string[] = [];
  let refusals = 0;
  for (const [name, ask] of questions) {
    const answer = await noticed(() => ask(store));
    if ("error" in answer) {
      if (answer.typed) refusals += 1;
      else misses.push(`${name}: ${answer.error}`);
    } else if (textOf(answer.value) !== answers.get(name) && !(name.startsWith("runs.find ") && answer.value === undefined)) {
      const told = isPartOf(
        JSON.parse(answers.get(name) ?? "null"),
        answer.value === undefined ? undefined : JSON.parse(textOf(answer.value)),
      );
      (told ? absences : misses).push(`${name}: ${told ? "less" : "another answer"}`);
    }
  }
  const verified = await noticed(() => store.verify());
  if ("error" in verified) misses.push(`verify: ${verified.error}`);
  const wheres = "error" in verified ? [] : [...new Set(verified.value.problems.map(({ where }) => where))];
  if (live && wheres.length === 0) misses.push("verify: nothing noticed");
  const closed = await noticed(() => store.close());
  if ("error" in closed && !closed.typed) misses.push(`close: ${closed.error}`);
  return { live, noticedBy: wheres.length === 0 ? "nothing" : `verify: ${wheres.toSorted().join(", ")}`, refusals, misses, absences };
}

/** Whether the answer is the original's without some elements of its lists. */
function isPartOf(whole: unknown, answer: unknown): boolean {
  if (answer === undefined) return true;
  if (Array.isArray(whole) && Array.isArray(answer)) {
    const rest = whole.values();
    return answer.every((item) => [...takeUntil(rest, (each) => isPartOf(each, item))].length > 0);
  }
  if (typeof whole !== "object" || whole === null || typeof answer !== "object" || answer === null) return whole === answer;
  const keys = Object.keys(answer);
  return (
    keys.length === Object.keys(whole).length &&
    keys.every((key) => key in whole && isPartOf(Reflect.get(whole, key), Reflect.get(answer, key)))
  );
}

/** What is taken up to and with the first that holds; nothing when none does. */
function takeUntil<T>(items: IterableIterator<T>, holds: (item: T) => boolean): T[] {
  const taken: T[] = [];
  for (let next = items.next(); !next.done; next = items.next()) {
    taken.push(next.value);
    if (holds(next.value)) return taken;
  }
  return [];
}

type Noticed<T> = { readonly value: T } | { readonly error: string; readonly typed: boolean };

async function noticed<T>(look: () => Promise<T>): Promise<Noticed<T>> {
  try {
    return { value: await look() };
  } catch (thrown) {
    const code = thrown instanceof Error && "code" in thrown ? String(thrown.code) : "";
    return isWalkbackError(thrown) ? { error: code, typed: true } : { error: `${code} ${String(thrown)}`, typed: false };
  }
}

/** With the soundness of the structure; a file that cannot be read says why. */
function fullDump(path: string): string {
  try {
    return dumpOf(path, ["sqlite_sequence"]);
  } catch (thrown) {
    return `unreadable: ${String(thrown)}`;
  }
}

/** Numbers that are the same each time (mulberry32). */
export function randomFrom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below);
  };
}
