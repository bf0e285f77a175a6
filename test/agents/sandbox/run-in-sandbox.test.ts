import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import type { Worker } from "node:worker_threads";
import { describe, expect, test } from "vitest";
import { SandboxFailed } from "walkback";
import { failureOf, resultOf, sandboxed } from "./support.js";

describe("code in the sandbox", () => {
  test("gives back what it returns, made of what it was given", async () => {
    const input = { amounts: [3, 4], name: "Ä 🙂", none: null };
    const results = { "lookup-1": { score: 0.5 } };

    const ran = await sandboxed('return { sum: input.amounts.reduce((a, b) => a + b), ...input, of: results["lookup-1"].score }', {
      input,
      results,
    });

    expect(ran).toEqual({ result: { sum: 7, ...input, of: 0.5 }, output: "" });
    expect(Object.isFrozen(ran.result)).toBe(true);
  });

  test("has null as its input when it was given none", async () => {
    expect(await resultOf("return [input, results]")).toEqual([null, {}]);
  });

  test("may wait for promises, as long as they come to an end", async () => {
    expect(await resultOf("const later = async (n) => (n > 999 ? n : later(n + 1)); return await later(0)")).toBe(1000);
    expect(await failureOf(sandboxed("await new Promise(() => {})"))).toMatchObject({
      code: "SANDBOX_FAILED",
      message: expect.stringContaining("waits for a promise that nothing will ever settle"),
    });
  });

  test("cannot change what it was given", async () => {
    const code =
      "'use strict'; const tried = [() => { input.a.b = 2 }, () => { input = 2 }, () => { delete input.a }, () => { delete globalThis.input }];";
    const thrown = "return tried.map((go) => { try { go(); return 'done' } catch (e) { return e.name } })";

    expect(await resultOf(code + thrown, { input: { a: { b: 1 } } })).toEqual(["TypeError", "TypeError", "TypeError", "TypeError"]);
  });

  test("prints for whoever wrote it", async () => {
    const { output } = await sandboxed("console.log('a', { b: 1 }, [null], 10n, undefined); console.error(new TypeError('no')); return 1");

    expect(output).toBe('a {"b":1} [null] 10n undefined\nTypeError: no\n');
  });
});

describe("code that is wrong is told so", () => {
  test.each([
    ["a syntax error", "const a = 1;\nfoo(;\n", "SyntaxError", 2],
    ["an error deep inside", "\n\nfunction f() {\n  throw new RangeError('too much')\n}\nf()", "RangeError", 4],
    ["a missing value", "const a = {};\n\na.b.c();", "TypeError", 3],
    ["an error in a promise", "await null;\n\nawait Promise.reject(new Error('later'))", "Error", 3],
    ["something thrown that is no error", "throw 'enough'", "Thrown", undefined],
    ["no result", "const a = 1", "TypeError", undefined],
  ])("%s", async (_, code, error, line) => {
    const failure = await failureOf(sandboxed(`${code}`));

    expect(failure).toBeInstanceOf(SandboxFailed);
    expect(failure).toMatchObject({ code: "SANDBOX_FAILED", retryable: false, details: { error, line } });
  });

  test("with what it printed until then", async () => {
    expect(await failureOf(sandboxed("console.log('so far'); null.x"))).toMatchObject({
      message: "The code failed in line 1: TypeError: cannot read property 'x' of null\nIt had printed:\nso far\n",
      details: { output: "so far\n" },
    });
  });

  test("and nothing in what it says moves a cursor or hides text", async () => {
    const failure = await failureOf(
      sandboxed("console.log('\\u0007\\u202ex\\ty'); throw new Error('\\u001b[31mred\\u0000\\u2028\\ud800!')"),
    );

    expect(failure).toMatchObject({
      message: "The code failed in line 1: Error: [31mred\ufffd!\nIt had printed:\nx\ty\n",
      details: { output: "x\ty\n" },
    });
  });

  test.each([
    ["return undefined", "returned nothing"],
    ["return { a: undefined }", "/a is undefined"],
    ["return [1, NaN]", "/1 is NaN"],
    ["return new Date(0)", "an instance of Date"],
    ["return { m: new Map() }", "/m is an instance of Map"],
    ["return { f() {} }", "/f is function"],
    ["return 10n", "bigint"],
    ["return { [Symbol('s')]: 1 }", "symbol"],
    ["return { get a() { return 1 } }", "/a is a getter"],
    ["const o = {}; Object.defineProperty(o, 'h', { value: 1 }); return o", "/h is a hidden property"],
    ["const o = {}; o.o = o; return o", "a cycle"],
    ["let o = {}; for (let i = 0; i < 1e4; i++) o = { o }; return o", "200 levels"],
    ["return new Array(5)", "holes"],
    ["const a = [1]; a.b = 1; return a", "named properties"],
    ["return 'half \\ud800'", "surrogate"],
    ['return JSON.parse(\'{"__proto__": { "a": 1 }}\')', "__proto__"],
    ["return 'x'.repeat(300_000)", "too large"],
    ["return 'ä'.repeat(200_000)", "bytes"],
    ["const a = Array(10).fill('xxxxxxxxxx'); let b = a; for (let i = 0; i < 30; i++) b = [b, b]; return b", "too large"],
  ])("%s is no result", async (code, reason) => {
    expect(await failureOf(sandboxed(code))).toMatchObject({ code: "SANDBOX_FAILED", message: expect.stringContaining(reason) });
  });

  test("when it is too long to be run at all", async () => {
    expect(await failureOf(sandboxed(`return 1 //${"x".repeat(300_000)}`))).toMatchObject({ code: "SANDBOX_FAILED" });
  });
});

