import { setMaxListeners } from "node:events";
import { type EffectRecord, evolve, foldJournal, recordedCalls } from "../checkpoint/journal-view.js";
import type { JournalEntry, JournalPhase, Lease, Store, Version } from "../checkpoint/ports.js";
import { crashPoint } from "../contracts/crash-point.js";
import type { RunEventBody } from "../contracts/event.js";
import { type Failure, Fenced, isWalkbackError, type WalkbackError } from "../contracts/failure.js";
import type { RunId } from "../contracts/ids.js";
import type { JsonValue } from "../contracts/json-value.js";
import type { Decision } from "../contracts/question.js";

export interface ScopeOptions {
  readonly lease: Lease;
  readonly store: Store;
  readonly now: () => Date;
  readonly leaseMs: number;
  readonly maxDocumentBytes: number;
  readonly emit: (event: RunEventBody) => void;
}

/** What one run has under way in this process. Nothing in it is needed to carry the run on elsewhere. */
export class RunScope {
  readonly runId: RunId;
  readonly epoch: number;
  readonly lease: Lease;
  readonly store: Store;
  readonly now: () => Date;
  readonly maxDocumentBytes: number;
  readonly emit: (event: RunEventBody) => void;
  /** The newest acceptable version for each contract, by the contract's name. */
  readonly board = new Map<string, Version>();
  /** A human's answers in this process, by question. */
  readonly answers = new Map<string, Decision>();
  /** Set when the run was made by another program: its documents are then read through this one's contracts. */
  foreign = false;
  /** Set once the run's end is on disk, which gave the lease back as well. */
  ended = false;
  readonly #leaseMs: number;
  readonly #aborter = new AbortController();
  readonly #letGo = new AbortController();
  readonly #memo = new Map<string, Promise<unknown>>();
  readonly #underway = new Set<Promise<unknown>>();
  readonly #own = new WeakSet<object>();
  readonly #queues = new Map<string, Promise<unknown>>();
  #leaseUntilMs: number;
  #failure: Failure | undefined;
  #halt: WalkbackError | undefined;
  #walkingBack = false;
  #journal: Promise<Journal> | undefined;

