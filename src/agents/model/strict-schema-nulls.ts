import type { JsonObject, JsonValue } from "../../contracts/json-value.js";
import { resolve, type StrictForm } from "./strict-schema-form.js";

/** The document without the nulls that strict mode made of keys that can be left out. What does not fit is left as it is. */
export function withoutAddedNulls({ schema: root, added }: StrictForm, document: JsonValue): JsonValue {
  const restore = (schema: JsonObject | undefined, value: JsonValue): JsonValue => {
    const target = schema && branchFor(schema, value, root);
    if (!target || typeof value !== "object" || value === null) return value;
    if (isList(value)) return value.map((item) => restore(innerOf(target, "items"), item));
    const properties = innerOf(target, "properties");
    const entries = Object.entries(value).map(([key, inner]) => ({ key, inner, schema: innerOf(properties, key) }));
    const kept = entries.filter(({ inner, schema }) => inner !== null || !schema || !added.has(schema));
    return Object.fromEntries(kept.map(({ key, inner, schema }) => [key, restore(schema, inner)]));
  };
  return restore(root, document);
}

/** What a value is meant by: a reference is followed, and of a union the first that it fits. */
function branchFor(schema: JsonObject, value: JsonValue, root: JsonObject): JsonObject | undefined {
  const target = resolve(schema, root);
  const variants = target?.["anyOf"];
  if (!isList(variants)) return target;
  const chosen = (variants as readonly JsonObject[]).find((variant) => fits(variant, value, root));
  return chosen && branchFor(chosen, value, root);
}

/** By its form alone: kinds of values, keys, and the values of enumerations. Bounds are for the contract to check. */
function fits(schema: JsonObject | undefined, value: JsonValue, root: JsonObject): boolean {
  const target = schema && resolve(schema, root);
  if (!target) return false;
  const { anyOf, const: only, enum: values, type } = target;
  if (isList(anyOf)) return (anyOf as readonly JsonObject[]).some((variant) => fits(variant, value, root));
  if (only !== undefined) return only === value;
  if (isList(values)) return values.includes(value);
  if (!(isList(type) ? type : [type]).some((each) => isOf(each, value))) return false;
  if (isList(value)) return value.every((item) => fits(innerOf(target, "items"), item, root));
  if (typeof value !== "object" || value === null) return true;
  const properties = innerOf(target, "properties") ?? {};
  const keys = Object.keys(properties);
  return keys.length === Object.keys(value).length && keys.every((key) => hasFitting(key));

  function hasFitting(key: string): boolean {
    const inner = Object.hasOwn(value as JsonObject, key) ? (value as JsonObject)[key] : undefined;
    return inner !== undefined && fits(innerOf(properties, key), inner, root);
  }
}

function isOf(type: JsonValue | undefined, value: JsonValue): boolean {
  if (type === "integer") return Number.isInteger(value);
  if (type === "null") return value === null;
  if (type === "array") return isList(value);
  if (type === "object") return typeof value === "object" && value !== null && !isList(value);
  return typeof value === type;
}

function innerOf(schema: JsonObject | undefined, key: string): JsonObject | undefined {
  const inner = schema && Object.hasOwn(schema, key) ? schema[key] : undefined;
  return typeof inner === "object" && inner !== null && !isList(inner) ? inner : undefined;
}

function isList(value: JsonValue | undefined): value is readonly JsonValue[] {
  return Array.isArray(value);
}
