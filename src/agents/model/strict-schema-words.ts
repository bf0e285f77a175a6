import type { JsonSchema } from "../../contracts/compatibility.js";
import type { JsonObject, JsonValue } from "../../contracts/json-value.js";

/** What a node says of its values: what strict mode enforces, and the rest in words. */
export interface Constraints {
  readonly kept: JsonObject;
  readonly words: readonly string[];
}

/** Enforced by the provider as they are. Lengths of strings are not among them. */
const KEPT: ReadonlySet<string> = new Set([
  "minimum",
  "maximum",
  "exclusiveMinimum",
  "exclusiveMaximum",
  "multipleOf",
  "minItems",
  "maxItems",
]);
const FORMATS: ReadonlySet<unknown> = new Set(["date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid"]);
/** Groups other than `(?:`, back references, word boundaries and classes by property: not every engine has them. */
const SPECIAL_PATTERN = /\(\?(?!:)|\\[1-9bBkpP]/;

/** Parts what strict mode knows from what it does not; annotations fall away. */
export function constraintsOf(node: JsonSchema): Constraints {
  const { format, pattern, allOf } = node;
  const keptFormat = FORMATS.has(format);
  const keptPattern = typeof pattern === "string" && !keptFormat && !SPECIAL_PATTERN.test(pattern);
  const kept = Object.entries(node).filter(
    ([keyword, value]) =>
      (KEPT.has(keyword) && !isAnyInteger(value)) || (keyword === "format" && keptFormat) || (keyword === "pattern" && keptPattern),
  );
  const words = [
    ...lengthsInWords(node),
    ...(typeof format === "string" && !keptFormat ? [`in the format ${format}`] : []),
    ...(typeof pattern === "string" && !keptPattern ? [matching(pattern)] : []),
    ...(Array.isArray(allOf) ? (allOf as JsonSchema[]).flatMap(inWords) : []),
  ];
  return { kept: Object.fromEntries(kept) as JsonObject, words };
}

/** A description with what else must hold added to it. */
export function described(description: unknown, words: readonly string[]): { readonly description?: string } {
  const constraints = words.length === 0 ? "" : `Must be ${words.join("; ")}.`;
  const all = [typeof description === "string" ? description : "", constraints].filter((part) => part !== "").join(" ");
  return all === "" ? {} : { description: all };
}

/** What null stands for in place of a key that may be left out. */
export function leftOut(fallback: JsonValue | undefined): string {
  return fallback === undefined ? "Null when there is none." : `Null for the default, ${JSON.stringify(fallback)}.`;
}

function inWords({ pattern, format, ...others }: JsonSchema): string[] {
  const { kept, words } = constraintsOf(others);
  return [
    ...words,
    ...Object.entries(kept).map(([keyword, value]) => `with ${keyword} ${JSON.stringify(value)}`),
    ...(typeof format === "string" ? [`in the format ${format}`] : []),
    ...(typeof pattern === "string" ? [matching(pattern)] : []),
  ];
}

function lengthsInWords({ minLength, maxLength }: JsonSchema): string[] {
  if (minLength === undefined && maxLength === undefined) return [];
  if (minLength === maxLength) return [`exactly ${String(minLength)} characters long`];
  if (maxLength === undefined) return [`at least ${String(minLength)} characters long`];
  if (minLength === undefined) return [`at most ${String(maxLength)} characters long`];
  return [`${String(minLength)} to ${String(maxLength)} characters long`];
}

function matching(pattern: string): string {
  return `matched by the regular expression ${pattern}`;
}

/** What zod says of every integer: nothing that a model need be told. */
function isAnyInteger(value: unknown): boolean {
  return value === Number.MAX_SAFE_INTEGER || value === Number.MIN_SAFE_INTEGER;
}
