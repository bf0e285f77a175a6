import { setTimeout as wait } from "node:timers/promises";
import type { Send, Told } from "./sender.js";

const MOST_WAITING = 5_000;
const BATCH = 100;
const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 30_000;

/**
 * The spans that are still to be told. Of a span only its newest state waits; when too many do, the oldest are forgotten. What
 * was not taken is sent again after a pause, unless that cannot help.
 */
export class Outbox {
  #waiting = new Map<string, Told>();
  #sending: Promise<void> | undefined;
  #closing = false;
  readonly #paused = new AbortController();
  readonly #stopped = new AbortController();

  constructor(
    private readonly open: () => Promise<Send>,
    private readonly problem: (what: string) => void,
  ) {}

  add({ method, run }: Told): void {
    const known = this.#waiting.get(run.id);
    this.#waiting.set(run.id, { method: known?.method ?? method, run });
    if (this.#waiting.size > MOST_WAITING) this.#forgetOldest();
    this.#sending ??= this.#sendAll().finally(() => {
      this.#sending = undefined;
    });
  }

  /** Sends what waits, once and for no longer than this; what is left then is forgotten. */
  async close(deadlineMs: number): Promise<void> {
    this.#closing = true;
    this.#paused.abort();
    const timer = new AbortController();
    await Promise.race([this.#sending, wait(deadlineMs, undefined, { signal: timer.signal }).catch(() => {})]);
    timer.abort();
    this.#stopped.abort();
    this.#waiting.clear();
  }

  async #sendAll(): Promise<void> {
    try {
      const send = await this.open();
      for (let failures = 0; this.#waiting.size > 0 && !this.#stopped.signal.aborted; ) {
        failures = (await this.#sendNext(send)) ? 0 : failures + 1;
        if (failures > 0 && this.#closing) return;
        if (failures > 0) await this.#pause(failures);
      }
    } catch (thrown) {
      this.#waiting.clear();
      this.problem(`it cannot be set up: ${thrown instanceof Error ? thrown.name : "unknown"}`);
    }
  }

  /** False when the same has to be sent again. */
  async #sendNext(send: Send): Promise<boolean> {
    const batch = [...this.#waiting].slice(0, BATCH);
    for (const [id] of batch) this.#waiting.delete(id);
    const notTaken = await send(
      batch.map(([, told]) => told),
      this.#stopped.signal,
    );
    if (!notTaken) return true;
    this.problem(notTaken.reason);
    if (!notTaken.transient) return true;
    const newer = this.#waiting;
    this.#waiting = new Map(batch);
    for (const [id, { method, run }] of newer) this.#waiting.set(id, { method: this.#waiting.get(id)?.method ?? method, run });
    return false;
  }

  async #pause(failures: number): Promise<void> {
    const ms = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (failures - 1));
    await wait(ms, undefined, { signal: this.#paused.signal, ref: false }).catch(() => {});
  }

  #forgetOldest(): void {
    const [oldest] = this.#waiting.keys();
    if (oldest !== undefined) this.#waiting.delete(oldest);
    this.problem(`more than ${MOST_WAITING} spans wait for it, the oldest are forgotten`);
  }
}
