import type { BaseCheckpointSaver } from "@langchain/langgraph-checkpoint";
import type { RunEvent } from "../contracts/event.js";
import type { Failure } from "../contracts/failure.js";
import type { RunId } from "../contracts/ids.js";
import type { Sealed } from "../contracts/json.js";
import type { JsonValue } from "../contracts/json-value.js";
import type { Program } from "../contracts/program.js";
import type { Decision, Question } from "../contracts/question.js";
import type { RunStatus, VersionHead } from "../contracts/run.js";

/**
 * Everything Walkback remembers, behind one port. A promise resolves only once what it stands for is on disk.
 * Versions, journal and events are insert-only: the store itself refuses to change or remove a row.
 */
export interface Store {
  /** Where it is, for messages. */
  readonly location: string;
  readonly runs: RunLog;
  readonly queue: RunQueue;
  readonly versions: VersionLog;
  readonly journal: EffectJournal;
  readonly events: EventLog;
  readonly limits: LimitStore;
  /**
   * LangGraph's own checkpoints, kept beside the rest. Under an epoch (`EPOCH_KEY`) they are not waited for: they are on disk
   * before anything that the run writes later.
   */
  readonly checkpointer: BaseCheckpointSaver;
  /** Recomputes every hash there is, of one run or of all, and compares the whole with the anchor. Throws `RUN_UNKNOWN`. */
  verify(runId?: RunId, options?: VerifyOptions): Promise<Verification>;
  /**
   * Takes away what nobody needs any more of runs that ended before a moment; unfinished ones are left alone, however old. Looks
   * at those runs first: throws `STORE_DAMAGED` when one of them does not hold, and `PRUNE_INVALID`; nothing was taken away then.
   */
  prune(options: PruneOptions): Promise<Pruned>;
  /**
   * Everything on record about a run as JSON Lines, for another store, with an end that seals the whole; one line at a time,
   * all as of one moment. Throws `RUN_UNKNOWN`, and `STORE_DAMAGED` rather than to give out what does not hold.
   */
  export(runId: RunId): AsyncIterable<string>;
  /**
   * Takes over a run from what `export` gave, in pieces of any length, all of it or nothing. Nobody holds the run then, so
   * whoever recovers the runs of this store carries it on, if it has not ended: it must not be carried on where it came from as
   * well. Throws `ARCHIVE_INVALID`, `RUN_EXISTS`, and `KEY_REUSED` when another run has its idempotency key.
   */
  import(text: AsyncIterable<string> | Iterable<string>): Promise<RunRecord>;
  /** Writes what is still queued and lets go of the file. */
  close(): Promise<void>;
}

export interface RunRecord {
  readonly runId: RunId;
  readonly workflow: string;
  readonly workflowVersion: number;
  readonly status: RunStatus;
  /** ISO 8601. */
  readonly acceptedAt: string;
  readonly endedAt: string | undefined;
  readonly failure: Failure | undefined;
  /** The number of the version that holds the output of a completed run. */
  readonly outputVersion: number | undefined;
  /** The version of another run with which this one's own history begins. */
  readonly forkedFrom: ForkPoint | undefined;
  /** For whom it is. */
  readonly tenant: string | undefined;
  /** 1 (highest) to 10. */
  readonly priority: number;
  /** ISO 8601; a run that still waits in the queue then is canceled. */
  readonly deadline: string | undefined;
  /** ISO 8601; when it had its turn, which is at once when it did not have to wait. */
  readonly begunAt: string | undefined;
  /** An answer came from a lower tier than could have been asked. */
  readonly degraded: boolean;
}

export interface ForkPoint {
  readonly runId: RunId;
  readonly number: number;
}

export interface RunQuery {
  readonly status?: RunStatus | undefined;
  readonly workflow?: string | undefined;
  /** Newest first; 50 when left out. */
  readonly limit?: number | undefined;
}

/** How a run changes: each a single row update that is on disk before the promise resolves. */
export type RunChange =
  | { readonly status: "running" }
  | { readonly status: "completed"; readonly endedAt: string; readonly outputVersion: number }
  | { readonly status: "rolled-back" | "canceled"; readonly endedAt: string; readonly failure: Failure }
  | { readonly status: "waiting" | "parked"; readonly failure: Failure | undefined };

