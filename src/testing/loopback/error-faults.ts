import { errorAnswer, SERVER_ERROR, wrongKey } from "./provider-errors.js";
import type { Asked, WireAnswer } from "./wire-answer.js";

type ErrorFault = (asked: Pick<Asked, "at" | "authorization">) => WireAnswer;

/** What a provider says instead of an answer. */
export const ERROR_FAULTS = {
  "429-retry-after-seconds": () => rateLimited({ "retry-after": "2" }),
  /** Ten seconds after the request came. */
  "429-retry-after-date": ({ at }) => rateLimited({ "retry-after": new Date(at.getTime() + 10_000).toUTCString() }),
  /** A thousand million seconds. */
  "429-retry-after-absurd": () => rateLimited({ "retry-after": "1000000000" }),
  /** Both headers: the one in milliseconds is the exact one. */
  "429-retry-after-ms": () => rateLimited({ "retry-after": "1", "retry-after-ms": "250" }),
  "429-insufficient-quota": () =>
    errorAnswer(429, {
      message: "You exceeded your current quota, please check your plan and billing details.",
      type: "insufficient_quota",
      code: "insufficient_quota",
    }),
  /** Repeats the key that was sent, masked as the provider masks it. */
  "401": ({ authorization }) => wrongKey(authorization),
  "404": () =>
    errorAnswer(404, { message: "The model does not exist or you do not have access to it.", code: "model_not_found", param: "model" }),
  "context-length": () =>
    errorAnswer(400, {
      message: "This model's maximum context length is 128000 tokens. However, your messages resulted in 130122 tokens.",
      param: "messages",
      code: "context_length_exceeded",
    }),
  "500": () => errorAnswer(500, SERVER_ERROR),
  /** From the gateway before the provider: no JSON. */
  "502": () => ({ status: 502, headers: { "content-type": "text/html" }, pieces: ["<html><body><h1>502 Bad Gateway</h1></body></html>"] }),
  "503": () => errorAnswer(503, { message: "The engine is currently overloaded, please try again later.", type: "server_error" }),
  "529": () => errorAnswer(529, { message: "Overloaded", type: "overloaded_error" }),
} as const satisfies Record<string, ErrorFault>;

function rateLimited(headers: Record<string, string>): WireAnswer {
  const message = "Rate limit reached for requests. Limit: 3 / min. Please try again later.";
  return errorAnswer(429, { message, type: "requests", code: "rate_limit_exceeded" }, headers);
}
