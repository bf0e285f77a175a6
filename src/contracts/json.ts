import { hash } from "node:crypto";
import canonicalize from "canonicalize";
import { DocumentTooLarge, NotPlainJson, pointerOf } from "./failure.js";
import type { JsonValue } from "./json-value.js";

/** 1 MiB of canonical JSON: a version holds a decision and its evidence, files belong elsewhere. */
export const MAX_DOCUMENT_BYTES = 1024 * 1024;

/** A document that may be remembered: checked, detached from whoever made it, frozen, and named by its content. */
export interface Sealed<T = JsonValue> {
  readonly data: T;
  /** RFC 8785 canonical JSON. */
  readonly json: string;
  /** SHA-256 of the canonical JSON, hexadecimal. */
  readonly hash: string;
}

/**
 * Takes a document over into the state: refuses what JSON would lose or change (`NOT_PLAIN_JSON`, with the path) and
 * what is too large (`DOCUMENT_TOO_LARGE`), then returns a frozen copy, so that neither its maker nor its reader can
 * alter it afterwards.
 */
export function seal<T = JsonValue>(document: unknown, maxBytes = MAX_DOCUMENT_BYTES): Sealed<T> {
  inspectValue(document, "", new Set(), { left: maxBytes, maxBytes });
  const json = canonicalize(document) as string; // only undefined has no canonical form, and that was refused above
  const bytes = Buffer.byteLength(json);
  if (bytes > maxBytes) throw tooLarge(bytes, maxBytes);
  const data = deepFreeze(JSON.parse(json) as T);
  const sealed = { data, json, hash: sha256(json) };
  if (typeof data === "object" && data !== null) SEALED.set(data, sealed);
  return sealed;
}

const SEALED = new WeakMap<object, Omit<Sealed, "data">>();

/** The canonical JSON of a document that `seal` returned, and its hash; it is frozen, so that still holds. */
export function sealedForm(document: unknown): Omit<Sealed, "data"> | undefined {
  return typeof document === "object" && document !== null ? SEALED.get(document) : undefined;
}

/** The content hash of a document, the same on every machine. */
export function hashOf(document: unknown): string {
  return seal(document).hash;
}

export function sha256(text: string): string {
  return hash("sha256", text);
}

/** Freezes a document in place, all the way down. Already frozen branches are taken as done. */
export function deepFreeze<T>(value: T): T {
  if (typeof value !== "object" || value === null || Object.isFrozen(value)) return value;
  for (const inner of Object.values(value)) deepFreeze(inner);
  return Object.freeze(value);
}

interface Allowance {
  left: number;
  readonly maxBytes: number;
}

const RESERVED_KEYS: ReadonlySet<string> = new Set(["__proto__"]);
const MAX_DEPTH = 200;

function inspectValue(value: unknown, path: string, ancestors: Set<object>, allowance: Allowance): void {
  spend(allowance, 1); // so that references shared on every level cannot multiply without end
  switch (typeof value) {
    case "string":
      spend(allowance, value.length);
      if (!value.isWellFormed()) throw notPlain(path, "a string with half of a surrogate pair");
      return;
    case "number":
      if (!Number.isFinite(value)) throw notPlain(path, String(value));
      return;
    case "boolean":
      return;
    case "object":
      if (value !== null) inspectObject(value, path, ancestors, allowance);
      return;
    case "undefined":
    case "bigint":
    case "symbol":
    case "function":
      throw notPlain(path, typeof value);
  }
}

function inspectObject(value: object, path: string, ancestors: Set<object>, allowance: Allowance): void {
  if (ancestors.has(value)) throw notPlain(path, "a cycle");
  if (ancestors.size >= MAX_DEPTH) throw notPlain(path, `more than ${MAX_DEPTH} levels of nesting`);
  ancestors.add(value);
  const prototype: unknown = Object.getPrototypeOf(value);
  const plain = Array.isArray(value) ? prototype === Array.prototype : prototype === Object.prototype || prototype === null;
  if (!plain) throw notPlain(path, `an instance of ${value.constructor?.name ?? "a class"}`);
  const inspectKey = (key: string) =>
    inspectProperty(Object.getOwnPropertyDescriptor(value, key), path + pointerOf([key]), ancestors, allowance);
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index++) inspectKey(String(index));
    if (Reflect.ownKeys(value).length !== value.length + 1) throw notPlain(path, "an array with named properties"); // `length` is one
  } else {
    inspectKeys(value, path, allowance).forEach(inspectKey);
    refuseReserved(value, path);
  }
  ancestors.delete(value);
}

function inspectKeys(value: object, path: string, allowance: Allowance): readonly string[] {
  return Reflect.ownKeys(value).map((key) => {
    if (typeof key === "symbol") throw notPlain(path, "an object with a symbol as key");
    if (RESERVED_KEYS.has(key)) throw notPlain(path + pointerOf([key]), `the reserved key ${key}`);
    if (!key.isWellFormed()) throw notPlain(path, "an object with half of a surrogate pair in a key");
    spend(allowance, key.length);
    return key;
  });
}

function inspectProperty(property: PropertyDescriptor | undefined, path: string, ancestors: Set<object>, allowance: Allowance): void {
  if (property?.get ?? property?.set) throw notPlain(path, "a getter or setter");
  if (property?.enumerable === false) throw notPlain(path, "a hidden property");
  inspectValue(property?.value, path, ancestors, allowance);
}

/** LangGraph's serializer would turn such an object into something else when a checkpoint is written or loaded. */
function refuseReserved(value: object, path: string): void {
  if ("lc" in value && "type" in value && typeof value.lc === "number")
    throw notPlain(path, "the form reserved for LangChain's serializer (lc, type)");
  if ("lg_name" in value && value.lg_name === "Send") throw notPlain(path, "the form reserved for LangGraph's serializer (lg_name)");
}

function spend(allowance: Allowance, characters: number): void {
  allowance.left -= characters;
  if (allowance.left < 0) throw tooLarge(allowance.maxBytes - allowance.left, allowance.maxBytes);
}

function notPlain(path: string, found: string): NotPlainJson {
  return new NotPlainJson(
    `State must be plain JSON, but ${path || "the document"} is ${found}. Convert it before it is returned (dates to ISO strings, money to integer cents).`,
    { path, found },
  );
}

function tooLarge(bytes: number, maxBytes: number): DocumentTooLarge {
  return new DocumentTooLarge(
    `The document has at least ${bytes} bytes, more than the ${maxBytes} allowed. Keep large content outside and put a reference into the state.`,
    { bytes, maxBytes },
  );
}
