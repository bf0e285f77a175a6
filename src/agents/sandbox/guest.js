/**
 * What is prepared inside the engine before the code runs, and out of the code's reach: `encode` gives the JSON of a value that
 * is plain JSON and throws for any other, `describe` the JSON of what was thrown: its name, message and stack.
 * @typedef {{ encode: (value: unknown) => string, describe: (thrown: unknown) => string }} Guest
 */

/**
 * Runs INSIDE the engine, before the code and in the same realm; its text is sent there, so it uses nothing from outside of
 * itself. Takes its tools before the code can change them. Nothing here guards the host: a code that breaks this deceives
 * itself only, since the host checks all that comes out.
 * @param {(line: string) => void} write
 * @param {string} globals
 * @param {number} maxResultLength
 * @param {number} maxOutputLength
 * @returns {Guest}
 */
export function prepareGuest(write, globals, maxResultLength, maxOutputLength) {
  const { parse, stringify } = JSON;
  const {
    defineProperty,
    entries,
    freeze,
    getOwnPropertyDescriptor,
    getPrototypeOf,
    setPrototypeOf,
    prototype: objectPrototype,
    values,
  } = Object;
  const { ownKeys } = Reflect;
  const { isArray, prototype: arrayPrototype } = Array;
  const { isFinite: isFiniteNumber } = Number;
  const text = String;
  const Refusal = TypeError;
  const cut = Function.prototype.call.bind(String.prototype.slice);
  const isWellFormed = Function.prototype.call.bind(String.prototype.isWellFormed);

  /** @param {unknown} value @returns {unknown} */
  const deepFreeze = (value) => {
    if (typeof value !== "object" || value === null) return value;
    for (const inner of values(value)) deepFreeze(inner);
    return freeze(value);
  };

  /** @param {unknown} value @returns {string} */
  const printed = (value) => {
    if (typeof value === "string") return value;
    try {
      return value instanceof Error ? `${value.name}: ${value.message}` : (stringify(value) ?? text(value));
    } catch {
      return typeof value === "bigint" ? `${value}n` : `[${typeof value}]`;
    }
  };
  /** @param {unknown[]} values */
  const print = (...values) => {
    let line = "";
    for (let index = 0; index < values.length && line.length < maxOutputLength; index++)
      line += (index > 0 ? " " : "") + cut(printed(values[index]), 0, maxOutputLength);
    write(cut(line, 0, maxOutputLength));
  };

  /** @type {(path: string, found: string) => TypeError} */
  const refusal = (path, found) => new Refusal(`What the code returns must be plain JSON, but ${path || "the result"} is ${found}.`);

  /** Copies what is plain data, so that what was checked is what is written. @type {(value: unknown, path: string, above: unknown[], allowance: { left: number }) => unknown} */
  const copied = (value, path, above, allowance) => {
    allowance.left -= 1 + (typeof value === "string" ? value.length : 0);
    if (allowance.left < 0) throw new RangeError(`What the code returns is too large: at most ${maxResultLength} characters of JSON.`);
    if (value === null || typeof value === "boolean") return value;
    if (typeof value === "string") {
      if (!isWellFormed(value)) throw refusal(path, "a string with half of a surrogate pair");
      return value;
    }
    if (typeof value === "number") {
      if (!isFiniteNumber(value)) throw refusal(path, text(value));
      return value;
    }
    if (typeof value !== "object") throw refusal(path, typeof value);
    return copiedObject(value, path, above, allowance);
  };

  /** @type {(value: object, path: string, above: unknown[], allowance: { left: number }) => unknown} */
  const copiedObject = (value, path, above, allowance) => {
    if (above.length >= 200) throw refusal(path, "nested more than 200 levels deep");
    for (let index = 0; index < above.length; index++) if (above[index] === value) throw refusal(path, "a cycle");
    const prototype = getPrototypeOf(value);
    const list = isArray(value);
    if (list ? prototype !== arrayPrototype : prototype !== objectPrototype && prototype !== null)
      throw refusal(path, `an instance of ${prototype?.constructor?.name || "a class"}`);
    const copy = setPrototypeOf(list ? [] : {}, null); // so that no toJSON is inherited either
    const keys = ownKeys(value);
    if (list && keys.length !== value.length + 1) throw refusal(path, "an array with holes or with named properties");
    const below = [...above, value];
    for (let index = 0; index < keys.length; index++) {
      const key = keys[index];
      if (typeof key !== "string") throw refusal(path, "an object with a symbol as key");
      if (list && key === "length") continue;
      allowance.left -= key.length;
      const at = `${path}/${cut(key, 0, 100)}`;
      const property = getOwnPropertyDescriptor(value, key);
      if (!property || property.get || property.set) throw refusal(at, "a getter or setter");
      if (!property.enumerable) throw refusal(at, "a hidden property");
      const plain = { __proto__: null, enumerable: true, value: copied(property.value, at, below, allowance) };
      defineProperty(copy, key, plain);
    }
    return copy;
  };

  /** @param {unknown} thrown */
  const described = (thrown) => {
    if (typeof thrown !== "object" || thrown === null) return { name: "Thrown", message: printed(thrown), stack: "" };
    const { name, message, stack } = /** @type {Error} */ (thrown);
    return { name: text(name), message: message === undefined ? printed(thrown) : text(message), stack: text(stack) };
  };

  const console = { __proto__: null, debug: print, error: print, info: print, log: print, trace: print, warn: print };
  defineProperty(globalThis, "console", { value: console, writable: true, configurable: true });
  for (const [name, value] of entries(parse(globals))) defineProperty(globalThis, name, { value: deepFreeze(value), enumerable: true });

  return {
    encode: (value) => {
      if (value === undefined) throw new Refusal("The code returned nothing. End it with `return` and a value that is plain JSON.");
      return stringify(copied(value, "", [], { left: maxResultLength }));
    },
    describe: (thrown) => {
      try {
        const { name, message, stack } = described(thrown);
        return stringify({ __proto__: null, name: cut(name, 0, 100), message: cut(message, 0, 2000), stack: cut(stack, 0, 2000) });
      } catch {
        return stringify({ __proto__: null, name: "Thrown", message: "something that cannot be described", stack: "" });
      }
    },
  };
}
