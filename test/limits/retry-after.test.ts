import { expect, test } from "vitest";
import { AgentUnavailable } from "walkback";
import { retryAfterMs } from "../../src/limits/retry-after.js";

const NOW = Date.parse("2026-11-02T08:00:00.000Z");

const thrown = (rest: object) => Object.assign(new Error("429"), { status: 429, ...rest });
const withHeader = (value: string) => thrown({ headers: new Headers({ "Retry-After": value }) });

test.each([
  ["seconds", withHeader("7"), 7_000],
  ["a part of a second", withHeader("0.25"), 250],
  ["no time at all", withHeader("0"), 0],
  ["an HTTP date", withHeader("Mon, 02 Nov 2026 08:00:12 GMT"), 12_000],
  ["a date as RFC 850 has it", withHeader("Monday, 02-Nov-26 08:00:12 GMT"), 12_000],
  ["a date as asctime has it", withHeader("Mon Nov  2 08:00:12 2026"), 12_000],
  ["milliseconds", thrown({ headers: { "retry-after-ms": "1500", "retry-after": "9" } }), 1_500],
  ["a plain object, whatever the case of its keys", thrown({ headers: { "RETRY-AFTER": "3" } }), 3_000],
  ["a header given twice", thrown({ headers: { "retry-after": ["3", "4"] } }), 3_000],
  ["a number", thrown({ headers: { "retry-after": 3 } }), 3_000],
  ["the headers of a response", thrown({ response: { status: 429, headers: { "retry-after": "3" } } }), 3_000],
  ["what caused the error", new AgentUnavailable("later", { agent: "a" }, { cause: withHeader("3") }), 3_000],
  ["our own error", new AgentUnavailable("later", { agent: "a", retryAfterMs: 4_000 }, { cause: withHeader("3") }), 4_000],
])("is read from %s", (_what, error, wait) => {
  expect(retryAfterMs(error, NOW)).toBe(wait);
});

test.each([
  ["thirty years", withHeader("1000000000")],
  ["a date in a hundred years", withHeader("Sat, 02 Nov 2126 08:00:00 GMT")],
  ["so many milliseconds", thrown({ headers: { "retry-after-ms": "1000000000" } })],
  ["a number beyond all numbers", withHeader("9".repeat(400))],
  ["an endless time of our own", new AgentUnavailable("later", { agent: "a", retryAfterMs: Number.POSITIVE_INFINITY })],
])("is cut at half a minute: %s", (_what, error) => {
  expect(retryAfterMs(error, NOW)).toBe(30_000);
});

test.each([
  ["a negative number", withHeader("-5")],
  ["a date that has passed", withHeader("Mon, 02 Nov 2026 07:59:59 GMT")],
  ["a date of its own kind", withHeader("2026-11-02T08:00:12Z")],
  ["garbage", withHeader("soon")],
  ["a weekday and garbage", withHeader("Mon, soon")],
  ["nothing", withHeader("")],
  ["no such header", thrown({ headers: new Headers() })],
  ["headers that are none", thrown({ headers: 7, response: null })],
  ["not a number", new AgentUnavailable("later", { agent: "a", retryAfterMs: Number.NaN })],
  ["no error at all", { headers: { "retry-after": "3" } }],
])("says nothing with %s", (_what, error) => {
  expect(retryAfterMs(error, NOW)).toBeUndefined();
});
