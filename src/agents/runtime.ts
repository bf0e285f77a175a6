import type { Store } from "../checkpoint/ports.js";
import type { RunEvent } from "../contracts/event.js";
import type { RunId } from "../contracts/ids.js";
import { MAX_DOCUMENT_BYTES } from "../contracts/json.js";
import { type Guard, guard } from "../limits/guard.js";
import type { Agent } from "./agent.js";
import { RunScope } from "./scope.js";

export interface RuntimeOptions {
  readonly store: Store;
  readonly now?: () => Date;
  /** Uniform in [0, 1); for the jitter of retries. */
  readonly random?: () => number;
  /** For one version's data, in bytes of canonical JSON. */
  readonly maxDocumentBytes?: number;
  /** Start an agent as soon as its inputs are in, instead of at the next superstep. Changes no result. */
  readonly lookahead?: boolean;
  /** Called after each event, in order. Must not throw. */
  readonly onEvent?: (event: RunEvent) => void;
}

/** What all runs of one process share: the store, the clock, the guards. */
export interface Runtime {
  readonly store: Store;
  readonly now: () => Date;
  readonly maxDocumentBytes: number;
  readonly lookahead: boolean;
  /** The agent's guard; the same for all its runs. */
  guardOf(agent: Agent): Guard;
  /** The run's scope, made on first use. */
  scopeOf(runId: RunId): RunScope;
  activeScope(runId: RunId): RunScope | undefined;
  release(runId: RunId): void;
}

export function createRuntime(options: RuntimeOptions): Runtime {
  const { store, now = () => new Date(), random = Math.random, maxDocumentBytes = MAX_DOCUMENT_BYTES, lookahead = true, onEvent } = options;
  const guards = new Map<string, Guard>();
  const scopes = new Map<RunId, RunScope>();

  const emit = (event: RunEvent) => {
    store.events.emit(event);
    onEvent?.(event);
  };

  return {
    store,
    now,
    maxDocumentBytes,
    lookahead,
    guardOf(agent) {
      const key = `${agent.name}@${agent.version}`;
      const known = guards.get(key);
      if (known) return known;
      const made = guard({ agent: agent.name, limits: agent.limits, now, random });
      guards.set(key, made);
      return made;
    },
    scopeOf(runId) {
      const known = scopes.get(runId);
      if (known) return known;
      const made = new RunScope(runId, store, now, (event) => emit({ ...event, runId, at: now().toISOString() }));
      scopes.set(runId, made);
      return made;
    },
    activeScope: (runId) => scopes.get(runId),
    release(runId) {
      scopes.delete(runId);
    },
  };
}
