import { v5, validate } from "uuid";
import type { Failure } from "../../contracts/failure.js";
import type { RunId } from "../../contracts/ids.js";
import type { Attributes, Span, SpanKind, SpanStatus } from "./span.js";

/** Of the ids of spans; any constant would do. */
const NAMESPACE = "5a1c8f0e-0f5b-4c3e-9a53-6a6f0f1d7c11";

type Writable<T> = { -readonly [Key in keyof T]: T[Key] };

/** A span while its trace is put together. */
export interface Draft extends Writable<Span> {
  readonly path: string;
  readonly parent: Draft | undefined;
  readonly children: Draft[];
}

export interface Opening {
  readonly kind: SpanKind;
  readonly name: string;
  readonly at: string;
  readonly attributes?: Attributes;
}

export interface Ending {
  readonly at: string;
  readonly status: Exclude<SpanStatus, "open">;
  readonly failure?: Failure | undefined;
}

/** The spans of one run. What a span is called by and when it began never changes once it is there: its children refer to it. */
export class Trace {
  /** The newest work on each step, by its name. */
  readonly steps = new Map<string, Draft>();
  readonly #drafts = new Map<string, Draft>();
  readonly #changed = new Set<Draft>();

  constructor(readonly runId: RunId) {}

  get root(): Draft | undefined {
    return this.#drafts.get("");
  }

  /** Whether the run has ended; nothing comes after that. */
  get ended(): boolean {
    return this.root?.endedAt !== undefined;
  }

  /** Opens a span at the root. */
  begin(opening: Opening): Draft {
    return this.root ?? this.#add("", undefined, opening);
  }

  /** Opens a span under another one. The path tells it from its siblings; for the same thing again it is counted on. */
  open(parent: Draft, path: string, opening: Opening): Draft {
    for (let time = 0; ; time++) {
      const whole = `${parent.path}/${path}#${time}`;
      if (!this.#drafts.has(whole)) return this.#add(whole, parent, opening);
    }
  }

  /** Ends a span, and what is still open in it. */
  end(draft: Draft, { at, status, failure }: Ending): void {
    for (const child of draft.children) if (child.status === "open") this.end(child, { at, status: "stopped" });
    this.change(draft, { endedAt: at < draft.startedAt ? draft.startedAt : at, status, failure });
  }

  change(draft: Draft, change: Partial<Pick<Span, "endedAt" | "status" | "failure" | "attributes">>): void {
    Object.assign(draft, change, { attributes: { ...draft.attributes, ...change.attributes } });
    this.#changed.add(draft);
  }

  /** The spans that are new or have changed since this was asked last, parents first. */
  takeChanged(): readonly Span[] {
    const changed = [...this.#changed].map(spanOf);
    this.#changed.clear();
    return changed;
  }

  spans(): readonly Span[] {
    return [...this.#drafts.values()].map(spanOf);
  }

  #add(path: string, parent: Draft | undefined, { kind, name, at, attributes = {} }: Opening): Draft {
    const id = path === "" && validate(this.runId) ? this.runId : v5(`${this.runId}${path}`, NAMESPACE);
    const startedAt = parent && at < parent.startedAt ? parent.startedAt : at;
    const place = orderOf(startedAt, this.#drafts.size, id);
    const draft: Draft = {
      path,
      parent,
      children: [],
      id,
      parentId: parent?.id,
      kind,
      name,
      startedAt,
      endedAt: undefined,
      status: "open",
      failure: undefined,
      attributes,
      order: parent ? `${parent.order}.${place}` : place,
    };
    this.#drafts.set(path, draft);
    parent?.children.push(draft);
    this.#changed.add(draft);
    return draft;
  }
}

/** LangSmith's time in microseconds; what began in the same millisecond keeps its order by the last three digits. */
function orderOf(startedAt: string, index: number, id: string): string {
  const micros = String(Math.min(index, 999)).padStart(3, "0");
  return `${startedAt.replace(/[-:.Z]/g, "")}${micros}Z${id}`;
}

function spanOf({ path: _, parent: __, children: ___, ...span }: Draft): Span {
  return { ...span };
}