/** The right to carry a run on. The epoch grows with every change of hands; the store refuses writes under an older one. */
export interface Lease {
  readonly runId: RunId;
  /** Fencing token. */
  readonly epoch: number;
  /** ISO 8601; after that another process may claim the run. */
  readonly until: string;
  /** How many holders in a row died without getting the run any further. */
  readonly crashes: number;
  /** Someone asked for the run to be canceled. */
  readonly cancelReason: string | undefined;
}

/** Where LangGraph's config carries the epoch to the checkpointer. */
export const EPOCH_KEY = "walkback_epoch";

export type Fence = Pick<Lease, "runId" | "epoch">;

/** 1 is the highest, 10 the lowest. */
export const DEFAULT_PRIORITY = 5;
export const LOWEST_PRIORITY = 10;

export interface NewRun {
  readonly runId: RunId;
  readonly workflow: string;
  readonly workflowVersion: number;
  readonly acceptedAt: string;
  readonly contract: string;
  readonly input: Sealed;
  readonly holder: string;
  /** ISO 8601. */
  readonly until: string;
  readonly idempotencyKey: string | undefined;
  /** What it is made with. */
  readonly program: Sealed<Program> | undefined;
  readonly tenant?: string | undefined;
  /** `DEFAULT_PRIORITY` when left out. */
  readonly priority?: number | undefined;
  /** ISO 8601. */
  readonly deadline?: string | undefined;
  /** Left out, the run begins at once, whoever waits. */
  readonly admission?: Admission | undefined;
}

/** When a run may begin at once: nobody waits in the store, its queue is not paused, and none of this stands against it. */
export interface Admission {
  /** Whoever asks has a place to carry it in. */
  readonly begin: boolean;
  /** How many may wait in the store. */
  readonly maxQueued: number;
  /** The same for the runs of one tenant; those without a tenant are not limited by it. */
  readonly perTenant: TenantLimits;
}

export interface TenantLimits {
  readonly maxConcurrent?: number | undefined;
  readonly maxQueued?: number | undefined;
}

/** A run that begins with the versions of another one, up to and including a number. */
export interface NewFork extends Pick<NewRun, "runId" | "acceptedAt" | "holder" | "until"> {
  readonly from: ForkPoint;
  /** Takes the place of that version's data, which then comes from a human. */
  readonly data: Sealed | undefined;
}

/** The run is ours, or has to wait for its turn, or the same start was accepted before. */
export type Accepted =
  | { readonly kind: "accepted"; readonly lease: Lease; readonly version: Version }
  | { readonly kind: "queued"; readonly runId: RunId }
  | { readonly kind: "known"; readonly runId: RunId };

export interface AnsweredQuestion {
  readonly question: Question;
  readonly answer: Decision;
  /** ISO 8601. */
  readonly answeredAt: string;
}

