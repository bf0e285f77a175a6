import type { ModelRequest } from "walkback";

/** What came back, by a reading of the raw body that shares nothing with the one under test. */
export interface Judged {
  readonly verdict: "text" | "json" | "calls" | "refused" | "cut off" | "held back" | "prose" | "nothing" | "broken" | "error";
  readonly text?: string;
  readonly calls?: readonly { readonly name: string; readonly arguments: string }[];
  readonly usage?: readonly [number, number] | undefined;
}

// The body is looked at as what it is taken for, and whatever is not there makes the verdict.
// biome-ignore lint/suspicious/noExplicitAny: foreign JSON, read without the schema under test
type Foreign = any;

/** Judges an answer with status 200. */
export function judgeBody(body: string, request: ModelRequest): Judged {
  const pieces = body.trimStart().startsWith("{") ? wholeBody(body) : streamBody(body);
  if (typeof pieces === "string") return { verdict: pieces };
  if (pieces.some((piece) => piece?.error)) return { verdict: "error" };
  const choices = pieces.flatMap((piece) => (piece?.choices ?? []).filter((choice: Foreign) => (choice.index ?? 0) === 0));
  const usage = pieces.findLast((piece) => piece?.usage)?.usage;
  const judged = judgeChoices(choices, request);
  return { ...judged, usage: usage && [usage.prompt_tokens, usage.completion_tokens] };
}

function wholeBody(body: string): Foreign[] | "broken" {
  try {
    return [JSON.parse(body)];
  } catch {
    return "broken";
  }
}

function streamBody(body: string): Foreign[] | "broken" | "nothing" {
  if (body.trim() === "") return "nothing";
  const [told, ...rest] = body.replaceAll("\r\n", "\n").split("data: [DONE]");
  if (told === undefined || rest.length === 0) return "broken";
  const events = told.split("\n\n").filter((event) => event.trim() !== "");
  try {
    return events.map((event) => JSON.parse(event.replace(/^data:/, "")));
  } catch {
    return "broken";
  }
}

function judgeChoices(choices: Foreign[], request: ModelRequest): Judged {
  if (choices.length === 0) return { verdict: "nothing" };
  const messages = choices.map((choice) => choice.delta ?? choice.message).filter(Boolean);
  const all = (key: string) => messages.map((message) => message[key] ?? "").join("");
  const finish = choices.findLast((choice) => choice.finish_reason)?.finish_reason;
  const text = all("content");
  const calls = callsIn(messages);
  if (all("refusal") !== "") return { verdict: "refused" };
  if (finish === "length") return { verdict: "cut off" };
  if (finish === "content_filter" || messages.length === 0) return { verdict: "held back" };
  if (!["stop", "tool_calls", "function_call"].includes(finish)) return { verdict: "broken" };
  if (calls.some(({ name }) => name === "")) return { verdict: "broken" };
  if (calls.length > 0) return request.tools ? { verdict: "calls", calls } : { verdict: "broken" };
  if (finish !== "stop") return { verdict: "broken" };
  if (text.trim() === "") return { verdict: "nothing" };
  if (request.tools) return { verdict: "prose" };
  if (!request.answer) return { verdict: "text", text };
  return wholeBody(text) === "broken" ? { verdict: "prose" } : { verdict: "json", text };
}

function callsIn(messages: Foreign[]): { name: string; arguments: string }[] {
  const calls = new Map<unknown, { name: string; arguments: string }>();
  for (const message of messages) {
    const fragments = [...(message.tool_calls ?? []), ...(message.function_call ? [{ index: 0, function: message.function_call }] : [])];
    for (const [position, { index = position, function: written }] of fragments.entries()) {
      const call = calls.get(index) ?? { name: "", arguments: "" };
      calls.set(index, { name: call.name + (written?.name ?? ""), arguments: call.arguments + (written?.arguments ?? "") });
    }
  }
  return [...calls.values()];
}