  constructor({ lease, store, now, leaseMs, maxDocumentBytes, emit }: ScopeOptions) {
    this.maxDocumentBytes = maxDocumentBytes;
    this.lease = lease;
    this.runId = lease.runId;
    this.epoch = lease.epoch;
    this.#leaseUntilMs = Date.parse(lease.until);
    this.#leaseMs = leaseMs;
    this.store = store;
    this.now = now;
    this.emit = emit;
    setMaxListeners(0, this.#aborter.signal, this.#letGo.signal); // every attempt of a wide fan-out listens
  }

  /** Aborted at the first failure, at a cancel, and when this process may not go on. */
  get signal(): AbortSignal {
    return this.#aborter.signal;
  }

  /** Aborted only when this process may not go on: then not even what is under way outside is waited for. */
  get letGo(): AbortSignal {
    return this.#letGo.signal;
  }

  get failure(): Failure | undefined {
    return this.#failure;
  }

  /** Why this process must let go of the run, though the run itself has not failed: the lease is lost, or we are stopping. */
  get halted(): WalkbackError | undefined {
    return this.#halt;
  }

  /** The first failure counts: it stops everything in flight, and from here on nothing moves forward. */
  fail(failure: Failure): Failure {
    if (this.#failure) return this.#failure;
    this.#failure = failure;
    this.emit({ type: "run.failed", failure });
    this.#aborter.abort();
    return failure;
  }

  /** Takes over a failure that is on record already. */
  adopt(failure: Failure): void {
    this.#failure ??= failure;
    this.#aborter.abort();
  }

  /** Stops the work of this process on the run without failing it. */
  halt(reason: WalkbackError): void {
    this.#halt ??= reason;
    this.#aborter.abort();
    this.#letGo.abort();
  }

  /** Why no effect may be performed any more, or undefined. */
  get refusal(): string | undefined {
    if (this.#halt) return this.#halt.message;
    if (this.#walkingBack) return "the run is being walked back";
    return this.#failure ? "the run has failed" : undefined;
  }

  startWalkBack(): void {
    this.#walkingBack = true;
  }

  /** Another process may have taken the run over while this one slept: asks the store once the lease could have lapsed. */
  async holdLease(): Promise<void> {
    const now = this.now().getTime();
    if (now < this.#leaseUntilMs) return;
    const until = new Date(now + this.#leaseMs).toISOString();
    const [lost] = await this.store.runs.renew([this], until);
    if (lost !== undefined) throw this.lose();
    this.extend(until);
  }

  /** The store has renewed the lease. */
  extend(until: string): void {
    this.#leaseUntilMs = Date.parse(until);
  }

  /** The lease is lost. */
  lose(): WalkbackError {
    const { runId, epoch } = this;
    const message = `Run ${runId} was taken over by another process; this one may not go on with it.`;
    this.halt(new Fenced(message, { runId, epoch, currentEpoch: epoch + 1 }));
    return this.#halt as WalkbackError; // set just now or before
  }

  /** Starts the work under this name unless it has been started; everyone gets the same promise. */
  once<T>(name: string, work: () => Promise<T>): Promise<T> {
    const known = this.#memo.get(name);
    if (known !== undefined) return known as Promise<T>; // one name always stands for one kind of work
    const promise = this.track(work());
    this.#memo.set(name, promise);
    return promise;
  }

  started(name: string): boolean {
    return this.#memo.has(name);
  }

  forget(name: string): void {
    this.#memo.delete(name);
  }

  /** Counts a promise among what must settle before anything is undone. */
  track<T>(promise: Promise<T>): Promise<T> {
    const settled = promise.then(
      () => {},
      () => {},
    );
    this.#underway.add(settled);
    void settled.then(() => this.#underway.delete(settled));
    return promise;
  }

  /** The quiesce barrier: resolves when nothing of this run is under way any more. */
  async quiesce(): Promise<void> {
    while (this.#underway.size > 0) await Promise.all(this.#underway);
  }

  /** One after the other for the same name. */
  inTurn<T>(name: string, work: () => Promise<T>): Promise<T> {
    const before = this.#queues.get(name) ?? Promise.resolve();
    const mine = before.then(work, work);
    this.#queues.set(name, mine);
    return this.track(mine);
  }

  /** Resolves when nothing under a name with this beginning is waiting its turn any more. */
  async settled(beginning: string): Promise<void> {
    const waiting = [...this.#queues].filter(([name]) => name.startsWith(beginning));
    await Promise.allSettled(waiting.map(([, last]) => last));
  }

  /** Whether the store or the lease failed under this very run, and not something that an agent calls by the same name. */
  isOwn(thrown: WalkbackError): boolean {
    return this.#own.has(thrown) || thrown === this.#halt;
  }

  /** Asks the store on the run's behalf: a store that fails here is not the agent's failure, whoever's hands it passes through. */
  async own<T>(asked: Promise<T>): Promise<T> {
    try {
      return await asked;
    } catch (thrown) {
      if (isWalkbackError(thrown)) this.#own.add(thrown);
      throw thrown;
    }
  }

  /** The run's effects, folded from the journal on first use and kept up to date by `write`. */
  async journal(): Promise<ReadonlyMap<string, EffectRecord>> {
    return (await this.#loadJournal()).effects;
  }

  /** What recorded calls (`effects.record`) answered, by key. */
  async recorded(): Promise<ReadonlyMap<string, JsonValue>> {
    return (await this.#loadJournal()).calls;
  }

  /** Appends to the journal; resolves once it is on disk. */
  async write(
    effect: Pick<EffectRecord, "key" | "agent" | "effect" | "identity" | "generation">,
    phase: Exclude<JournalPhase, "recorded">,
    body: JsonValue,
  ): Promise<EffectRecord> {
    const journal = await this.#loadJournal();
    if (phase === "intended") crashPoint("journal.intended:before");
    const entry = await this.#append(effect, phase, body);
    if (phase === "intended") crashPoint("journal.intended:after");
    if (phase === "performed") crashPoint("journal.performed:after");
    if (phase === "settled") crashPoint("journal.settled:after");
    const next = evolve(journal.effects.get(entry.key), entry, journal.length++);
    if (!next) throw new Error(`The journal of run ${this.runId} has a ${phase} without an intent for ${entry.key}.`);
    journal.effects.set(entry.key, next);
    return next;
  }

  /** Appends what a recorded call answered. */
  async writeCall(
    call: Pick<EffectRecord, "key" | "agent" | "effect" | "identity">,
    body: { readonly args: JsonValue; readonly result: JsonValue },
  ) {
    const journal = await this.#loadJournal();
    await this.#append({ ...call, generation: 0 }, "recorded", body);
    journal.length++;
    journal.calls.set(call.key, body.result);
  }

  async #append(effect: Pick<JournalEntry, "key" | "agent" | "effect" | "identity" | "generation">, phase: JournalPhase, body: JsonValue) {
    const { key, agent, effect: name, identity, generation } = effect;
    const { runId, epoch } = this;
    const entry: JournalEntry = { runId, epoch, key, phase, agent, effect: name, identity, generation, body, at: this.now().toISOString() };
    try {
      await this.own(this.store.journal.append(entry));
    } catch (thrown) {
      if (isWalkbackError(thrown) && thrown.code === "FENCED") this.halt(thrown);
      throw thrown;
    }
    return entry;
  }

  #loadJournal(): Promise<Journal> {
    this.#journal ??= this.store.journal.list(this.runId).then((entries) => ({
      effects: new Map(foldJournal(entries)),
      calls: new Map(recordedCalls(entries)),
      length: entries.length,
    }));
    return this.#journal;
  }
}

interface Journal {
  readonly effects: Map<string, EffectRecord>;
  readonly calls: Map<string, JsonValue>;
  length: number;
}
