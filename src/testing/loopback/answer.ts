import type { ModelRequest } from "../../agents/model/chat-model.js";
import type { Expectation } from "../expected-request.js";
import { replyOf, type ScriptedReply } from "../scripted-reply.js";
import { faultyAnswer, type LoopbackFault } from "./faults.js";
import type { LoopbackRequest } from "./received.js";
import { type Asked, type WireAnswer, wireAnswerOf } from "./wire-answer.js";
import type { WireRequest } from "./wire-request.js";

interface StepOptions {
  /** What the request must look like. */
  readonly expect?: Expectation;
  /** Waits before the first byte. */
  readonly delayMs?: number;
}

/** A reply, sent as the request asks: as JSON or as a stream. */
export interface LoopbackReply extends ScriptedReply, StepOptions {
  /** What goes wrong with it. */
  readonly fault?: LoopbackFault;
  readonly headers?: Readonly<Record<string, string>>;
}

/** An answer that was recorded, sent as it stands. */
export interface LoopbackRecording extends StepOptions {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: string;
}

/** A text, a reply or a recording. */
export type LoopbackAnswer = string | LoopbackReply | LoopbackRecording;
/** Says what is answered, by everything that can be known of the request. */
export type LoopbackFunction = (request: LoopbackRequest) => LoopbackOutcome | Promise<LoopbackOutcome>;
type LoopbackOutcome = string | Omit<LoopbackReply, "expect"> | Omit<LoopbackRecording, "expect">;
export type LoopbackStep = LoopbackAnswer | LoopbackFunction;

export function isRecording(answer: LoopbackAnswer): answer is LoopbackRecording {
  return typeof answer === "object" && "status" in answer && "body" in answer;
}

/** Everything that is not in the answer itself. */
export interface Question {
  readonly wire: WireRequest;
  readonly request: ModelRequest;
  readonly received: Pick<LoopbackRequest, "number" | "at" | "headers">;
}

export function wireAnswer(answer: LoopbackAnswer, question: Question): WireAnswer {
  if (isRecording(answer)) return recorded(answer);
  const { fault, headers = {}, ...scripted } = typeof answer === "string" ? { text: answer } : answer;
  const { wire, request, received } = question;
  const reply = replyOf(scripted, request, { model: wire.model, number: received.number });
  const asked = askedBy(question);
  const sent = fault === undefined ? wireAnswerOf(reply, asked) : faultyAnswer(fault, reply, request, asked);
  return { ...sent, headers: { ...sent.headers, ...headers } };
}

function askedBy({ wire, received: { number, at, headers } }: Question): Asked {
  const { authorization } = headers;
  return {
    stream: wire.stream ?? false,
    includeUsage: wire.stream_options?.include_usage ?? false,
    number,
    at,
    authorization: typeof authorization === "string" ? authorization : undefined,
  };
}

/** Headers that speak of the connection that was recorded, not of the answer: the body stands there decoded and whole. */
const OF_THE_CONNECTION = new Set(["connection", "content-encoding", "content-length", "keep-alive", "transfer-encoding"]);

function recorded({ status, headers = {}, body }: LoopbackRecording): WireAnswer {
  const kept = Object.entries(headers).flatMap(([name, value]) =>
    OF_THE_CONNECTION.has(name.toLowerCase()) ? [] : [[name.toLowerCase(), value] as const],
  );
  const type = /^(?:data|event|id|:)/.test(body) ? "text/event-stream; charset=utf-8" : "application/json";
  return { status, headers: { "content-type": type, ...Object.fromEntries(kept) }, pieces: body === "" ? [] : [body] };
}
