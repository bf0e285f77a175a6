import type { Failure } from "../../contracts/failure.js";

/** `question` is the time a run waits for a human. An undo is an `effect`, too. */
export type SpanKind = "run" | "agent" | "tier" | "attempt" | "effect" | "question";

/** `stopped` is what was under way when its run, its process or the attempt around it ended. */
export type SpanStatus = "open" | "ok" | "failed" | "stopped" | "skipped";

/** One stretch of a run's time. */
export interface Span {
  /** The same in every process that works on the run. */
  readonly id: string;
  readonly parentId: string | undefined;
  readonly kind: SpanKind;
  readonly name: string;
  /** ISO 8601. */
  readonly startedAt: string;
  readonly endedAt: string | undefined;
  readonly status: SpanStatus;
  readonly failure: Failure | undefined;
  /** Names, numbers and versions; never what the run is about. */
  readonly attributes: Attributes;
  /** By which LangSmith sorts: the start and the id of each span from the root down to this one. */
  readonly order: string;
}

export type Attributes = Readonly<Record<string, string | number | boolean>>;
