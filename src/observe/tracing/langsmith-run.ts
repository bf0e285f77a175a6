import type { JsonObject } from "../../contracts/json-value.js";
import type { Span, SpanKind } from "./span.js";

/** A span in LangSmith's words. */
export interface LangSmithRun {
  readonly id: string;
  readonly trace_id: string;
  readonly parent_run_id?: string;
  readonly dotted_order: string;
  readonly session_name: string;
  readonly name: string;
  readonly run_type: string;
  readonly start_time: string;
  readonly end_time?: string;
  readonly inputs: JsonObject;
  readonly outputs?: JsonObject;
  readonly error?: string;
  readonly tags: string[];
  readonly extra: { readonly metadata: JsonObject };
}

/** What a span is about, when it may be told. */
export interface Content {
  readonly inputs?: JsonObject | undefined;
  readonly outputs?: JsonObject | undefined;
}

export interface Envelope {
  readonly traceId: string;
  readonly project: string;
  /** Undefined when nothing but names, codes and numbers may be told. */
  readonly content: Content | undefined;
}

const RUN_TYPES: Readonly<Record<SpanKind, string>> = {
  run: "chain",
  agent: "chain",
  tier: "chain",
  attempt: "chain",
  effect: "tool",
  question: "chain",
};

export function langSmithRun(span: Span, { traceId, project, content }: Envelope): LangSmithRun {
  const { id, parentId, kind, name, startedAt, endedAt, status, failure, attributes, order } = span;
  const code = failure?.code ?? (status === "stopped" ? "STOPPED" : undefined);
  const error = content && failure ? [`${failure.code}: ${failure.message}`, ...failure.causes].join("\n") : code;
  return {
    id,
    trace_id: traceId,
    ...(parentId === undefined ? {} : { parent_run_id: parentId }),
    dotted_order: order,
    session_name: project,
    name,
    run_type: RUN_TYPES[kind],
    start_time: startedAt,
    ...(endedAt === undefined ? {} : { end_time: endedAt, outputs: content?.outputs ?? {} }),
    inputs: content?.inputs ?? {},
    ...(error === undefined || status === "ok" ? {} : { error }),
    tags: [`walkback:${kind}`],
    extra: { metadata: { ...attributes, kind, outcome: status, ...(code === undefined ? {} : { code }) } },
  };
}