export interface RunLog {
  /**
   * The run's row, its lease and its version 0, in one transaction, before anything else. One that has to wait gets a place
   * in the queue instead of a lease, and its first two events. Throws `RUN_EXISTS`, `KEY_REUSED` when the idempotency key
   * stands for another input or workflow, and `QUEUE_FULL`.
   */
  accept(run: NewRun): Promise<Accepted>;
  /**
   * Accepts a run that shares history with another: its versions up to a number, and what failed and was answered on the
   * way to them. Effects stay with the run that performed them. Throws `RUN_UNKNOWN`, `VERSION_UNKNOWN` and `RUN_EXISTS`.
   */
  fork(fork: NewFork): Promise<{ readonly lease: Lease; readonly version: Version }>;
  /** What the run was made with; undefined for a run of a release that did not say. */
  programOf(runId: RunId): Promise<Program | undefined>;
  /**
   * Takes the lease of a run that nobody holds, or whose holder has not been heard of in time. Throws `RUN_UNKNOWN`,
   * `RUN_FINISHED`, or `RUN_HELD`.
   */
  claim(claim: { readonly runId: RunId; readonly holder: string; readonly now: string; readonly until: string }): Promise<Lease>;
  /** Prolongs leases; returns the runs whose lease is lost. */
  renew(fences: readonly Fence[], until: string): Promise<readonly RunId[]>;
  /** Gives a lease back; nothing happens when it is not held any more. */
  release(runId: RunId, epoch: number): Promise<void>;
  /** Unfinished runs that nobody carries and that need no human (any more), oldest first. */
  claimable(now: string, limit: number): Promise<readonly RunRecord[]>;
  /** Wishes to cancel, for whoever holds the run. */
  requestCancel(runId: RunId, reason: string): Promise<void>;
  cancelRequests(runIds: readonly RunId[]): Promise<readonly { readonly runId: RunId; readonly reason: string }[]>;
  find(runId: RunId): Promise<RunRecord | undefined>;
  /** The runs whose id begins or ends with this, at most as many as the limit. */
  findLike(part: string, limit: number): Promise<readonly RunRecord[]>;
  list(query: RunQuery): Promise<readonly RunRecord[]>;
  /** All that were accepted at a moment or later, ISO 8601, in the order in which they were. */
  since(at: string): AsyncIterable<RunRecord>;
  /** Throws `RUN_UNKNOWN`, or `RUN_FINISHED` when the run has already ended. */
  change(fence: Fence, change: RunChange): Promise<void>;
  /** Writes down a question; the run is `waiting` (`parked` when a walk-back asks) until it is answered. Returns false when it was asked before. */
  ask(fence: Fence, question: Question, failure?: Failure): Promise<boolean>;
  /** Marks a question answered; with none left open the run is `running` again. Returns false when it was answered before. */
  answer(runId: RunId, questionId: string, answer: Decision, answeredAt: string): Promise<boolean>;
  answered(runId: RunId): Promise<readonly AnsweredQuestion[]>;
  openQuestions(runId: RunId): Promise<readonly Question[]>;
}

/** The first of the runs that wait with one priority and one tenant. */
export interface QueueHead {
  readonly runId: RunId;
  readonly priority: number;
  readonly tenant: string | undefined;
  /** Grows with every run that had to wait. */
  readonly place: number;
  /** ISO 8601. */
  readonly acceptedAt: string;
}

export interface TenantLoad {
  /** Its runs that are being carried, in all processes. */
  readonly running: number;
  /** Grows with every run of the queue that begins; 0 when none of the tenant's has. */
  readonly served: number;
}

/** What the choice of who is next is made from. */
export interface QueueView {
  readonly heads: readonly QueueHead[];
  /** Of every tenant that has a head; those without a tenant count as one. */
  readonly tenants: ReadonlyMap<string | undefined, TenantLoad>;
}

export interface BeginNext {
  readonly holder: string;
  /** ISO 8601. */
  readonly now: string;
  readonly until: string;
  /** How many may begin. */
  readonly slots: number;
  /** Runs of other workflows are left where they are. */
  readonly workflows: readonly string[];
  /** Left where they are as well. */
  readonly except: readonly RunId[];
  /** Pure; may be called more than once. */
  readonly choose: (view: QueueView) => QueueHead | undefined;
}

export interface QueueDepth {
  readonly priority: number;
  readonly tenant: string | undefined;
  readonly queued: number;
  /** When the first of them was accepted, ISO 8601. */
  readonly oldestAcceptedAt: string;
}

/** The cell of `LimitStore` that says whether the queue stands still, and counts the turns. */
export const QUEUE_CELL = "queue";

/** The runs that wait for their turn, shared by all processes on the store. */
export interface RunQueue {
  /**
   * Who is next, in one transaction: ends the runs whose deadline has come, then chooses as many as there are slots, each
   * time one of the first of every priority and tenant, and hands out their leases. Nothing begins while the queue is paused.
   */
  begin(wanted: BeginNext): Promise<{
    readonly begun: readonly { readonly record: RunRecord; readonly lease: Lease }[];
    readonly expired: readonly RunRecord[];
  }>;
  /** Puts a run that has just begun back in its place; nothing happens when its lease is lost. */
  giveBack(fence: Fence): Promise<void>;
  /** Ends a run that still waits as `canceled`, with its last two events; undefined when it does not wait any more. */
  withdraw(runId: RunId, failure: Failure, endedAt: string): Promise<RunRecord | undefined>;
  /** Cheap: whether anybody waits, and whether the deadline of one has come. */
  glance(now: string): { readonly waiting: boolean; readonly due: boolean };
  /** Which of these runs have come to rest, and which were left by whoever carried them. */
  look(runIds: readonly RunId[], now: string): { readonly atRest: readonly RunId[]; readonly left: readonly RunId[] };
  isPaused(): boolean;
  /** By priority, then by tenant. */
  depths(): readonly QueueDepth[];
  /** How many runs are being carried, in all processes. */
  running(now: string): number;
}

