import { isDeepStrictEqual } from "node:util";
import { boundChanges } from "./bounds.js";
import { pointerOf } from "./failure.js";

/** A JSON Schema as zod exports it: without `additionalProperties` an object drops what it does not name. */
export interface JsonSchema {
  readonly [keyword: string]: unknown;
}

/** `additive`: every document that fitted the older shape fits the newer one. `breaking`: some may not. */
export interface Compatibility {
  readonly kind: "same" | "additive" | "breaking";
  /** One line for each difference: where (a JSON Pointer into the document) and what. */
  readonly breaking: readonly string[];
  readonly additions: readonly string[];
}

/**
 * Compares two shapes. What it does not understand (a changed pattern, a recursive reference) counts as breaking: the
 * answer "additive" is a promise, "breaking" only a warning.
 */
export function compareShapes(older: JsonSchema, newer: JsonSchema): Compatibility {
  const found: Found = { breaking: [], additions: [] };
  compare(older, newer, "", found);
  const kind = found.breaking.length > 0 ? "breaking" : found.additions.length > 0 ? "additive" : "same";
  return { kind, ...found };
}

interface Found {
  readonly breaking: string[];
  readonly additions: string[];
}

const ANNOTATIONS = new Set(["$schema", "$id", "title", "description", "examples", "default", "deprecated", "readOnly"]);
/** Keywords handled by name below; any other that differs is breaking. */
const COMPARED = new Set([
  "type",
  "enum",
  "const",
  "minimum",
  "exclusiveMinimum",
  "maximum",
  "exclusiveMaximum",
  "properties",
  "required",
  "additionalProperties",
  "propertyNames",
  "items",
  "anyOf",
  "oneOf",
]);
/** A change of such a bound in this direction lets more documents in. */
const LOOSENS: ReadonlyMap<string, "up" | "down"> = new Map([
  ["minLength", "down"],
  ["minItems", "down"],
  ["maxLength", "up"],
  ["maxItems", "up"],
]);
/** Without one of these the rest of the schema means something else, so its absence loosens nothing. */
const SUPPORTING: ReadonlySet<string> = new Set(["$defs", "prefixItems"]);

function compare(older: JsonSchema, newer: JsonSchema, path: string, found: Found): void {
  if (isDeepStrictEqual(older, newer)) return;
  if (Object.keys(newer).every((keyword) => ANNOTATIONS.has(keyword))) return acceptsAnything(older, path, found);
  if (isUnion(older) || isUnion(newer)) {
    compareOtherKeywords(besideVariants(older), besideVariants(newer), path, found);
    return compareVariants(variantsOf(older), variantsOf(newer), path, found);
  }
  compareTypes(older, newer, path, found);
  compareValues(older, newer, path, found);
  compareBounds(older, newer, path, found);
  compareProperties(older, newer, path, found);
  compareNested("propertyNames", older, newer, path, found);
  compareNested("items", older, newer, path, found);
  compareOtherKeywords(older, newer, path, found);
}

function acceptsAnything(older: JsonSchema, path: string, found: Found): void {
  const didBefore = Object.keys(older).every((keyword) => ANNOTATIONS.has(keyword));
  if (!didBefore) found.additions.push(`${at(path)}: anything is accepted`);
}

function isUnion(schema: JsonSchema): boolean {
  return "anyOf" in schema || "oneOf" in schema || Array.isArray(schema["type"]);
}

/** The ways in which a document may fit: the variants of a union, the types of a list of types. */
function variantsOf(schema: JsonSchema): readonly JsonSchema[] {
  const variants = schema["anyOf"] ?? schema["oneOf"];
  if (Array.isArray(variants)) return (variants as JsonSchema[]).flatMap(variantsOf);
  const types = schema["type"];
  return Array.isArray(types) ? types.map((type) => ({ ...schema, type })) : [schema];
}

/** What a union says besides its variants. */
function besideVariants(schema: JsonSchema): JsonSchema {
  return "anyOf" in schema || "oneOf" in schema ? schema : {};
}

function compareVariants(older: readonly JsonSchema[], newer: readonly JsonSchema[], path: string, found: Found): void {
  const accepted = (variant: JsonSchema, by: readonly JsonSchema[]) =>
    by.some((candidate) => compareShapes(variant, candidate).kind !== "breaking");
  for (const variant of older)
    if (!accepted(variant, newer)) found.breaking.push(`${at(path)}: the variant ${summary(variant)} is no longer accepted`);
  for (const variant of newer) if (!accepted(variant, older)) found.additions.push(`${at(path)}: accepts the variant ${summary(variant)}`);
}

function compareTypes(older: JsonSchema, newer: JsonSchema, path: string, found: Found): void {
  if (isDeepStrictEqual(older["type"], newer["type"])) return;
  const widened = older["type"] === "integer" && newer["type"] === "number";
  const change = `${at(path)}: type ${String(older["type"] ?? "any")} became ${String(newer["type"] ?? "any")}`;
  (widened || newer["type"] === undefined ? found.additions : found.breaking).push(change);
}

