import { optionInvalid } from "../../contracts/failure.js";
import type { JsonValue } from "../../contracts/json-value.js";
import type { Tool } from "./tool.js";

/** Looks up what a tool answered: by a handle, or by the tool (its newest result, typed as the tool has it). */
export interface ResultOf {
  (handle: string): JsonValue;
  <Result>(tool: Tool<Result>): Result;
}

/** Told to the model, which has to name another handle; it never leaves the loop. */
export class NoSuchResult extends Error {}

interface Kept {
  readonly handle: string;
  readonly tool: string;
  readonly result: JsonValue;
}

/** What the tools answered, in full, in the order in which they did. */
export interface Results {
  /** Keeps a result and gives it a handle. */
  keep(tool: string, result: JsonValue): string;
  has(handle: string): boolean;
  /** Looks up among all results, or only among those named. Throws `NoSuchResult`. */
  among(handles?: readonly string[]): ResultOf;
}

/** `tools` are those that there can be results of. */
export function createResults(tools: readonly Pick<Tool, "name">[]): Results {
  const kept: Kept[] = [];
  return {
    keep(tool, result) {
      const handle = `${tool}-${kept.filter((other) => other.tool === tool).length + 1}`;
      kept.push({ handle, tool, result });
      return handle;
    },
    has: (handle) => kept.some((each) => each.handle === handle),
    among: (handles) => resultOf(tools, handles === undefined ? kept : kept.filter(({ handle }) => handles.includes(handle))),
  };
}

function resultOf(tools: readonly Pick<Tool, "name">[], kept: readonly Kept[]): ResultOf {
  return (asked: string | Tool) => {
    if (typeof asked !== "string" && !tools.some(({ name }) => name === asked.name))
      throw optionInvalid("output", `asks for a result of ${asked.name}, which is not among the agent's tools`);
    const found = kept.findLast(({ handle, tool }) => (typeof asked === "string" ? handle === asked : tool === asked.name));
    if (found) return found.result as never; // the tool's own result, as it was recorded
    const wanted = typeof asked === "string" ? `with the handle "${asked}"` : `of ${asked.name}`;
    const there = kept.map(({ handle }) => handle).join(", ") || "none";
    throw new NoSuchResult(`A result ${wanted} is needed here. Handles named: ${there}.`);
  };
}

/** The beginning of a text, never ending in half a character. */
export function beginningOf(text: string, maxChars: number): string {
  const beginning = text.slice(0, maxChars);
  return beginning.isWellFormed() ? beginning : beginning.slice(0, -1);
}
