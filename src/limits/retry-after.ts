import { isError } from "../contracts/failure.js";

/** A `retry-after` beyond this is cut: a wrong header must not park an agent for days. */
const MAX_RETRY_AFTER_MS = 30_000;

/**
 * How long the other side asks to wait before the next try, at most 30 s; undefined when it does not, or asks for what makes no
 * sense. Looked for in the error and in what caused it: `details.retryAfterMs` of our own errors, then the headers that HTTP
 * clients put on theirs (`headers` or `response.headers`): `retry-after-ms`, and `retry-after` in seconds or as a date.
 */
export function retryAfterMs(thrown: unknown, now: number): number | undefined {
  for (let current = thrown, depth = 0; isError(current) && depth < 5; current = current.cause, depth++) {
    const found = ofDetails(current) ?? ofHeaders(headersOf(current), now);
    if (found !== undefined) return Math.min(Math.max(found, 0), MAX_RETRY_AFTER_MS);
  }
  return undefined;
}

function ofDetails(error: object): number | undefined {
  const wanted = property(property(error, "details"), "retryAfterMs");
  return typeof wanted === "number" && !Number.isNaN(wanted) ? wanted : undefined;
}

function headersOf(error: object): unknown {
  return property(error, "headers") ?? property(property(error, "response"), "headers");
}

function ofHeaders(headers: unknown, now: number): number | undefined {
  return amountOf(headerOf(headers, "retry-after-ms")) ?? waitOf(headerOf(headers, "retry-after"), now);
}

function waitOf(header: string | undefined, now: number): number | undefined {
  const seconds = amountOf(header);
  if (seconds !== undefined) return seconds * 1_000;
  const time = header === undefined ? Number.NaN : timeOf(header);
  return time >= now ? time - now : undefined;
}

function amountOf(header: string | undefined): number | undefined {
  return header !== undefined && /^\d+(\.\d+)?$/.test(header) ? Number(header) : undefined;
}

/** The three forms of an HTTP date (RFC 9110, 5.6.7); `Date.parse` alone takes nearly anything for a date. */
function timeOf(header: string): number {
  if (!/^(Mon|Tues?|Wed(nes)?|Thu(rs)?|Fri|Sat(ur)?|Sun)(day)?,? /.test(header)) return Number.NaN;
  return Date.parse(header.endsWith("GMT") ? header : `${header} GMT`);
}

/** From a `Headers`, or a plain object whatever the case of its keys. */
function headerOf(headers: unknown, name: string): string | undefined {
  if (typeof headers !== "object" || headers === null) return undefined;
  const get = property(headers, "get");
  const value: unknown =
    typeof get === "function" ? get.call(headers, name) : Object.entries(headers).find(([key]) => key.toLowerCase() === name)?.[1];
  const first: unknown = Array.isArray(value) ? value[0] : value;
  return typeof first === "string" || typeof first === "number" ? String(first).trim() : undefined;
}

function property(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null && name in value ? (value as Record<string, unknown>)[name] : undefined;
}
