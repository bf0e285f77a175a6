import { describe, expect, test } from "vitest";
import { failureOf, resultOf, sandboxed, whileWatched } from "./support.js";

const memory = { code: "OUT_OF_RESOURCES", details: { resource: "memory" } };
const time = { code: "OUT_OF_RESOURCES", details: { resource: "time" } };

describe("there is nothing of the process in the sandbox", () => {
  test("and its globals are those of the language, with the input and the console", async () => {
    const names = (await resultOf("return Object.getOwnPropertyNames(globalThis)")) as string[];
    const foreign = names.filter(
      (name) => !(name in globalThis) && !["input", "results", "InternalError", "Iterator", "Float16Array"].includes(name),
    );
    const ofNode = [
      "process",
      "require",
      "module",
      "Buffer",
      "fetch",
      "setTimeout",
      "setInterval",
      "setImmediate",
      "WebAssembly",
      "Worker",
    ];

    expect(foreign).toEqual([]);
    expect(names.filter((name) => [...ofNode, "Atomics", "structuredClone", "navigator", "global"].includes(name))).toEqual([]);
  });

  test.each([
    ["the constructor of a function", "return [].constructor.constructor('return process')()"],
    ["the constructor of the input", "return input.constructor.constructor('return process.env')()"],
    ["the constructor of the console", "return console.log.constructor('return process')()"],
    ["an async function's constructor", "return await (async () => {}).constructor('return process')()"],
    ["an indirect eval", "return (0, eval)('process')"],
    [
      "a caught overflow of the stack",
      "const f = () => f(); try { f() } catch (e) { return e.constructor.constructor('return process')() }",
    ],
    ["this", "return (function () { return this.process.env })()"],
    ["require", "return require('fs').readFileSync('/etc/passwd', 'utf8')"],
    ["an import", "return (await import('node:fs')).readFileSync('/etc/passwd', 'utf8')"],
    ["an import statement", "import fs from 'node:fs'; return 1"],
    ["an import of data", "return (await import('data:text/javascript,export default 1')).default"],
    ["import.meta", "return import.meta.url"],
    ["the end of the wrapper", "}); process.exit(1); (async function () {"],
    ["the network", "return await fetch('http://127.0.0.1')"],
    ["a timer", "return setTimeout(() => {}, 1)"],
    ["the stack of an error", "Error.prepareStackTrace = (_, frames) => frames[0].getThis(); return new Error('x').stack.process.env"],
    ["the caller", "return (function f() { return f.caller.arguments })()"],
  ])("not by %s", async (_, code) => {
    expect(await failureOf(sandboxed(code, { input: {} }))).toMatchObject({ code: "SANDBOX_FAILED" });
  });

  test("and the files of the host are not named in its errors", async () => {
    const stack = await resultOf("try { input.x() } catch (e) { return e.stack + new Error('x').stack }", { input: {} });

    expect(stack).not.toMatch(/node_modules|worker|file:|\/(?:src|dist)\//);
  });
});

describe("nothing of one run is in the next", () => {
  test("nor in this process", async () => {
    const spoil = [
      "Object.prototype.polluted = 1; Array.prototype.polluted = 1; globalThis.left = 1;",
      "JSON.parse = JSON.stringify = () => 'mine'; Object.getPrototypeOf = () => null; String.prototype.slice = () => 'mine';",
      "Function.prototype.call = () => 'mine'; input.__proto__.polluted = 1;",
      "return { __proto__: { polluted: 1 } }.polluted",
    ].join("\n");

    expect(await resultOf(spoil, { input: {} })).toBe(1);
    expect(await resultOf("return [typeof left, ({}).polluted ?? null, [].polluted ?? null, JSON.stringify(1)]")).toEqual([
      "undefined",
      null,
      null,
      "1",
    ]);
    expect(({} as Record<string, unknown>)["polluted"]).toBeUndefined();
  });

  test("and a result that is built to deceive is plain data when it comes out", async () => {
    const proxy =
      "new Proxy({}, { ownKeys: () => ['a'], getOwnPropertyDescriptor: () => ({ value: 1, enumerable: true, configurable: true }) })";

    expect(await resultOf(`return ${proxy}`)).toEqual({ a: 1 });
    expect(
      await resultOf("Object.prototype.toJSON = () => 'mine'; Array.prototype.toJSON = () => undefined; return [1, { a: [] }]"),
    ).toEqual([1, { a: [] }]);
    expect(await failureOf(sandboxed("return new Proxy({}, { ownKeys() { throw new Error('at the end') } })"))).toMatchObject({
      code: "SANDBOX_FAILED",
      message: expect.stringContaining("at the end"),
    });
    expect(await failureOf(sandboxed("JSON.stringify = () => { throw 1 }; return { toJSON() { throw 2 } }"))).toMatchObject({
      message: expect.stringContaining("/toJSON is function"),
    });
    expect(await failureOf(sandboxed("throw { get message() { throw 1 }, toString() { throw 2 } }"))).toMatchObject({
      message: expect.stringContaining("cannot be described"),
    });
    expect(
      await failureOf(sandboxed("throw { name: { toString: () => 'x'.repeat(1e6) }, message: 'y'.repeat(1e6), stack: 'code.js:999999' }")),
    ).toMatchObject({
      details: { line: 1 },
    });
  });
});

const LITTLE_TIME = { resources: { memoryMb: 64, timeMs: 300 } };

describe("code that wants everything gets what it was given, and this process goes on", () => {
  test.each([
    ["typed arrays", "const a = []; for (;;) a.push(new Uint8Array(1e6).fill(1))"],
    ["objects", "const a = []; for (;;) a.push({ a: 1 })"],
    ["strings", "const a = []; for (;;) a.push('x'.repeat(1e6) + a.length)"],
    ["one huge array", "return new Array(1e9).fill(1).length"],
    ["one huge buffer", "return new ArrayBuffer(1e9).byteLength"],
    ["a shared buffer", "return new SharedArrayBuffer(1e9).byteLength"],
    ["keys", "const m = new Map(); for (let i = 0; ; i++) m.set(i, 'value' + i)"],
    ["promises that all wait", "const a = []; for (;;) a.push(new Promise(() => {}))"],
    ["jobs that all wait", "for (;;) Promise.resolve().then(() => {})"],
    ["closures", "let f = () => 0; for (;;) { const g = f; f = () => g() + 1 }"],
  ])("memory: %s", async (_, code) => {
    const { value, ticks, grownMb } = await whileWatched(() => failureOf(sandboxed(code)));

    expect(value).toMatchObject(memory);
    expect(ticks).toBeGreaterThan(1);
    expect(grownMb).toBeLessThan(200);
  });

  test.each([
    ["an endless loop", "for (;;);"],
    ["an endless loop that catches all it can", "for (;;) try { for (;;); } catch {} finally { continue }"],
    ["endless jobs", "const f = () => Promise.resolve().then(f); await f()"],
    ["endless jobs behind a result", "const f = () => Promise.resolve().then(f); f(); return 1"],
    ["a generator without an end", "function* f() { for (;;) yield 1 } for (const _ of f()); "],
    ["a regular expression", "return /^(a+)+$/.test('a'.repeat(40) + 'b')"],
    ["a number of many digits", "let n = 3n; for (;;) n = (n * n) % (2n ** 60000n)"],
    ["a getter in what it throws", "throw { get message() { for (;;); } }"],
    ["a trap in what it returns", "return new Proxy({}, { ownKeys() { for (;;); } })"],
    ["allocation that catches its own lack of memory", "const a = []; for (;;) try { a.push(new Array(1000).fill({})) } catch {}"],
    ["a flood of output", "for (;;) console.log('x'.repeat(1e5))"],
    ["sorting for ever", "const a = Array.from({ length: 2e5 }, (_, i) => -i); for (;;) a.sort().reverse()"],
    ["the end of the wrapper", "}); for (;;); (async function () {"],
  ])("time: %s", async (_, code) => {
    const { value, ticks, grownMb } = await whileWatched(() => failureOf(sandboxed(code, LITTLE_TIME)));

    expect(value).toMatchObject(time);
    expect(ticks).toBeGreaterThan(5);
    expect(grownMb).toBeLessThan(200);
  });

  test.each([
    ["a call without an end", "const f = () => 1 + f(); return f()"],
    ["nested brackets to parse", "return eval('('.repeat(1e5))"],
    ["nested JSON to parse", "return JSON.parse('['.repeat(1e6))"],
    ["a chain of proxies", "let p = {}; for (let i = 0; i < 2e4; i++) p = new Proxy(p, {}); return p.x ?? 1"],
    ["a nested regular expression", "return new RegExp('('.repeat(2e4) + ')'.repeat(2e4)).test('')"],
    ["a conversion without an end", "const o = { toString() { return '' + this } }; return '' + o"],
  ])("the stack: %s", async (_, code) => {
    expect(await failureOf(sandboxed(code))).toMatchObject({ code: "SANDBOX_FAILED" });
  });

  test("what it prints is cut off", async () => {
    const { output, result } = await sandboxed("for (let i = 0; i < 5000; i++) console.log('x'.repeat(999)); return 'done'");

    expect(result).toBe("done");
    expect(output.length).toBeGreaterThan(16_000);
    expect(output.length).toBeLessThanOrEqual(16 * 1024);
  });

  test("it may run short of memory, notice, and go on with less", async () => {
    const code =
      "let a = []; try { for (;;) a.push(new Uint8Array(1e6).fill(1)) } catch (e) { a = null; return e.name + ': ' + e.message }";

    expect(await resultOf(code)).toBe("InternalError: out of memory");
  });

  test("what was not enough once is enough with more", async () => {
    const code = "const a = []; for (let i = 0; i < 100; i++) a.push(new Uint8Array(2 ** 20).fill(1)); return a.length";

    expect(await failureOf(sandboxed(code))).toMatchObject(memory);
    expect(await resultOf(code, { resources: { memoryMb: 128, timeMs: 20_000 } })).toBe(100);
  });

  test("many at a time are kept apart", async () => {
    const codes = Array.from({ length: 8 }, (_, index) => `globalThis.mine = ${index}; await null; return mine`);

    expect(await Promise.all(codes.map((code) => resultOf(code)))).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  });
});
