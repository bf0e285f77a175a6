import type * as z from "zod";
import { describeIssues } from "../../contracts/contract.js";
import { messageOf } from "../../contracts/failure.js";
import { seal } from "../../contracts/json.js";
import type { JsonObject } from "../../contracts/json-value.js";
import { issuesOf } from "../../limits/check-options.js";
import type { ToolCall } from "../model/chat-model.js";

/** What is wrong with a call, in a sentence for the model to read. */
export interface Unreadable {
  readonly error: string;
}

/** The arguments of a call as the model wrote them: a JSON object that can be put on record. No arguments at all are an empty one. */
export function readArguments({ name, arguments: text }: ToolCall): { readonly raw: JsonObject } | Unreadable {
  try {
    const { data } = seal<JsonObject>(JSON.parse(text.trim() === "" ? "{}" : text));
    if (typeof data === "object" && data !== null && !Array.isArray(data)) return { raw: data };
    return { error: `The arguments of ${name} must be a JSON object.` };
  } catch (thrown) {
    return { error: `The arguments of ${name} are not JSON: ${messageOf(thrown)}` };
  }
}

/** Arguments that a schema accepts, or what is wrong with them. */
export function checkArguments<Args>(schema: z.ZodType<Args>, args: unknown): { readonly args: Args } | Unreadable {
  try {
    const parsed = schema.safeParse(args);
    if (parsed.success) return { args: parsed.data };
    return { error: describeIssues(issuesOf(parsed.error)) };
  } catch (thrown) {
    return { error: messageOf(thrown) };
  }
}
