import { createHash } from "node:crypto";
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
  return { data: deepFreeze(JSON.parse(json) as T), json, hash: sha256(json) };
}

/** The content hash of a document, the same on every machine. */
export function hashOf(document: unknown): string {
  return seal(document).hash;
}

export function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
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
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index++) inspectValue(value[index], `${path}/${index}`, ancestors, allowance);
    if (Object.keys(value).length !== value.length) throw notPlain(path, "a sparse array or one with named properties");
  } else {
    inspectRecord(value, path, ancestors, allowance);
  }
  ancestors.delete(value);
}

function inspectRecord(value: object, path: string, ancestors: Set<object>, allowance: Allowance): void {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) {
    throw notPlain(path, `an instance of ${value.constructor?.name ?? "a class"}`);
  }
  for (const key of Reflect.ownKeys(value)) {
    if (typeof key === "symbol") throw notPlain(path, "a symbol as key");
    const property = Object.getOwnPropertyDescriptor(value, key);
    const at = path + pointerOf([key]);
    if (RESERVED_KEYS.has(key)) throw notPlain(at, `the reserved key ${key}`);
    if (property?.get ?? property?.set) throw notPlain(at, "a getter or setter");
    if (property?.enumerable === false) throw notPlain(at, "a hidden property");
    spend(allowance, key.length);
    inspectValue(property?.value, at, ancestors, allowance);
  }
  // LangChain's serializer would bring such an object back to life as a class instance when a checkpoint is loaded.
  if ("lc" in value && "type" in value && typeof value.lc === "number")
    throw notPlain(path, "the form reserved for LangChain's serializer (lc, type)");
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