function compareValues(older: JsonSchema, newer: JsonSchema, path: string, found: Found): void {
  const before = valuesOf(older);
  const after = valuesOf(newer);
  if (after === undefined && before === undefined) return;
  if (after === undefined) found.additions.push(`${at(path)}: any value is accepted`);
  else if (before === undefined)
    found.breaking.push(`${at(path)}: only ${after.map((value) => JSON.stringify(value)).join(", ")} is accepted`);
  else {
    const missing = before.filter((value) => !after.includes(value));
    const extra = after.filter((value) => !before.includes(value));
    if (missing.length > 0)
      found.breaking.push(`${at(path)}: no longer accepts ${missing.map((value) => JSON.stringify(value)).join(", ")}`);
    if (extra.length > 0) found.additions.push(`${at(path)}: accepts ${extra.map((value) => JSON.stringify(value)).join(", ")}`);
  }
}

function valuesOf(schema: JsonSchema): readonly unknown[] | undefined {
  if ("const" in schema) return [schema["const"]];
  return schema["enum"] as readonly unknown[] | undefined;
}

function compareBounds(older: JsonSchema, newer: JsonSchema, path: string, found: Found): void {
  for (const { change, tighter } of boundChanges(older, newer)) (tighter ? found.breaking : found.additions).push(`${at(path)}: ${change}`);
}

function compareProperties(older: JsonSchema, newer: JsonSchema, path: string, found: Found): void {
  const before = (older["properties"] ?? {}) as Record<string, JsonSchema>;
  const after = (newer["properties"] ?? {}) as Record<string, JsonSchema>;
  const extras = extrasOf(older);
  for (const [name, schema] of Object.entries(before)) {
    const here = path + pointerOf([name]);
    const inner = propertyOf(after, name);
    if (inner) compare(schema, inner, here, found);
    else found.breaking.push(`${here}: was removed`);
  }
  for (const [name, schema] of Object.entries(after)) {
    if (propertyOf(before, name)) continue;
    const here = path + pointerOf([name]);
    found.additions.push(`${here}: was added`);
    if (extras) compare(extras, schema, here, found); // older documents may hold anything of that shape here
  }
  compareRequired(older, newer, path, found);
  compareExtras(extras, extrasOf(newer), path, found);
}

function compareRequired(older: JsonSchema, newer: JsonSchema, path: string, found: Found): void {
  const before = new Set((older["required"] ?? []) as string[]);
  const after = new Set((newer["required"] ?? []) as string[]);
  for (const name of after) if (!before.has(name)) found.breaking.push(`${path}${pointerOf([name])}: may not be left out`);
  for (const name of before) if (!after.has(name)) found.additions.push(`${path}${pointerOf([name])}: may be left out`);
}

function propertyOf(properties: Readonly<Record<string, JsonSchema>>, name: string): JsonSchema | undefined {
  return Object.hasOwn(properties, name) ? properties[name] : undefined; // a property may be called "constructor"
}

/** What becomes of properties without a name of their own: kept if they fit this, refused (`false`), or dropped (`undefined`). */
function extrasOf(schema: JsonSchema): JsonSchema | false | undefined {
  const extras = schema["additionalProperties"];
  if (extras === true || schema["patternProperties"] !== undefined) return {};
  return extras as JsonSchema | false | undefined;
}

function compareExtras(older: JsonSchema | false | undefined, newer: JsonSchema | false | undefined, path: string, found: Found): void {
  if (older === newer) return;
  if (older === false) found.additions.push(`${at(path)}: accepts further properties`);
  else if (newer === false) found.breaking.push(`${at(path)}: no longer accepts further properties`);
  else if (newer === undefined) found.breaking.push(`${at(path)}: drops further properties`);
  else if (older === undefined) {
    found.additions.push(`${at(path)}: keeps further properties`);
    compare({}, newer, `${path}/*`, found);
  } else compare(older, newer, `${path}/*`, found);
}

function compareNested(keyword: string, older: JsonSchema, newer: JsonSchema, path: string, found: Found): void {
  const before = older[keyword];
  const after = newer[keyword];
  if (isDeepStrictEqual(before, after)) return;
  if (isSchema(before) && isSchema(after)) compare(before, after, `${path}/*`, found);
  else (after === undefined ? found.additions : found.breaking).push(`${at(path)}: ${keyword} changed`);
}

function compareOtherKeywords(older: JsonSchema, newer: JsonSchema, path: string, found: Found): void {
  for (const keyword of new Set([...Object.keys(older), ...Object.keys(newer)])) {
    if (ANNOTATIONS.has(keyword) || COMPARED.has(keyword) || isDeepStrictEqual(older[keyword], newer[keyword])) continue;
    const change = `${at(path)}: ${keyword} ${JSON.stringify(older[keyword])} became ${JSON.stringify(newer[keyword])}`;
    (loosened(keyword, older[keyword], newer[keyword]) ? found.additions : found.breaking).push(change);
  }
}

function loosened(keyword: string, before: unknown, after: unknown): boolean {
  if (after === undefined) return !SUPPORTING.has(keyword);
  const direction = LOOSENS.get(keyword);
  if (direction === undefined || typeof before !== "number" || typeof after !== "number") return false;
  return direction === "up" ? after > before : after < before;
}

function isSchema(value: unknown): value is JsonSchema {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function at(path: string): string {
  return path === "" ? "the document" : path;
}

function summary(schema: JsonSchema): string {
  return JSON.stringify(schema["const"] ?? schema["type"] ?? schema).slice(0, 80);
}
