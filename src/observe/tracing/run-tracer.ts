import type { Store } from "../../checkpoint/ports.js";
import type { RunEvent } from "../../contracts/event.js";
import type { RunId } from "../../contracts/ids.js";
import type { TracingOptions } from "../../contracts/tracing.js";
import { contentsOf } from "./content.js";
import { historyBefore } from "./history-before.js";
import { langSmithRun } from "./langsmith-run.js";
import type { Environment } from "./options.js";
import { Outbox } from "./outbox.js";
import { sampler } from "./sampling.js";
import { scrubber } from "./scrub.js";
import type { Span } from "./span.js";
import { follow } from "./spans-of.js";
import { Trace } from "./trace.js";

/** Events are put together to spans this often. */
const PAUSE_MS = 250;
const MOST_HEARD = 50_000;
/** More runs than these at one time are read again from the store when they go on. */
const MOST_TRACES = 1_000;
const CLOSE_MS = 5_000;

/** A run's trace so far, and which of its spans have been told; those of another process count as told. */
interface Followed {
  readonly trace: Trace;
  readonly told: Set<string>;
}

export class RunTracer {
  readonly #followed = new Map<RunId, Followed>();
  readonly #outbox: Outbox;
  readonly #isSampled: (runId: RunId) => boolean;
  readonly #scrub: <T>(document: T) => T;
  readonly #project: string;
  #heard: RunEvent[] = [];
  #timer: NodeJS.Timeout | undefined;
  #working: Promise<void> = Promise.resolve();
  #closed: Promise<void> | undefined;

  constructor(
    private readonly store: Pick<Store, "events" | "versions" | "journal" | "runs">,
    private readonly options: TracingOptions,
    environment: Environment,
    rate: number,
    private readonly problem: (what: string) => void,
  ) {
    this.#outbox = new Outbox(async () => (await import("./sender.js")).langSmithSend(), problem);
    this.#isSampled = sampler(rate);
    this.#scrub = scrubber(environment);
    this.#project = environment["LANGSMITH_PROJECT"] || environment["LANGCHAIN_PROJECT"] || environment["LANGCHAIN_SESSION"] || "default";
  }

  readonly onEvent = (event: RunEvent): void => {
    if (event.type === "agent.streamed" || this.#closed || !this.#isSampled(event.runId)) return;
    this.#heard.push(event);
    if (this.#heard.length > MOST_HEARD) this.#heard.shift();
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#working = this.#working.then(() => this.#work());
    }, PAUSE_MS).unref();
  };

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    clearTimeout(this.#timer);
    await this.#working;
    await this.#work();
    await this.#outbox.close(CLOSE_MS);
  }

  async #work(): Promise<void> {
    const heard = this.#heard;
    this.#heard = [];
    for (const [runId, events] of byRun(heard)) {
      try {
        await this.#tell(runId, events);
      } catch (thrown) {
        this.#followed.delete(runId);
        this.problem(`a run's record could not be read: ${thrown instanceof Error ? thrown.name : "unknown"}`);
      }
    }
  }

  async #tell(runId: RunId, events: readonly RunEvent[]): Promise<void> {
    const { trace, told } = await this.#follow(runId, events);
    for (const event of events) follow(trace, event);
    const contentOf = this.options.content ? contentsOf(this.store, runId) : undefined;
    for (const span of trace.takeChanged()) {
      const content = await contentOf?.(span);
      const run = this.#scrub(langSmithRun(span, { traceId: traceIdOf(trace, span), project: this.#project, content }));
      this.#outbox.add({ method: told.has(span.id) ? "patch" : "post", run });
      told.add(span.id);
    }
    if (trace.ended) this.#followed.delete(runId);
  }

  async #follow(runId: RunId, events: readonly RunEvent[]): Promise<Followed> {
    const known = this.#followed.get(runId);
    if (known) return known;
    const trace = new Trace(runId);
    if (events[0]?.type !== "run.accepted") for (const event of await this.#historyOf(runId, events)) follow(trace, event);
    const followed = { trace, told: new Set(trace.spans().map(({ id }) => id)) };
    this.#followed.set(runId, followed);
    const [oldest] = this.#followed.keys();
    if (this.#followed.size > MOST_TRACES && oldest !== undefined) this.#followed.delete(oldest);
    return followed;
  }

  /** What another process, or an earlier life of this one, has seen of the run. */
  async #historyOf(runId: RunId, events: readonly RunEvent[]): Promise<readonly RunEvent[]> {
    const listed = await this.store.events.list(runId);
    return historyBefore(listed, [...events, ...this.#heard.filter((event) => event.runId === runId)]);
  }
}

function traceIdOf(trace: Trace, span: Span): string {
  return trace.root?.id ?? span.id;
}

function byRun(events: readonly RunEvent[]): ReadonlyMap<RunId, readonly RunEvent[]> {
  const runs = new Map<RunId, RunEvent[]>();
  for (const event of events) {
    const known = runs.get(event.runId);
    if (known) known.push(event);
    else runs.set(event.runId, [event]);
  }
  return runs;
}
