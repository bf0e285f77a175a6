import { hostname } from "node:os";
import type { Lease, Store } from "../checkpoint/ports.js";
import type { RunEvent } from "../contracts/event.js";
import { Canceled } from "../contracts/failure.js";
import { newRunId, type RunId } from "../contracts/ids.js";
import { MAX_DOCUMENT_BYTES } from "../contracts/json.js";
import { type Guard, guard, sharedPlaces } from "../limits/guard.js";
import type { LimitOptions } from "../limits/limit-options.js";
import { type Limits, MAX_TIMER_MS } from "../limits/limits.js";
import { createMeter, type Meter } from "../limits/meter.js";
import { type Agent, type AgentContext, isLive, type Tier, tiersOf } from "./agent.js";
import type { EffectSite } from "./effect-site.js";
import { performer } from "./perform.js";
import { RunScope } from "./scope.js";
import { spender } from "./spend.js";

export interface RuntimeOptions {
  readonly store: Store;
  readonly now?: () => Date;
  /** Uniform in [0, 1); for the jitter of retries. */
  readonly random?: () => number;
  /** For one version's data, in bytes of canonical JSON. */
  readonly maxDocumentBytes?: number;
  /** Start an agent as soon as its inputs are in, instead of at the next superstep. Changes no result. */
  readonly lookahead?: boolean;
  /** After this long without a sign of life a run may be carried on by another process. 30 s when left out. */
  readonly leaseMs?: number;
  /** Called after each event, in order. What it throws is ignored: a listener must not stop a run. */
  readonly onEvent?: ((event: RunEvent) => void) | undefined;
  /** Budgets, prices, rate limits, alerts, and how many agents may be called at one time. */
  readonly limits?: LimitOptions | undefined;
}

/** A tier that is called under limits of its own. */
export interface GuardedTier {
  readonly name: string;
  readonly limits: Limits;
}

/** What all runs of one process share: the store, the clock, the guards, the leases. */
export interface Runtime {
  readonly store: Store;
  readonly now: () => Date;
  readonly maxDocumentBytes: number;
  readonly lookahead: boolean;
  /** Names this process among those that share the store. */
  readonly holder: string;
  /** Until when a lease taken now holds, ISO 8601. */
  leaseUntil(): string;
  /** What the runs spend by, and who is told of it. */
  readonly meter: Meter;
  /** The guard of an agent, or of one of its tiers; the same for all its runs. */
  guardOf(agent: Agent, tier?: GuardedTier): Guard;
  /** The tiers that can be asked in a round of a step, best first; none for an agent without tiers. */
  tiersFor(work: { readonly agent: Agent; readonly step: string; readonly round: number }): readonly Tier[];
  /** What an agent at work gets from outside: its way out, its purse, and the time. */
  outsideOf(site: EffectSite): Pick<AgentContext, "effects" | "spend" | "stream" | "now">;
  /** Opens the scope of a run whose lease this process has just got. */
  open(lease: Lease): RunScope;
  /** Takes the run's lease, then opens its scope. Throws `RUN_UNKNOWN`, `RUN_FINISHED`, or `RUN_HELD` by another process. */
  claim(runId: RunId): Promise<RunScope>;
  activeScope(runId: RunId): RunScope | undefined;
  activeScopes(): Iterable<RunScope>;
  /** Lets nothing new begin: nodes throw `DRAINING`, and the runs stay on disk for whoever recovers them. */
  drain(): void;
  readonly draining: boolean;
  /** Tells the listener of an event that is in the store already. */
  tell(event: RunEvent): void;
  /** Forgets the scope; its lease stays until it is released or lapses. */
  forget(runId: RunId): void;
  /** Forgets the scope and gives the lease back. */
  release(scope: RunScope): Promise<void>;
}

const LEASE_MS = 30_000;