/** Where a version's data came from. */
export type VersionSource = "input" | "agent" | "fallback" | "cache" | "emergency" | "human";

export interface NewVersion extends Fence {
  /** With a fan-out the name of the branch: `agent[3]`. */
  readonly agent: string;
  readonly agentVersion: number;
  readonly contract: string;
  readonly parents: readonly number[];
  /** 0, then one more for each repair or human retry. */
  readonly round: number;
  readonly source: VersionSource;
  /** Which of the agent's tiers gave the answer. */
  readonly tier?: string | undefined;
  /** It comes from below the first tier that could be asked; with it the run is degraded. */
  readonly degraded?: boolean | undefined;
  /** Hash of what the agent was given; finds earlier answers to the same question. */
  readonly inputHash: string;
  readonly data: Sealed;
  /** ISO 8601. */
  readonly at: string;
}

export interface Version extends VersionHead {
  readonly agentVersion: number;
  readonly round: number;
  readonly source: VersionSource;
  readonly tier: string | undefined;
  readonly dataHash: string;
  readonly previousHash: string;
  readonly at: string;
  readonly data: JsonValue;
}

/** What became of one round of an agent's work. */
export type Outcome = { readonly kind: "version"; readonly version: Version } | { readonly kind: "failure"; readonly failure: Failure };

export interface AskedBefore {
  readonly workflow: string;
  readonly agent: string;
  readonly agentVersion: number;
  /** `name@version` of what it produces. */
  readonly contract: string;
  readonly inputHash: string;
}

export interface VersionLog {
  /** Appends under the next number. The same run, agent and round again returns the version that is already there. */
  append(version: NewVersion): Promise<Version>;
  /**
   * Remembers that a round of an agent's work failed, so that a repeated node does not work again; of one of its tiers
   * (`agent/tier`), so that the next one goes on from there.
   */
  appendFailure(
    step: Fence & {
      readonly agent: string;
      readonly round: number;
      readonly failure: Failure;
      readonly at: string;
    },
  ): Promise<void>;
  outcome(runId: RunId, agent: string, round: number): Promise<Outcome | undefined>;
  list(runId: RunId): Promise<readonly Version[]>;
  /** Without their data. */
  heads(runId: RunId): Promise<readonly VersionHead[]>;
  find(runId: RunId, number: number): Promise<Version | undefined>;
  /** The state as it stood with a version: the newest version of each contract up to that number, or of one contract (by name). */
  stateAt(runId: RunId, number: number, contract?: string): Promise<readonly Version[]>;
  /** How many versions the run has. */
  count(runId: RunId): Promise<number>;
  /** What this very version of the agent answered to the same inputs, in completed runs of the same workflow; newest first, at most ten. */
  findAnswers(question: AskedBefore): Promise<readonly Version[]>;
}

/** `recorded` stands alone: a call without a side effect, with what it answered. */
export type JournalPhase = "recorded" | "intended" | "performed" | "failed" | "undo-intended" | "undone" | "undo-failed" | "settled";

export interface JournalEntry extends Fence {
  /** Idempotency key: run, agent, effect, business identity, generation. */
  readonly key: string;
  readonly phase: JournalPhase;
  readonly agent: string;
  readonly effect: string;
  readonly identity: string;
  readonly generation: number;
  /** With `intended`: the arguments. With `performed`: the receipt. With `failed` and `undo-failed`: the failure. With `settled`: the human's decision. */
  readonly body: JsonValue;
  /** ISO 8601. */
  readonly at: string;
}

export interface EffectJournal {
  append(entry: JournalEntry): Promise<void>;
  /** In the order in which it was written. */
  list(runId: RunId): Promise<readonly JournalEntry[]>;
}

export interface EventLog {
  /** Joins the next transaction; whoever awaits a later write of the same store awaits this one too. */
  emit(event: RunEvent, epoch: number): void;
  list(runId: RunId): Promise<readonly RunEvent[]>;
  /** Those of all runs that are of these types and happened at a moment or later, ISO 8601, in the order in which they were written. */
  since<Type extends RunEvent["type"]>(at: string, types: readonly Type[]): AsyncIterable<RunEvent & { readonly type: Type }>;
}

