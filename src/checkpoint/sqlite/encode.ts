import type { SerializerProtocol } from "@langchain/langgraph-checkpoint";
import { StateNotSerializable } from "../../contracts/failure.js";
import { sealedForm } from "../../contracts/json.js";
import type { Content, ContentType } from "../content.js";

const TEXT = new TextDecoder();

/**
 * LangGraph's own format, so that its files are readable here: what is plain JSON goes straight through `JSON.stringify`, and
 * comes back without a look at each node of it; messages, Sets, Maps, bytes and the like go through its serializer.
 */
export class Encoder {
  constructor(private readonly langGraphs: SerializerProtocol) {}

  /** Throws `STATE_NOT_SERIALIZABLE` for what LangGraph's serializer would turn into something else without a word. */
  async encode(channel: string, value: unknown): Promise<Content> {
    const sealed = sealedForm(value);
    if (sealed !== undefined) return { type: "json", bytes: Buffer.from(sealed.json), hash: sealed.hash };
    if (value instanceof Uint8Array) return { type: "bytes", bytes: new Uint8Array(value) }; // its maker may go on to change it
    const refuse = (found: string) => unserializable(channel, found);
    if (isPlain(value, 0, refuse)) return { type: "json", bytes: Buffer.from(JSON.stringify(value)) };
    if (typeof value === "function" || typeof value === "symbol") refuse(`a ${typeof value}`);
    refuseLost(value, new Set(), refuse);
    const [type, bytes] = await this.langGraphs.dumpsTyped(value);
    return { type: type as ContentType, bytes };
  }

  async decode({ type, bytes }: Content): Promise<unknown> {
    if (type === "bytes") return new Uint8Array(bytes);
    const text = TEXT.decode(bytes);
    return text.includes('"lc":') ? this.langGraphs.loadsTyped("json", text) : JSON.parse(text);
  }
}

/** Deeper than this it is left to LangGraph's serializer, which looks for cycles. */
const MAX_DEPTH = 100;

/** Whether `JSON.stringify` keeps all of it, and its reading gives the same. */
function isPlain(value: unknown, depth: number, refuse: (found: string) => never): boolean {
  switch (typeof value) {
    case "string":
    case "boolean":
      return true;
    case "number":
      return Number.isFinite(value) || refuse(String(value));
    case "bigint":
      return refuse("a bigint");
    case "object":
      return value === null || isPlainObject(value, depth, refuse);
    default:
      return false; // undefined has a form of its own; a function is dropped, as LangGraph does
  }
}

function isPlainObject(value: object, depth: number, refuse: (found: string) => never): boolean {
  if (depth > MAX_DEPTH || "toJSON" in value) return false;
  if (Array.isArray(value)) return value.every((item) => isPlain(item, depth + 1, refuse));
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return false;
  if ("lg_name" in value) return false;
  for (const key in value) if (!isPlain((value as Record<string, unknown>)[key], depth + 1, refuse)) return false;
  return true;
}

/** LangGraph's serializer drops functions, but these it would change, or lose all of the value with them. */
function refuseLost(value: unknown, ancestors: Set<object>, refuse: (found: string) => never): void {
  if (typeof value === "bigint") refuse("a bigint");
  if (typeof value === "number" && !Number.isFinite(value)) refuse(String(value));
  if (typeof value !== "object" || value === null || value instanceof Uint8Array) return;
  if (value instanceof Date && Number.isNaN(value.getTime())) refuse("an invalid date");
  if (ancestors.has(value)) refuse("a cycle");
  ancestors.add(value);
  for (const inner of partsOf(value)) refuseLost(inner, ancestors, refuse);
  ancestors.delete(value);
}

function partsOf(value: object): Iterable<unknown> {
  if ("toJSON" in value && typeof value.toJSON === "function") return [value.toJSON()];
  if (value instanceof Map) return [...value].flat();
  return value instanceof Set ? value : Object.values(value);
}

function unserializable(channel: string, found: string): never {
  const message = `The channel "${channel}" holds ${found}, which JSON cannot keep. Put it into the state as a string.`;
  throw new StateNotSerializable(message, { channel, found });
}
