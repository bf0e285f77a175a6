import { readFileSync } from "node:fs";
import { messageOf } from "../contracts/failure.js";
import type { JsonValue } from "../contracts/json-value.js";
import { misused } from "./problem.js";

/** JSON from the command line, or with `@file` from a file. */
export function jsonOption(option: string, given: string): JsonValue {
  const from = given.startsWith("@") ? given.slice(1) : undefined;
  try {
    return JSON.parse(from === undefined ? given : readFileSync(from, "utf8")) as JsonValue;
  } catch (thrown) {
    const where = from === undefined ? "" : ` from ${from}`;
    const message = `What ${option} gives${where} cannot be read: ${messageOf(thrown)}. Give JSON, or @file with JSON in it.`;
    throw misused(option, message, { cause: thrown });
  }
}
