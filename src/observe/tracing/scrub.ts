import type { JsonValue } from "../../contracts/json-value.js";
import type { Environment } from "./options.js";

const SECRET_NAMES = /key|secret|token|passw|pwd|credential|auth/i;
/** Below this length a value says nothing, and would be found in every other text. */
const SHORTEST = 8;

/** Takes the values of the environment's secrets out of whatever text they stand in. */
export function scrubber(environment: Environment): <T>(document: T) => T {
  const secrets = Object.entries(environment).flatMap(([name, value = ""]) =>
    SECRET_NAMES.test(name) && value.length >= SHORTEST ? [value] : [],
  );
  secrets.sort((a, b) => b.length - a.length);
  const clean = (value: JsonValue): JsonValue => {
    if (typeof value === "string") return secrets.reduce((text, secret) => text.replaceAll(secret, "[secret]"), value);
    if (Array.isArray(value)) return value.map(clean);
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([name, inner]) => [cleanName(name), clean(inner)]));
  };
  const cleanName = (name: string) => String(clean(name));
  return secrets.length === 0 ? (document) => document : (document) => clean(document as JsonValue) as typeof document; // plain JSON, and of the same shape
}