export function createRuntime(options: RuntimeOptions): Runtime {
  const { store, now = () => new Date(), random = Math.random, maxDocumentBytes = MAX_DOCUMENT_BYTES, lookahead = true } = options;
  const { leaseMs = LEASE_MS, onEvent } = options;
  if (!(leaseMs > 0 && leaseMs <= MAX_TIMER_MS)) throw new RangeError(`leaseMs must be between 1 and ${MAX_TIMER_MS}, not ${leaseMs}.`);
  const holder = `${hostname()}:${process.pid}:${newRunId()}`;
  const guards = new Map<string, Guard>();
  const scopes = new Map<RunId, RunScope>();
  let draining = false;
  const leaseUntil = () => new Date(now().getTime() + leaseMs).toISOString();
  const shared = sharedPlaces(options.limits?.maxConcurrentAgents);
  const meter = createMeter({ store: store.limits, options: options.limits, now });
  const heartbeat = heartbeatOf(store, scopes, leaseMs, leaseUntil);

  const tell = (event: RunEvent) => {
    try {
      onEvent?.(event);
    } catch {
      // A listener must not be able to stop a run. The event is in the store.
    }
  };
  const emit = (event: RunEvent, epoch: number) => {
    store.events.emit(event, epoch);
    tell(event);
  };
  const open = (lease: Lease): RunScope => {
    const { runId, epoch } = lease;
    const scope = new RunScope({
      lease,
      store,
      now,
      leaseMs,
      maxDocumentBytes,
      emit: (event) => emit({ ...event, runId, at: now().toISOString() }, epoch),
    });
    scopes.set(runId, scope);
    heartbeat.start();
    meter.watch.begin(runId);
    return scope;
  };
  const forget = (runId: RunId) => {
    scopes.delete(runId);
    meter.watch.end(runId);
    if (scopes.size === 0) heartbeat.stop();
  };

  return {
    store,
    now,
    maxDocumentBytes,
    lookahead,
    holder,
    leaseUntil,
    meter,
    guardOf(agent, tier) {
      const key = `${agent.name}@${agent.version}/${tier?.name ?? ""}`;
      const known = guards.get(key);
      if (known) return known;
      const { name, limits } = agent;
      const made = guard({
        agent: name,
        tier: tier?.name,
        limits: tier?.limits ?? limits,
        cells: store.limits,
        holder,
        now,
        random,
        shared,
      });
      guards.set(key, made);
      return made;
    },
    tiersFor: ({ agent }) => tiersOf(agent).filter(isAvailable),
    outsideOf: (site) => ({ effects: performer(site), spend: spender(meter, site), stream: streamer(site, now, tell), now }),
    open,
    claim: async (runId) => open(await store.runs.claim({ runId, holder, now: now().toISOString(), until: leaseUntil() })),
    tell,
    activeScope: (runId) => scopes.get(runId),
    activeScopes: () => scopes.values(),
    drain() {
      draining = true;
    },
    get draining() {
      return draining;
    },
    forget,
    async release(scope) {
      if (scopes.get(scope.runId) === scope) forget(scope.runId);
      await store.runs.release(scope.runId, scope.epoch);
    },
  };
}

function streamer(
  { scope, step, round, tier, signal }: EffectSite,
  now: () => Date,
  tell: (event: RunEvent) => void,
): AgentContext["stream"] {
  return (text) => {
    if (signal.aborted || text === "") return;
    tell({ type: "agent.streamed", agent: step, round, tier, text, runId: scope.runId, at: now().toISOString() });
  };
}

/** A tier that cannot say counts as available: its work will tell. */
function isAvailable(tier: Tier): boolean {
  try {
    return !isLive(tier) || tier.available?.() !== false;
  } catch {
    return true;
  }
}

/** Renews the leases of all runs under way, and hears of those that were lost or canceled from elsewhere. */
function heartbeatOf(store: Store, scopes: ReadonlyMap<RunId, RunScope>, leaseMs: number, leaseUntil: () => string) {
  let timer: NodeJS.Timeout | undefined;
  const beat = async () => {
    const active = [...scopes.values()].filter(({ halted }) => !halted);
    const until = leaseUntil();
    const lost = new Set(await store.runs.renew(active, until));
    for (const scope of active) {
      if (lost.has(scope.runId)) scope.lose();
      else scope.extend(until);
    }
    for (const { runId, reason } of await store.runs.cancelRequests(active.map(({ runId }) => runId))) {
      scopes.get(runId)?.fail(new Canceled(`Run ${runId} was canceled: ${reason}.`, { runId, reason }).toJSON());
    }
  };
  return {
    start() {
      // A beat that fails (the store is busy) is made up for by the next one; the lease is checked before each effect anyway.
      timer ??= setInterval(() => void beat().catch(() => {}), Math.max(1, Math.floor(leaseMs / 3))).unref();
    },
    stop() {
      clearInterval(timer);
      timer = undefined;
    },
  };
}