/**
 * What limits remember, shared by all runs and all processes on the store: small documents (cells) under a key, and an
 * append-only log. What they mean is said in `src/limits/`; the store only keeps them, one change after the other.
 */
export interface LimitStore {
  /** The cells under these keys as they are now; undefined where there is none. */
  read(keys: readonly string[]): readonly (JsonValue | undefined)[];
  /** All cells whose key begins like this, in the order of their keys. */
  readAll(prefix: string): readonly { readonly key: string; readonly cell: JsonValue }[];
  /**
   * Changes cells in one transaction, no other change in between: resolves once the change is on disk. `evolve` is pure: it
   * is given the cells in the order of the keys, and may be called more than once. What it throws is thrown, and nothing changes.
   */
  change<T>(keys: readonly string[], evolve: (cells: readonly (JsonValue | undefined)[]) => LimitChange<T>): Promise<T>;
  /** Oldest first. */
  list(query: LimitQuery): readonly LimitEntry[];
}

export interface LimitChange<T> {
  /** In the order of the keys; undefined removes a cell. Left out, the cells stay as they are. */
  readonly cells?: readonly (JsonValue | undefined)[] | undefined;
  readonly entries?: readonly LimitEntry[] | undefined;
  readonly result: T;
}

export interface LimitEntry {
  readonly kind: "breaker" | "spend" | "alert";
  readonly key: string;
  readonly runId?: RunId | undefined;
  readonly body: JsonValue;
  /** ISO 8601. */
  readonly at: string;
}

export interface LimitQuery {
  readonly kind: LimitEntry["kind"];
  readonly key?: string | undefined;
  readonly runId?: RunId | undefined;
  /** ISO 8601, inclusive. */
  readonly since?: string | undefined;
  /** The newest so many; 1,000 when left out. */
  readonly limit?: number | undefined;
}

/** How far something that takes its time has got. */
export interface StoreProgress {
  readonly done: number;
  /** Undefined while nobody knows. */
  readonly total: number | undefined;
}

export interface VerifyOptions {
  readonly onProgress?: ((progress: StoreProgress) => void) | undefined;
}

export type PruneOptions = {
  /**
   * `terminal`: everything on record about the runs stays but LangGraph's checkpoints before the last of each thread and
   * namespace. `none`: the runs go, with all that belongs to them. `terminal` when left out.
   */
  readonly keep?: "terminal" | "none" | undefined;
  /** Only counts what would go. */
  readonly dryRun?: boolean | undefined;
  readonly onProgress?: ((progress: StoreProgress) => void) | undefined;
} & (
  | { /** Of runs that ended before this. */ readonly before: Date; readonly olderThanMs?: never }
  | { /** Of runs that ended longer ago than this. */ readonly olderThanMs: number; readonly before?: never }
);

/** What went, or would go. */
export interface Pruned {
  /** Runs of which anything went. */
  readonly runs: number;
  readonly checkpoints: number;
  readonly writes: number;
  /** Values that nobody refers to any more. */
  readonly contents: number;
  /** What all these rows held. The file keeps its size: what is written next takes their place. */
  readonly bytes: number;
}

/** What `verify` found. */
export interface Verification {
  /** In the order of the run; empty when everything holds. */
  readonly problems: readonly StoreProblem[];
  /** How much was looked at. */
  readonly checked: Readonly<Record<"runs" | "versions" | "journal" | "events" | "checkpoints" | "contents", number>>;
  /**
   * The store's head as it was last written outside of it: `holds`; `ahead` when the store has lost its newest writes or
   * other ones stand in their place; `missing`; `none` when the store is kept in memory or without an anchor.
   */
  readonly anchor: "holds" | "ahead" | "missing" | "none";
  /** The schema of an older release; then only the file's own structure was looked at. */
  readonly olderSchema?: number | undefined;
}

export interface StoreProblem {
  /** A table of the store, `file` or `anchor`. */
  readonly where: string;
  readonly runId?: RunId | undefined;
  /** Of the version that does not hold. */
  readonly version?: number | undefined;
  readonly agent?: string | undefined;
  /** What is wrong, one sentence. */
  readonly message: string;
}
