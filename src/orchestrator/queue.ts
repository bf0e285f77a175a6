import { clearInterval, setInterval } from "node:timers"; // by import, so that fake timers in tests do not stop the queue
import { setTimeout } from "node:timers/promises";
import type { RunRecord } from "../checkpoint/ports.js";
import { withdrawnEvents } from "../checkpoint/queue-events.js";
import type { RunId } from "../contracts/ids.js";
import type { Run } from "../contracts/run.js";
import { Background } from "./background.js";
import { carryOn, wasFaster } from "./carry.js";
import type { Operations } from "./operations.js";
import { type Parts, recordOf } from "./parts.js";
import { Places } from "./places.js";
import type { QueueListener, QueueSettings } from "./queue-options.js";
import { Turns } from "./turns.js";

/** How this process serves the queue of its store: it has places for runs, and lets the next one begin when one is free. */
export class Serving {
  readonly places: Places;
  readonly #background: Background;
  readonly #turns: Turns;
  readonly #timer: NodeJS.Timeout;
  #stopped = false;

  constructor(
    private readonly parts: Parts,
    operations: Operations,
    readonly settings: QueueSettings,
  ) {
    this.places = new Places(parts.underway, settings.maxConcurrent);
    this.#background = new Background(operations);
    this.#background.listen(settings);
    this.#turns = new Turns({
      parts,
      settings,
      places: this.places,
      background: this.#background,
      onExpired: (record) => this.ended(record),
      onClosed: () => this.#end(),
    });
    parts.onRest.add(() => this.wake());
    this.#timer = setInterval(() => this.#poll(), settings.pollMs).unref();
  }

  /** Somebody waits, or a place has become free. */
  wake(): void {
    if (!this.#stopped) void this.#turns.wake();
  }

  /** Resolves when a run that waits has come to rest, here or elsewhere, or when this process stops serving. */
  async untilRest(runId: RunId): Promise<void> {
    if (this.#stopped) return;
    this.#timer.ref(); // nothing else may keep the process alive while another one works
    await this.#background.waiting.for(runId);
  }

  /** A run has ended that never had its turn. */
  ended(record: RunRecord): void {
    const { runId, failure, endedAt } = record;
    if (failure && endedAt !== undefined) for (const event of withdrawnEvents(record, failure, endedAt)) this.parts.runtime.tell(event);
    this.#background.waiting.end(runId);
  }

  /** Carries a run without anybody waiting for it but `close`. */
  inBackground(runId: RunId, work: () => Promise<Run | undefined>): void {
    this.#background.carry(runId, work);
  }

  /** Works off what may begin here, and what may begin after that. */
  async workOff(listener: QueueListener): Promise<void> {
    using _ = this.#background.listen(listener);
    const { underway } = this.parts;
    this.#turns.forgive();
    while (!this.#stopped) {
      await this.#turns.wake();
      if (this.#background.size > 0) await this.#background.settled();
      else if (underway.size > 0 && this.places.free === 0) await Promise.race([...underway.values()].map((run) => run.catch(() => {})));
      else return;
    }
  }

  /** Resolves when nobody waits any more, and who had a turn here has come to rest. */
  async drain(): Promise<void> {
    const { store, runtime } = this.parts;
    for (;;) {
      await this.workOff({});
      if (this.#stopped || runtime.draining || !store.queue.glance(runtime.now().toISOString()).waiting) return;
      await setTimeout(this.settings.pollMs);
    }
  }

  /** Lets nobody begin any more; who waits stays in the queue. */
  async stop(): Promise<void> {
    this.#end();
    await this.#turns.wake();
    this.#letGo();
  }

  #end(): void {
    this.#stopped = true;
    this.places.close();
    clearInterval(this.#timer);
  }

  /** Nobody waits here any more for those that others will carry. */
  #letGo(): void {
    const { waiting } = this.#background;
    for (const runId of waiting.runIds()) if (!this.#background.has(runId)) waiting.end(runId);
  }

  #poll(): void {
    const { waiting } = this.#background;
    if (waiting.size === 0) this.#timer.unref();
    else if (this.parts.runtime.draining) this.#letGo();
    else this.#lookElsewhere();
    this.wake();
  }

  /** Who waits here for a run that another process has begun, and ended or left. */
  #lookElsewhere(): void {
    const { store, runtime } = this.parts;
    const elsewhere = this.#background.waiting.runIds().filter((runId) => !this.#background.has(runId));
    try {
      const { atRest, left } = store.queue.look(elsewhere, runtime.now().toISOString());
      for (const runId of atRest) this.#background.waiting.end(runId);
      for (const runId of left) this.inBackground(runId, () => this.#takeOver(runId));
    } catch (thrown) {
      this.#background.failed(thrown, undefined);
    }
  }

  async #takeOver(runId: RunId): Promise<Run | undefined> {
    try {
      return await carryOn(this.parts, await recordOf(this.parts, runId));
    } catch (thrown) {
      if (wasFaster(thrown)) return undefined;
      throw thrown;
    }
  }
}
