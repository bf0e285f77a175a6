import { setMaxListeners } from "node:events";
import { type EffectRecord, evolve, foldJournal } from "../checkpoint/journal-view.js";
import type { JournalEntry, JournalPhase, Store, Version } from "../checkpoint/ports.js";
import type { RunEventBody } from "../contracts/event.js";
import type { Failure } from "../contracts/failure.js";
import type { RunId } from "../contracts/ids.js";
import type { JsonValue } from "../contracts/json-value.js";
import type { Decision } from "../contracts/question.js";

/** What one run has under way in this process. Nothing in it is needed to carry the run on elsewhere. */
export class RunScope {
  /** The newest acceptable version for each contract, by the contract's name. */
  readonly board = new Map<string, Version>();
  /** A human's answers in this process, by question. */
  readonly answers = new Map<string, Decision>();
  readonly #aborter = new AbortController();
  readonly #memo = new Map<string, Promise<unknown>>();
  readonly #underway = new Set<Promise<unknown>>();
  readonly #queues = new Map<string, Promise<unknown>>();
  #failure: Failure | undefined;
  #walkingBack = false;
  #journal: Promise<Map<string, EffectRecord>> | undefined;
  #journalLength = 0;

  constructor(
    readonly runId: RunId,
    readonly store: Store,
    readonly now: () => Date,
    readonly emit: (event: RunEventBody) => void,
  ) {
    setMaxListeners(0, this.#aborter.signal); // every attempt of a wide fan-out listens
  }

  /** Aborted at the first failure or a cancel. */
  get signal(): AbortSignal {
    return this.#aborter.signal;
  }

  get failure(): Failure | undefined {
    return this.#failure;
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

  /** Why no effect may be performed any more, or undefined. */
  get refusal(): string | undefined {
    if (this.#walkingBack) return "the run is being walked back";
    return this.#failure ? "the run has failed" : undefined;
  }

  startWalkBack(): void {
    this.#walkingBack = true;
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

  /** The run's effects, folded from the journal on first use and kept up to date by `write`. */
  journal(): Promise<ReadonlyMap<string, EffectRecord>> {
    return this.#loadJournal();
  }

  /** Appends to the journal; resolves once it is on disk. */
  async write(
    effect: Pick<EffectRecord, "key" | "agent" | "effect" | "identity" | "generation">,
    phase: JournalPhase,
    body: JsonValue,
  ): Promise<EffectRecord> {
    const records = await this.#loadJournal();
    const { key, agent, effect: name, identity, generation } = effect;
    const entry: JournalEntry = {
      runId: this.runId,
      key,
      phase,
      agent,
      effect: name,
      identity,
      generation,
      body,
      at: this.now().toISOString(),
    };
    await this.store.journal.append(entry);
    const next = evolve(records.get(key), entry, this.#journalLength++);
    if (!next) throw new Error(`The journal of run ${this.runId} has a ${phase} without an intent for ${key}.`);
    records.set(key, next);
    return next;
  }

  #loadJournal(): Promise<Map<string, EffectRecord>> {
    this.#journal ??= this.store.journal.list(this.runId).then((entries) => {
      this.#journalLength = entries.length;
      return new Map(foldJournal(entries));
    });
    return this.#journal;
  }
}
