import type { JsonSchema } from "../../contracts/compatibility.js";
import { pointerOf } from "../../contracts/failure.js";
import type { JsonObject, JsonValue } from "../../contracts/json-value.js";
import { constraintsOf, described, leftOut } from "./strict-schema-words.js";

/** A schema for strict mode. */
export interface StrictForm {
  readonly schema: JsonObject;
  /** The schemas that take a null only because their key could be left out before. */
  readonly added: ReadonlySet<object>;
}

/** Says where (a JSON Pointer into the document, `*` for each item of an array), what is there, and what to do instead. */
export type Refuse = (pointer: string, reason: string) => never;

/**
 * Brings a JSON Schema into the subset that OpenAI calls strict: every key is required, none is added, unions are `anyOf`, a
 * `$ref` stands alone; what could be left out may be null. What the subset has no word for goes into descriptions.
 * https://platform.openai.com/docs/guides/structured-outputs#supported-schemas
 */
export function strictForm(source: JsonSchema, refuse: Refuse): StrictForm {
  const added = new Set<object>();
  const walk: Walk = { source, added, refuse };
  const definitions = propertiesOf(source["$defs"]);
  const root = resolve(source, source) ?? source;
  if (root["type"] !== "object") refuse("", "is no object; put what it is under a key of one");
  const schema = strict(root, "", walk);
  if (definitions.length === 0) return { schema, added };
  const $defs = Object.fromEntries(definitions.map(([name, node]) => [name, strict(node, pointerOf(["$defs", name]), walk)]));
  return { schema: { ...schema, $defs }, added };
}

/** The schema that a `$ref` leads to (`#` and `#/$defs/…`), or the schema itself. */
export function resolve<Schema extends JsonSchema>(schema: Schema, root: Schema): Schema | undefined {
  const ref = schema["$ref"];
  if (typeof ref !== "string") return schema;
  if (ref === "#") return root;
  const definitions = root["$defs"] as Readonly<Record<string, Schema>> | undefined;
  const name = ref.replace(/^#\/\$defs\//, "");
  const found = definitions && Object.hasOwn(definitions, name) ? definitions[name] : undefined;
  return found && resolve(found, root);
}

interface Walk {
  readonly source: JsonSchema;
  readonly added: Set<object>;
  readonly refuse: Refuse;
}

function strict(node: JsonSchema, at: string, walk: Walk): JsonObject {
  refuseUnsayable(node, at, walk.refuse);
  const { $ref, type, anyOf, oneOf = anyOf, description } = node;
  if (typeof $ref === "string") return description === undefined ? { $ref } : { anyOf: [{ $ref }], ...described(description, []) };
  if (Array.isArray(oneOf)) {
    return { anyOf: (oneOf as JsonSchema[]).map((variant) => strict(variant, at, walk)), ...described(description, []) };
  }
  const { kept, words } = constraintsOf(node);
  const say = { ...kept, ...described(description, words) };
  if ("const" in node) return { type: typeOf(node["const"] as JsonValue), const: node["const"] as JsonValue, ...say };
  if (Array.isArray(node["enum"])) return { ...enumeration(node["enum"] as JsonValue[]), ...say };
  switch (type) {
    case "object":
      return { type, ...members(node, at, walk), ...say };
    case "array":
      return { type, items: strict((node["items"] ?? {}) as JsonSchema, `${at}/*`, walk), ...say };
    default:
      if (type === undefined) walk.refuse(at, "says nothing of what it is (any, unknown); name its type");
      return { type: type as JsonValue, ...say };
  }
}

function members(node: JsonSchema, at: string, walk: Walk): JsonObject {
  const required = new Set((node["required"] ?? []) as string[]);
  const properties = propertiesOf(node["properties"]).map(([key, inner]) => {
    const schema = strict(inner, at + pointerOf([key]), walk);
    return [key, required.has(key) ? schema : nullable(schema, inner, walk)] as const;
  });
  return { properties: Object.fromEntries(properties), required: properties.map(([key]) => key), additionalProperties: false };
}

/** A null of a key that could be null before stands for itself. */
function nullable(schema: JsonObject, node: JsonSchema, { source, added }: Walk): JsonObject {
  if (takesNull(node, source)) return schema;
  const description = leftOut(node["default"] as JsonValue | undefined);
  const wrapped = { anyOf: [schema, { type: "null" }], description };
  added.add(wrapped);
  return wrapped;
}

function takesNull(node: JsonSchema, source: JsonSchema, seen: ReadonlySet<unknown> = new Set()): boolean {
  if (seen.has(node)) return false;
  const { $ref, type, anyOf, oneOf = anyOf, enum: values } = node;
  if (typeof $ref === "string") {
    const target = resolve(node, source);
    return target !== undefined && takesNull(target, source, new Set([...seen, node]));
  }
  if (Array.isArray(oneOf)) return (oneOf as JsonSchema[]).some((variant) => takesNull(variant, source, seen));
  if (Array.isArray(values)) return values.includes(null);
  return type === "null" || (Array.isArray(type) && type.includes("null"));
}

const UNSAYABLE: Readonly<Record<string, string>> = {
  propertyNames: "has keys that are not known before (a record); make it an array of objects with a key and a value",
  patternProperties: "has keys that are not known before; make it an array of objects with a key and a value",
  prefixItems: "is a tuple; make it an object with a key for each place",
  not: "may never be there; leave it out",
};

function refuseUnsayable(node: JsonSchema, at: string, refuse: Refuse): void {
  for (const [keyword, reason] of Object.entries(UNSAYABLE)) if (keyword in node) refuse(at, reason);
  const { additionalProperties = false, allOf, type } = node;
  if (additionalProperties !== false) refuse(at, "takes keys that it does not name; name them all, with z.object or z.strictObject");
  if (allOf !== undefined && type !== "string") refuse(at, "is several things at once (an intersection); make one object of them");
}

function enumeration(values: readonly JsonValue[]): JsonObject {
  const types = [...new Set(values.map(typeOf))];
  const [only] = types;
  return { type: types.length === 1 && only !== undefined ? only : types, enum: values };
}

/** Of what an enumeration can hold. */
function typeOf(value: JsonValue): string {
  return value === null ? "null" : typeof value;
}

function propertiesOf(properties: unknown): (readonly [string, JsonSchema])[] {
  return Object.entries((properties ?? {}) as Record<string, JsonSchema>);
}
