import type { JsonValue } from "walkback";
import type { PatchOperation } from "../../src/history/diff.js";

type Container = JsonValue[] | Record<string, JsonValue>;

/** Applies add, replace and remove as RFC 6902 says, to a copy: written from the standard, without the library that wrote the patch. */
export function applyPatch(document: JsonValue, patch: readonly PatchOperation[]): JsonValue {
  const holder: Record<string, JsonValue> = { root: structuredClone(document) };
  for (const operation of patch) apply(holder, operation);
  return holder["root"] as JsonValue;
}

function apply(holder: Record<string, JsonValue>, operation: PatchOperation): void {
  const tokens = ["root", ...operation.path.split("/").slice(1).map(unescaped)];
  if (operation.path !== "" && !operation.path.startsWith("/")) throw new Error(`${operation.path} is no JSON Pointer`);
  const last = tokens.pop() as string;
  const parent = tokens.reduce<Container>((container, token) => existing(container, token) as Container, holder);
  if (operation.op === "add") return add(parent, last, structuredClone(operation.value));
  existing(parent, last);
  if (operation.op === "replace") Reflect.set(parent, last, structuredClone(operation.value));
  else if (Array.isArray(parent)) parent.splice(Number(last), 1);
  else delete parent[last];
}

function add(parent: Container, token: string, value: JsonValue): void {
  if (!Array.isArray(parent)) {
    parent[token] = value;
    return;
  }
  const index = token === "-" ? parent.length : Number(token);
  if (!Number.isInteger(index) || index < 0 || index > parent.length) throw new Error(`cannot insert at ${token}`);
  parent.splice(index, 0, value);
}

/** The target must be there for every operation but `add`. */
function existing(container: Container, token: string): JsonValue {
  if (
    typeof container !== "object" ||
    container === null ||
    !Object.hasOwn(container, token) ||
    (Array.isArray(container) && token === "length")
  )
    throw new Error(`there is no ${token}`);
  return Reflect.get(container, token) as JsonValue;
}

function unescaped(token: string): string {
  if (/~(?![01])/.test(token)) throw new Error(`${token} is badly escaped`);
  return token.replaceAll("~1", "/").replaceAll("~0", "~");
}
