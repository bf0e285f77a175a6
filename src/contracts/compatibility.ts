import { isDeepStrictEqual } from "node:util";

/** A JSON Schema as zod exports it; only what is compared here is looked at. */
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
const COMPARED = new Set(["type", "properties", "required", "additionalProperties", "items", "enum", "const", "anyOf", "oneOf"]);
/** A change of such a bound in this direction lets more documents in. */
const LOOSENS: Readonly<Record<string, "up" | "down">> = {
  minimum: "down",
  exclusiveMinimum: "down",
  minLength: "down",
  minItems: "down",
  maximum: "up",
  exclusiveMaximum: "up",
  maxLength: "up",
  maxItems: "up",
};

function compare(older: JsonSchema, newer: JsonSchema, path: string, found: Found): void {
  if (isDeepStrictEqual(older, newer)) return;
  const olderVariants = variantsOf(older);
  const newerVariants = variantsOf(newer);
  if (olderVariants.length > 1 || newerVariants.length > 1) return compareVariants(olderVariants, newerVariants, path, found);
  compareTypes(older, newer, path, found);
  compareValues(older, newer, path, found);
  compareProperties(older, newer, path, found);
  compareNested("items", older, newer, path, found);
  compareOtherKeywords(older, newer, path, found);
}

function variantsOf(schema: JsonSchema): readonly JsonSchema[] {
  const variants = schema["anyOf"] ?? schema["oneOf"];
  return Array.isArray(variants) ? (variants as JsonSchema[]) : [schema];
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
  const change = `${at(path)}: type ${String(older["type"])} became ${String(newer["type"])}`;
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

function compareProperties(older: JsonSchema, newer: JsonSchema, path: string, found: Found): void {
  const before = (older["properties"] ?? {}) as Record<string, JsonSchema>;
  const after = (newer["properties"] ?? {}) as Record<string, JsonSchema>;
  const requiredBefore = new Set((older["required"] ?? []) as string[]);
  const requiredAfter = new Set((newer["required"] ?? []) as string[]);
  for (const [name, schema] of Object.entries(before)) {
    const inner = after[name];
    if (inner === undefined) found.breaking.push(`${path}/${name}: was removed`);
    else compare(schema, inner, `${path}/${name}`, found);
    if (inner && requiredBefore.has(name) && !requiredAfter.has(name)) found.additions.push(`${path}/${name}: may be left out`);
    if (inner && !requiredBefore.has(name) && requiredAfter.has(name)) found.breaking.push(`${path}/${name}: may no longer be left out`);
  }
  for (const name of Object.keys(after)) {
    if (name in before) continue;
    (requiredAfter.has(name) ? found.breaking : found.additions).push(
      `${path}/${name}: was added${requiredAfter.has(name) ? " and is required" : ""}`,
    );
  }
  compareExtras(older["additionalProperties"], newer["additionalProperties"], path, found);
}

function compareExtras(older: unknown, newer: unknown, path: string, found: Found): void {
  if (isDeepStrictEqual(older ?? true, newer ?? true)) return;
  if (isSchema(older) && isSchema(newer)) compare(older, newer, `${path}/*`, found);
  else if (older === false || newer === undefined || newer === true) found.additions.push(`${at(path)}: accepts further properties`);
  else found.breaking.push(`${at(path)}: no longer accepts further properties`);
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
  if (after === undefined) return true;
  const direction = LOOSENS[keyword];
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
