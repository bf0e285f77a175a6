import type * as z from "zod";
import { jsonAnswer, type WireAnswer } from "./wire-answer.js";

interface ProviderError {
  readonly message: string;
  readonly type?: string;
  readonly param?: string;
  readonly code?: string;
}

/** An error in the provider's form. */
export function errorAnswer(status: number, error: ProviderError, headers?: WireAnswer["headers"]): WireAnswer {
  return jsonAnswer(status, errorBody(error), headers);
}

export function errorBody({ message, type = "invalid_request_error", param, code }: ProviderError): object {
  return { error: { message, type, param: param ?? null, code: code ?? null } };
}

export const SERVER_ERROR = { message: "The server had an error while processing your request. Sorry about that!", type: "server_error" };

export function noSuchUrl(method: string, path: string): WireAnswer {
  return errorAnswer(404, { message: `Invalid URL (${method} ${path})` });
}

/** The key as the provider repeats it: its beginning and its end, and a short one whole. */
export function wrongKey(authorization: string | undefined): WireAnswer {
  const key = authorization?.replace(/^Bearer\s+/i, "") ?? "";
  if (key === "")
    return errorAnswer(401, { message: "You didn't provide an API key. You need to provide your API key in an Authorization header." });
  const masked = key.length <= 12 ? key : `${key.slice(0, 8)}${"*".repeat(key.length - 12)}${key.slice(-4)}`;
  return errorAnswer(401, {
    message: `Incorrect API key provided: ${masked}. You can find your API key at https://platform.openai.com/account/api-keys.`,
    code: "invalid_api_key",
  });
}

export const notJson = () => errorAnswer(400, { message: "We could not parse the JSON body of your request." });

/** Names the first thing wrong with the request. */
export function badRequest([issue]: readonly z.core.$ZodIssue[]): WireAnswer {
  const param =
    issue?.path
      .map((key) => (typeof key === "number" ? `[${key}]` : `.${String(key)}`))
      .join("")
      .slice(1) ?? "";
  const missing = issue?.code === "invalid_type" && issue.input === undefined;
  const empty = issue?.code === "too_small";
  if (empty) return errorAnswer(400, { message: `Invalid '${param}': empty array.`, param, code: "empty_array" });
  if (missing) return errorAnswer(400, { message: `Missing required parameter: '${param}'.`, param, code: "missing_required_parameter" });
  return errorAnswer(400, { message: `Invalid value for '${param}': ${issue?.message}.`, param, code: "invalid_value" });
}
