import { runInNewContext } from "node:vm";
import { describe, expect, test } from "vitest";
import * as walkback from "walkback";
import { AgentFailed, AgentUnavailable, FAILURES, isWalkbackError, NotPlainJson, WalkbackError } from "walkback";
import * as sandboxFailures from "../../src/agents/sandbox/sandbox-failed.js";
import * as toolFailures from "../../src/agents/tool/out-of-resources.js";
import * as commonFailures from "../../src/contracts/failure.js";
import * as modelFailures from "../../src/contracts/model-failure.js";

type ErrorClass = new (message: string, details: object) => WalkbackError;

const isErrorClass = (exported: unknown): exported is ErrorClass =>
  typeof exported === "function" && exported.prototype instanceof WalkbackError;
const anError = (ErrorClass: ErrorClass) => new ErrorClass("", {});
const failures = { ...commonFailures, ...modelFailures, ...toolFailures, ...sandboxFailures };
/** Every class that is not the base of others. */
const ERRORS = Object.entries<unknown>(failures).flatMap(([name, exported]) =>
  isErrorClass(exported) && anError(exported).code !== undefined ? [{ name, ErrorClass: exported }] : [],
);

describe("the one table of failures", () => {
  test("has exactly one class for each code, named after it", () => {
    const classes = ERRORS.map(({ name, ErrorClass }) => [anError(ErrorClass).code, name]);

    expect(classes.toSorted()).toEqual(
      Object.keys(FAILURES)
        .map((code) => [code, pascalCase(code)])
        .toSorted(),
    );
  });

  test("is public as a whole", () => {
    const published = Object.values<unknown>(walkback).filter(isErrorClass);

    expect(ERRORS.filter(({ ErrorClass }) => !published.includes(ErrorClass)).map(({ name }) => name)).toEqual([]);
  });

  test("says which failures are worth another try", () => {
    const wrong = ERRORS.map(({ ErrorClass }) => anError(ErrorClass)).filter(
      ({ code, retryable }) => retryable !== FAILURES[code].retryable,
    );

    expect(wrong).toEqual([]);
    expect(anError(AgentUnavailable as ErrorClass).retryable).toBe(true);
    expect(anError(AgentFailed as ErrorClass).retryable).toBe(false);
  });
});

function pascalCase(code: string): string {
  return code.toLowerCase().replace(/(?:^|_)(.)/g, (_, letter: string) => letter.toUpperCase());
}

test("an error is an Error with the name of its class", () => {
  const error = new AgentFailed("pay-out threw: no.", { agent: "pay-out" });

  expect(error).toBeInstanceOf(Error);
  expect(error.name).toBe("AgentFailed");
  expect(String(error)).toBe("AgentFailed: pay-out threw: no.");
});

test("an error becomes plain JSON, with what lay beneath it outermost first", () => {
  const socket = new Error("socket closed");
  const fetching = new TypeError("fetch failed", { cause: socket });

  const error = new AgentUnavailable("pay-out could not be reached.", { agent: "pay-out" }, { cause: fetching });

  expect(JSON.parse(JSON.stringify(error))).toEqual({
    code: "AGENT_UNAVAILABLE",
    message: "pay-out could not be reached.",
    details: { agent: "pay-out" },
    causes: ["TypeError: fetch failed", "Error: socket closed"],
  });
});

test("what is undefined in the details is left out", () => {
  const { details } = new AgentUnavailable("", { agent: "a", retryAfterMs: undefined } as { agent: string }).toJSON();

  expect(details).toStrictEqual({ agent: "a" });
});

test("a chain of causes that bites its own tail ends after five", () => {
  const snake = new Error("snake");
  snake.cause = snake;

  expect(new AgentFailed("", { agent: "a" }, { cause: snake }).toJSON().causes).toEqual(Array.from({ length: 5 }, () => "Error: snake"));
});

test.each([
  ["a string", "no", ["no"]],
  ["an object", { status: 503 }, ['{"status":503}']],
  ["null", null, []],
  ["nothing", undefined, []],
])("a cause need not be an Error: %s", (_what, cause, causes) => {
  expect(new AgentFailed("", { agent: "a" }, { cause }).toJSON().causes).toEqual(causes);
});

describe("a Walkback error is told from others by its code", () => {
  test("when it comes from this copy of the package", () => {
    expect(isWalkbackError(new NotPlainJson("", { path: "", found: "" }))).toBe(true);
  });

  test("when it comes from another copy of the package", () => {
    class NotPlainJson extends Error {
      readonly code = "NOT_PLAIN_JSON";
      toJSON() {
        return {};
      }
    }

    expect(isWalkbackError(new NotPlainJson())).toBe(true);
  });

  test("when it comes from another realm", () => {
    const foreign: unknown = runInNewContext('Object.assign(new Error("no"), { code: "AGENT_FAILED", toJSON: () => ({}) })');

    expect(foreign).not.toBeInstanceOf(Error);
    expect(isWalkbackError(foreign)).toBe(true);
  });

  test.each<[string, unknown]>([
    ["a plain Error", new Error("no")],
    ["a system error", Object.assign(new Error("no"), { code: "ECONNRESET", toJSON: () => ({}) })],
    ["an error with a code that every object has", Object.assign(new Error("no"), { code: "toString", toJSON: () => ({}) })],
    ["an error with our code that cannot become JSON", Object.assign(new Error("no"), { code: "AGENT_FAILED" })],
    ["a failure that is JSON already", new AgentFailed("no", { agent: "a" }).toJSON()],
    ["a string", "AGENT_FAILED"],
    ["null", null],
    ["undefined", undefined],
  ])("and never taken for one: %s", (_what, thrown) => {
    expect(isWalkbackError(thrown)).toBe(false);
  });
});

test.each<[string, unknown, string]>([
  ["an Error", new Error("the bank is down"), "the bank is down"],
  ["an Error without a message", new RangeError(), "RangeError"],
  ["an Error of another realm", runInNewContext('new TypeError("from afar")'), "from afar"],
  ["a string", "the bank is down", "the bank is down"],
  ["an empty string", "", "an empty string"],
  ["an object", { status: 503 }, '{"status":503}'],
  ["null", null, "null"],
  ["undefined", undefined, "undefined"],
  ["a number", 42, "42"],
  ["a symbol", Symbol("odd"), "Symbol(odd)"],
  ["a bigint", 10n, "[object BigInt]"],
  ["an object with a cycle", cyclic(), "[object Object]"],
])("one sentence about anything that was thrown: %s", (_what, thrown, sentence) => {
  expect(failures.messageOf(thrown)).toBe(sentence);
});

function cyclic(): object {
  const node: Record<string, unknown> = {};
  node["self"] = node;
  return node;
}

test("a path of keys becomes a JSON Pointer", () => {
  expect(failures.pointerOf([])).toBe("");
  expect(failures.pointerOf(["a/b", 0, "~", ""])).toBe("/a~1b/0/~0/");
});
