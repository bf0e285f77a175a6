import type { JsonObject } from "../../contracts/json-value.js";
import { errorBody, SERVER_ERROR } from "./provider-errors.js";
import { DONE, eventOf, jsonAnswer, type WireAnswer } from "./wire-answer.js";

type WireFault = (answer: WireAnswer) => WireAnswer;

/** What can happen to a good answer on its way, however it was asked for. */
export const WIRE_FAULTS = {
  /** The request is taken, and nothing comes back. */
  "silence-before-first-byte": (answer) => ({ ...answer, pieces: [], headless: true, ends: "silence" }),
  /** The answer begins, and then nothing more comes. */
  "silence-after-first-byte": (answer) => ({ ...answer, pieces: beginning(answer), ends: "silence" }),
  "reset-before-answer": (answer) => ({ ...answer, pieces: [], headless: true, ends: "reset" }),
  /** The connection is broken in the middle of the body, or of an event. */
  "reset-mid-body": (answer) => ({ ...answer, pieces: beginning(answer), ends: "reset" }),
  /** The body stops half-way, and the connection ends as if that were all. */
  "truncated-body": (answer) => whole({ ...answer, pieces: beginning(answer) }),
  /** A choice with no message; in a stream, one with nothing in it. */
  "content-filter": (answer) => withoutMessage(answer),
  /** A good answer that asks to wait before the next request. */
  "retry-after-on-200": (answer) => ({ ...answer, headers: { ...answer.headers, "retry-after": "5" } }),
} as const satisfies Record<string, WireFault>;

/** What can happen to a stream. */
export const STREAM_FAULTS = {
  /** The connection is broken between two events. */
  "reset-mid-stream": (answer) => ({ ...answer, pieces: firstHalf(answer.pieces), ends: "reset" }),
  /** The provider reports an error after it had begun to answer. */
  "error-event": (answer) => ({ ...answer, pieces: [...firstHalf(answer.pieces), eventOf(errorBody(SERVER_ERROR))] }),
  /** The whole answer, but not the sign that it is whole. */
  "no-done": (answer) => ({ ...answer, pieces: answer.pieces.filter((piece) => piece !== DONE) }),
  /** The first half of the answer, and a proper end of the connection. */
  "ends-early": (answer) => ({ ...answer, pieces: firstHalf(answer.pieces) }),
} as const satisfies Record<string, WireFault>;

const firstHalf = (pieces: readonly string[]) => pieces.slice(0, Math.ceil(pieces.length / 2));

/** The first half, the last piece of it cut through. */
function beginning({ pieces }: WireAnswer): string[] {
  const some = firstHalf(pieces);
  const last = some.at(-1) ?? "";
  return [...some.slice(0, -1), last.slice(0, Math.ceil(last.length / 2))];
}

/** Where a length is told, it is that of what is sent. */
function whole(answer: WireAnswer): WireAnswer {
  if (answer.headers["content-length"] === undefined) return answer;
  return { ...answer, headers: { ...answer.headers, "content-length": String(Buffer.byteLength(answer.pieces.join(""))) } };
}

function withoutMessage({ status, headers, pieces }: WireAnswer): WireAnswer {
  const choice = { index: 0, logprobs: null, finish_reason: "content_filter" };
  if (headers["content-length"] !== undefined) {
    const completion = JSON.parse(pieces.join("")) as JsonObject; // written by wireAnswerOf
    return jsonAnswer(status, { ...completion, choices: [choice] }, headers);
  }
  const events = pieces.filter((piece) => piece !== DONE).map((piece) => JSON.parse(piece.slice("data: ".length)) as JsonObject);
  const [first = {}] = events;
  const last = events.filter(({ choices }) => Array.isArray(choices) && choices.length === 0);
  const filtered = { ...first, choices: [{ ...choice, delta: {} }] };
  return { status, headers, pieces: [...[filtered, ...last].map(eventOf), DONE] };
}