describe("the sandbox", () => {
  test("ends at once when the signal is aborted, and leaves no thread", async () => {
    const controller = new AbortController();
    const created = once(process, "worker");
    const running = failureOf(sandboxed("for (;;);", { signal: controller.signal, resources: { memoryMb: 64, timeMs: 500_000 } }));
    const [worker] = (await created) as [Worker];
    await once(worker, "message"); // it has begun
    const gone = once(worker, "exit");
    const reason = new Error("the run failed elsewhere");

    controller.abort(reason);

    expect(await running).toBe(reason);
    await gone;
  });

  test("does not begin for a signal that is aborted already", async () => {
    const reason = new Error("too late");

    expect(await failureOf(sandboxed("return 1", { signal: AbortSignal.abort(reason) }))).toBe(reason);
  });

  test("says so when its thread dies", async () => {
    process.once("worker", (worker: Worker) => worker.once("message", () => void worker.terminate()));

    expect(await failureOf(sandboxed("for (;;);"))).toMatchObject({
      code: "OUT_OF_RESOURCES",
      details: { resource: "process", had: { memoryMb: 64, timeMs: 20_000 } },
    });
  });

  test("says so when there is not even room for the input", async () => {
    const input = Array.from({ length: 400_000 }, () => 1);

    expect(await failureOf(sandboxed("return 1", { input, resources: { memoryMb: 4, timeMs: 20_000 } }))).toMatchObject({
      details: { resource: "memory" },
    });
    expect(await resultOf("return input.length", { input })).toBe(400_000);
  });

  test("lets a process end that has used it", async () => {
    const index = new URL("../../../src/index.ts", import.meta.url).href;
    const program = `import { runInSandbox } from ${JSON.stringify(index)};
      const options = { resources: { memoryMb: 64, timeMs: 20_000 }, signal: new AbortController().signal };
      const { result } = await runInSandbox("return typeof process", options);
      await runInSandbox("for (;;);", { ...options, resources: { memoryMb: 64, timeMs: 200 } }).catch(({ code }) => console.log(result, code));`;
    const child = spawn(process.execPath, ["--import", "tsx", "--input-type=module", "-e", program]);

    const [said, complaints, [exitCode]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "close")]);

    expect({ said, complaints, exitCode }).toEqual({ said: "undefined OUT_OF_RESOURCES\n", complaints: "", exitCode: 0 });
  });

  test.each([
    [{ memoryMb: 0, timeMs: 1000 }, "resources.memoryMb"],
    [{ memoryMb: 64.5, timeMs: 1000 }, "resources.memoryMb"],
    [{ memoryMb: 4096, timeMs: 1000 }, "resources.memoryMb"],
    [{ memoryMb: 64, timeMs: 0 }, "resources.timeMs"],
    [{ memoryMb: 64, timeMs: Number.NaN }, "resources.timeMs"],
    [{ memoryMb: 64, timeMs: Number.POSITIVE_INFINITY }, "resources.timeMs"],
  ])("refuses limits that are none: %j", async (resources, option) => {
    expect(await failureOf(sandboxed("return 1", { resources }))).toMatchObject({ code: "OPTION_INVALID", details: { option } });
  });
});
