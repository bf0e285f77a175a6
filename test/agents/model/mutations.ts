import fc from "fast-check";
import type { JsonObject, JsonValue } from "walkback";

/** A body that was changed, and whether what is left can still be an answer. */
export interface Mutant {
  readonly how: string;
  readonly bytes: Buffer;
  readonly cannotBeWhole: boolean;
  readonly ending?: "reset";
}

type Change = (body: string, random: Random) => Omit<Mutant, "how"> | undefined;
/** A whole number from 0 and below the limit. */
export type Random = (limit: number) => number;

/** What can happen to a body; undefined where it cannot happen to this one. */
const CHANGES: Readonly<Record<string, Change>> = {
  "cut off anywhere": (body, random) => {
    const bytes = Buffer.from(body);
    const at = random(bytes.length);
    return { bytes: bytes.subarray(0, at), cannotBeWhole: at < endOf(body) };
  },
  "connection reset anywhere": (body, random) => {
    const bytes = Buffer.from(body);
    return { bytes: bytes.subarray(0, random(endOf(body))), cannotBeWhole: true, ending: "reset" };
  },
  "cut off within a character": (body, random) => {
    const bytes = Buffer.from(body);
    const inside = [...bytes.keys()].filter((index) => (bytes[index] ?? 0) >> 6 === 0b10);
    const at = inside[random(Math.max(1, inside.length))];
    return at === undefined ? undefined : { bytes: bytes.subarray(0, at), cannotBeWhole: true };
  },
  "a byte of a character lost": (body, random) => {
    const bytes = Buffer.from(body);
    const inside = [...bytes.keys()].filter((index) => (bytes[index] ?? 0) >> 6 === 0b10);
    const at = inside[random(Math.max(1, inside.length))];
    return at === undefined ? undefined : { bytes: Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1)]), cannotBeWhole: true };
  },
  "without [DONE]": (body) => (isStream(body) ? whole(body.replace(/data: \[DONE\]\s*/, "")) : undefined),
  "with another finish reason": (body, random) => {
    const reasons: JsonValue[] = ["length", "content_filter", null, "", "error", "insufficient_system_resource", "MAX_TOKENS", "tired"];
    const reason = reasons[random(reasons.length)] ?? null;
    return whole(eachChoice(body, (choice) => (choice["finish_reason"] ? { ...choice, finish_reason: reason } : choice)));
  },
  "without its finish reason": (body) => whole(eachChoice(body, ({ finish_reason: _, ...choice }) => choice)),
  "without its message": (body) => whole(eachChoice(body, ({ message: _, delta: __, ...choice }) => choice)),
  "with an error within": (body, random) => {
    const error = [{ error: { message: "The server had an error.", type: "server_error" } }, { error: "overloaded" }][random(2)];
    if (!isStream(body)) return whole(JSON.stringify({ ...JSON.parse(body), ...error }));
    const events = body.split("\n\n");
    const last = events.findIndex((event) => event.includes("[DONE]"));
    return whole(events.toSpliced(random(last + 1), 0, `data: ${JSON.stringify(error)}`).join("\n\n"));
  },
  "with an event named error": (body, random) => {
    if (!isStream(body)) return undefined;
    const events = body.split("\n\n");
    const last = events.findIndex((event) => event.includes("[DONE]"));
    return whole(events.toSpliced(random(last + 1), 0, 'event: error\ndata: {"message":"gone"}').join("\n\n"));
  },
  "with garbage in it": (body, random) => {
    const bytes = Buffer.from(body);
    const at = random(bytes.length);
    const garbage = Buffer.from(Array.from({ length: 1 + random(12) }, () => random(256)));
    return { bytes: Buffer.concat([bytes.subarray(0, at), garbage, bytes.subarray(at + random(12))]), cannotBeWhole: false };
  },
  "with a line of garbage": (body, random) => {
    if (!isStream(body)) return undefined;
    const events = body.split("\n\n");
    const last = events.findIndex((event) => event.includes("[DONE]"));
    return whole(events.toSpliced(random(last + 1), 0, "data: {not json").join("\n\n"));
  },
  "a web page": () => whole("<html><body><h1>Welcome</h1><p>data: [DONE]</p></body></html>"),
};

/** A mutant of a body, always the same for the same seed. */
export function mutantOf(body: string, how: string, random: Random): Mutant | undefined {
  const mutant = CHANGES[how]?.(body, random);
  return mutant && { how, ...mutant };
}

export const anyChange = fc.constantFrom(...Object.keys(CHANGES));

/** The bytes in pieces cut anywhere. */
export function inPieces(bytes: Buffer, random: Random): Buffer[] {
  const cuts = Array.from({ length: random(6) }, () => random(bytes.length + 1)).toSorted((a, b) => a - b);
  return [0, ...cuts].map((from, index) => bytes.subarray(from, cuts[index] ?? bytes.length)).filter((piece) => piece.length > 0);
}

const isStream = (body: string) => !body.trimStart().startsWith("{");

const whole = (body: string) => ({ bytes: Buffer.from(body), cannotBeWhole: true });

/** How many bytes the answer needs: the line feeds after it are no part of it. */
function endOf(body: string): number {
  const end = isStream(body) ? body.indexOf("[DONE]") + "[DONE]".length : body.lastIndexOf("}") + 1;
  return Buffer.byteLength(body.slice(0, end));
}

function eachChoice(body: string, change: (choice: JsonObject) => JsonObject): string {
  const changed = (text: string) => {
    const document = JSON.parse(text) as { readonly choices?: readonly JsonObject[] };
    return JSON.stringify({ ...document, ...(document.choices ? { choices: document.choices.map(change) } : {}) });
  };
  if (!isStream(body)) return changed(body);
  return body.replace(/^data: (\{.*)$/gm, (_, event: string) => `data: ${changed(event)}`);
}
