import type { ModelMessage, ModelRequest } from "../agents/model/chat-model.js";
import { messageOf } from "../contracts/failure.js";

/** What a request must look like; what is left out is not looked at. */
export interface ExpectedRequest {
  /** Stands in the last message, or matches it. */
  readonly text?: string | RegExp;
  /** Whose message is the last one. */
  readonly role?: ModelMessage["role"];
  /** Stands in the instructions (the system messages), or matches them. */
  readonly instructions?: string | RegExp;
  /** The names of all the tools offered, in any order; `[]` for none. */
  readonly tools?: readonly string[];
  /** The name of the schema that the answer must keep; `null` for none. */
  readonly answer?: string | null;
}

/** A description of the request, or a function that throws or returns `false` when it is another one. */
export type Expectation = ExpectedRequest | ((request: ModelRequest) => unknown);

/** What the request lacks, if anything, in the words of `wordingOf`. */
export function unmet(expectation: Expectation | undefined, request: ModelRequest): { expected: string; cause?: unknown } | undefined {
  if (expectation === undefined) return undefined;
  if (typeof expectation !== "function") return fits(expectation, request) ? undefined : { expected: wordingOf(expectation) };
  try {
    return expectation(request) === false ? { expected: "a request that its function accepts" } : undefined;
  } catch (cause) {
    return { expected: `a request that its function accepts (${messageOf(cause)})`, cause };
  }
}

function fits(expected: ExpectedRequest, request: ModelRequest): boolean {
  const { messages, tools = [], answer } = request;
  const last = messages.at(-1);
  if (expected.role !== undefined && last?.role !== expected.role) return false;
  if (expected.text !== undefined && !holds(last?.text ?? "", expected.text)) return false;
  if (expected.instructions !== undefined && !holds(instructionsOf(request), expected.instructions)) return false;
  if (expected.answer !== undefined && (answer?.name ?? null) !== expected.answer) return false;
  return expected.tools === undefined || sorted(expected.tools) === sorted(tools.map(({ name }) => name));
}

function holds(text: string, wanted: string | RegExp): boolean {
  return typeof wanted === "string" ? text.includes(wanted) : text.search(wanted) >= 0;
}

function instructionsOf({ messages }: ModelRequest): string {
  return messages.flatMap((message) => (message.role === "system" ? [message.text] : [])).join("\n");
}

const sorted = (names: readonly string[]) => JSON.stringify(names.toSorted());

/** The expectation as a part of a sentence. */
export function wordingOf(expectation: Expectation | undefined): string {
  if (expectation === undefined || typeof expectation === "function") return "a request";
  const parts = Object.entries(expectation).flatMap(([key, value]) => (value === undefined ? [] : [`${key} ${shown(value)}`]));
  return `a request with ${parts.join(", ")}`;
}

/** The request as a part of a sentence. */
export function describeRequest({ messages, tools = [], answer }: ModelRequest): string {
  const last = messages.at(-1);
  const message = last
    ? `a request whose last message is the ${last.role}'s ${shown(clipped(last.text ?? ""))}`
    : "a request without messages";
  const offered = tools.length === 0 ? [] : [`the tools ${tools.map(({ name }) => name).join(", ")}`];
  return [message, ...offered, ...(answer ? [`the answer ${answer.name}`] : [])].join(", ");
}

const shown = (value: unknown) => (value instanceof RegExp ? String(value) : JSON.stringify(value));

const MOST_SHOWN = 300;
const clipped = (text: string) => (text.length <= MOST_SHOWN ? text : `${text.slice(0, MOST_SHOWN)}…`);
