import type { Lease, RunRecord } from "../checkpoint/ports.js";
import { isWalkbackError } from "../contracts/failure.js";
import type { RunId } from "../contracts/ids.js";
import type { Run } from "../contracts/run.js";
import { nextInQueue } from "../limits/queue-order.js";
import type { Background } from "./background.js";
import { carryBegun } from "./carry.js";
import type { Parts } from "./parts.js";
import type { Places } from "./places.js";
import type { QueueSettings } from "./queue-options.js";

export interface TurnsContext {
  readonly parts: Parts;
  readonly settings: QueueSettings;
  readonly places: Places;
  readonly background: Background;
  /** The deadline of a run has come while it waited. */
  readonly onExpired: (record: RunRecord) => void;
  readonly onClosed: () => void;
}

/** Lets runs of the queue begin, one look at the store after the other. */
export class Turns {
  /** What this program cannot carry; left to others. */
  readonly #refused = new Set<RunId>();
  #again = false;
  #looking: Promise<void> | undefined;

  constructor(private readonly context: TurnsContext) {}

  /** Somebody waits, or a place has become free. Resolves when all have begun who may for now. */
  wake(): Promise<void> {
    this.#again = true;
    this.#looking ??= this.#look();
    return this.#looking;
  }

  /** Tries those again that could not be carried. */
  forgive(): void {
    this.#refused.clear();
  }

  async #look(): Promise<void> {
    while (this.#again) {
      this.#again = false;
      try {
        if (await this.#turn()) this.#again = true;
      } catch (thrown) {
        this.#blame(thrown);
      }
    }
    this.#looking = undefined;
  }

  /** True when there may be more to begin. */
  async #turn(): Promise<boolean> {
    const { parts, settings, places, background, onExpired } = this.context;
    const { store, runtime, entries } = parts;
    const now = runtime.now();
    const { waiting, due } = store.queue.glance(now.toISOString());
    const slots = runtime.draining ? 0 : places.free;
    if (!due && (!waiting || slots === 0)) return false;
    places.take(slots);
    let unused = slots;
    try {
      const rules = { ageingMs: settings.ageingMs, tenantMaxConcurrent: settings.perTenant.maxConcurrent };
      const { begun, expired } = await store.queue.begin({
        holder: runtime.holder,
        now: now.toISOString(),
        until: runtime.leaseUntil(),
        slots,
        workflows: [...entries.keys()],
        except: [...this.#refused],
        choose: (view) => nextInQueue(view, rules, now.getTime()),
      });
      unused -= begun.length;
      for (const { record, lease } of begun) background.carry(record.runId, () => this.#carry(record, lease));
      for (const record of expired) onExpired(record);
      return begun.length > 0 && unused === 0;
    } finally {
      places.giveBack(unused);
    }
  }

  /** Carries a run that has just had its turn. One that this program cannot carry goes back to its place. */
  async #carry(record: RunRecord, lease: Lease): Promise<Run | undefined> {
    const { parts, places, background } = this.context;
    let isUnderway = false;
    try {
      if (!parts.runtime.draining)
        return await carryBegun(parts, record, lease, () => {
          isUnderway = true;
          places.giveBack(1);
        });
    } catch (thrown) {
      if (isUnderway) throw thrown;
      this.#refused.add(record.runId);
      background.failed(thrown, record.runId);
    }
    places.giveBack(1);
    parts.runtime.forget(record.runId);
    await parts.store.queue.giveBack(lease);
    void this.wake();
    return undefined;
  }

  #blame(thrown: unknown): void {
    const { background, onClosed } = this.context;
    if (isWalkbackError(thrown) && thrown.code === "STORE_CLOSED") return onClosed();
    const runId = damagedRun(thrown);
    background.failed(thrown, runId);
    if (runId === undefined || this.#refused.has(runId)) return;
    this.#refused.add(runId); // the others need not wait for one that cannot be read
    this.#again = true;
  }
}

function damagedRun(thrown: unknown): RunId | undefined {
  if (!isWalkbackError(thrown) || thrown.code !== "STORE_DAMAGED" || !("runId" in thrown.details)) return undefined;
  return thrown.details.runId as RunId | undefined;
}
