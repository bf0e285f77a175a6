import type { JsonValue } from "../../contracts/json-value.js";
import { asBuffer, type Content, commonPrefix, commonSuffix, hashOfContent } from "../content.js";
import type { ArchivedValue } from "./format.js";

/** A value may be like one of so many before it: whoever reads a file need not keep more of them than this. */
const WINDOW = 64;
/** Less in common than this is written again. */
const MIN_SHARED = 128;
/** No value is put together that is longer, whatever a file says. */
const MAX_BYTES = 256 * 1024 * 1024;

/** The values of a file as it is written: each once, and one that is like the one before it in the same place as what differs. */
export class ValueWriter {
  readonly #written = new Set<string>();
  readonly #recent = new Recent();
  /** The newest value in each place. */
  readonly #newest = new Map<string, string>();

  /** Gives the line, unless the value stands in the file already, and returns the value's hash. */
  *put(content: Content, place: string): Generator<ArchivedValue, string> {
    const hash = hashOfContent(content).toString("hex");
    const before = this.#newest.get(place);
    this.#newest.set(place, hash);
    if (this.#written.has(hash)) return hash;
    this.#written.add(hash);
    const bytes = asBuffer(content.bytes);
    yield (content.type === "json" ? this.#likeness(hash, bytes, before) : undefined) ?? whole(hash, content);
    this.#recent.add(hash, bytes);
    return hash;
  }

  #likeness(hash: string, bytes: Buffer, like: string | undefined): ArchivedValue | undefined {
    const base = like === undefined ? undefined : this.#recent.get(like);
    if (like === undefined || !base) return undefined;
    const begin = characterAtOrBefore(bytes, commonPrefix(base, bytes));
    const rest = Math.min(base.length, bytes.length) - begin;
    const suffix = Math.min(commonSuffix(base, bytes), rest);
    const end = bytes.length - characterAtOrAfter(bytes, bytes.length - suffix);
    if (begin + end < MIN_SHARED) return undefined;
    return { kind: "value", hash, like, begin, end, text: bytes.toString("utf8", begin, bytes.length - end) };
  }
}

/** The values of a file as it is read. */
export class ValueReader {
  readonly #recent = new Recent();

  /** Throws a `RangeError` when the line does not say what its hash says. */
  read(value: ArchivedValue): Content {
    const content: Content =
      "base64" in value ? { type: "bytes", bytes: decoded(value.base64) } : { type: "json", bytes: this.#text(value) };
    if (hashOfContent(content).toString("hex") !== value.hash) throw new RangeError("the value is not what its hash says");
    this.#recent.add(value.hash, asBuffer(content.bytes));
    return content;
  }

  #text(value: Exclude<ArchivedValue, { readonly base64: string }>): Buffer {
    if ("json" in value) return Buffer.from(JSON.stringify(value.json));
    if (!("like" in value)) return parsable(value.text);
    const base = this.#recent.get(value.like);
    const { begin, end, text } = value;
    if (!base) throw new RangeError("the value that it is like is not among those before it");
    if (begin + end > base.length) throw new RangeError("it shares more than there is");
    if (begin + end + text.length > MAX_BYTES) throw new RangeError("the value is too large");
    return Buffer.concat([base.subarray(0, begin), Buffer.from(text), base.subarray(base.length - end)]);
  }
}

/** JSON in its own form where reading it loses nothing, else as text; anything else in base 64. */
function whole(hash: string, { type, bytes }: Content): ArchivedValue {
  const buffer = asBuffer(bytes);
  if (type !== "json") return { kind: "value", hash, base64: buffer.toString("base64") };
  const text = buffer.toString("utf8");
  const json = plain(text);
  return json ? { kind: "value", hash, ...json } : { kind: "value", hash, text };
}

/** The JSON value of a text that is written the way this runtime writes it. */
export function plain(text: string): { readonly json: JsonValue } | undefined {
  const json = JSON.parse(text) as JsonValue;
  return JSON.stringify(json) === text ? { json } : undefined;
}

function parsable(text: string): Buffer {
  JSON.parse(text);
  return Buffer.from(text);
}

function decoded(base64: string): Buffer {
  const bytes = Buffer.from(base64, "base64");
  if (bytes.toString("base64") === base64) return bytes;
  throw new RangeError("it is not written in base 64");
}

function characterAtOrBefore(bytes: Buffer, index: number): number {
  return isInsideCharacter(bytes, index) ? characterAtOrBefore(bytes, index - 1) : index;
}

function characterAtOrAfter(bytes: Buffer, index: number): number {
  return isInsideCharacter(bytes, index) ? characterAtOrAfter(bytes, index + 1) : index;
}

function isInsideCharacter(bytes: Buffer, index: number): boolean {
  return ((bytes[index] ?? 0) & 0xc0) === 0x80;
}

/** The last so many values by their hash. */
class Recent {
  readonly #values = new Map<string, Buffer>();

  get(hash: string): Buffer | undefined {
    return this.#values.get(hash);
  }

  add(hash: string, bytes: Buffer): void {
    this.#values.set(hash, bytes);
    const [oldest] = this.#values.keys();
    if (this.#values.size > WINDOW && oldest !== undefined) this.#values.delete(oldest);
  }
}
