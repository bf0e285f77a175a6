import {
  ModelAuthentication,
  ModelBadRequest,
  ModelContextLength,
  type ModelFailure,
  type ModelFailureOptions,
  ModelFiltered,
  ModelProse,
  ModelQuota,
  ModelRateLimited,
  ModelStreamFailed,
  ModelUnavailable,
} from "../../contracts/model-failure.js";
import { retryAfterMs } from "../../limits/retry-after.js";
import { type ProviderError, providerError } from "./wire-error.js";
import type { WireSite } from "./wire-site.js";

/** An answer that is an error by its status: nothing was taken for it. */
export function httpFailure(response: Response, body: string, site: WireSite): ModelFailure {
  const { status, headers } = response;
  const retryAfter = retryAfterMs(Object.assign(new Error("The provider's headers."), { headers }), Date.now());
  return failureOf(providerError(parsed(body), site.redact), status, site, retryAfter, {});
}

/** An error that came with status 200, as the answer or within it. */
export function errorFailure(error: unknown, site: WireSite, lost: ModelFailureOptions): ModelFailure {
  const said = providerError(error, site.redact);
  const status = Number(said.code);
  return failureOf(said, status >= 400 && status < 600 ? status : 200, site, undefined, lost);
}

function failureOf(
  error: ProviderError,
  status: number,
  { asked }: WireSite,
  retryAfter: number | undefined,
  options: ModelFailureOptions,
): ModelFailure {
  const { provider, model } = asked;
  const says = error.message === "" ? "" : `: "${error.message}"`;
  if (is(error, NOT_AS_ASKED)) {
    const beginning = error.generation ?? "";
    const message = `${model} did not answer in the form it was asked for, by the word of ${provider}${says}.`;
    return new ModelProse(message, { ...asked, beginning }, { usageUnknown: true, ...options });
  }
  if (status === 402 || is(error, QUOTA) || NOTHING_LEFT.test(error.message))
    return new ModelQuota(`The account at ${provider} has nothing left to pay with${says}.`, { ...asked, status }, options);
  if (status === 401 || status === 403 || is(error, KEY))
    return new ModelAuthentication(`${provider} does not accept the key for ${model} (${status})${says}.`, { ...asked, status }, options);
  if (isTooLong(error, status))
    return new ModelContextLength(`The question is longer than ${model} can read${says}.`, { ...asked, status }, options);
  if (is(error, FILTERED)) return new ModelFiltered(`${provider} held the question back${says}.`, asked, options);
  if (status === 429 || is(error, RATE))
    return new ModelRateLimited(
      `${provider} takes no more requests for now${says}.`,
      { ...asked, status, retryAfterMs: retryAfter },
      options,
    );
  if (status >= 500 || LATER.has(status))
    return new ModelUnavailable(
      `${provider} cannot answer for now (${status})${says}.`,
      { ...asked, status, retryAfterMs: retryAfter },
      options,
    );
  if (status >= 300)
    return new ModelBadRequest(
      `${provider} refused the request (${status})${says}.`,
      { ...asked, status, providerCode: error.code },
      options,
    );
  const told = { message: error.message, code: error.code ?? null, type: error.type ?? null };
  return new ModelStreamFailed(
    `${provider} reported an error in place of the answer of ${model}${says}.`,
    { ...asked, error: told },
    options,
  );
}

function is({ code, type }: ProviderError, words: ReadonlySet<string>): boolean {
  return (code !== undefined && words.has(code)) || (type !== undefined && words.has(type));
}

/** Too long for the account's limit of tokens a minute is too long as well: waiting makes it no shorter. */
function isTooLong(error: ProviderError, status: number): boolean {
  if (status === 413 || is(error, TOO_LONG)) return true;
  return status === 429 ? REQUEST_TOO_LARGE.test(error.message) : LONGER_THAN_THE_MODEL_READS.test(error.message);
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return body.trimStart().startsWith("<") ? undefined : body; // a web page explains nothing
  }
}

const NOT_AS_ASKED: ReadonlySet<string> = new Set(["tool_use_failed", "json_validate_failed"]);
const QUOTA: ReadonlySet<string> = new Set([
  "insufficient_quota",
  "insufficient_balance",
  "insufficient_user_quota",
  "billing_hard_limit_reached",
  "billing_not_active",
]);
const NOTHING_LEFT = /insufficient (balance|credits?|funds|quota)/i;
const KEY: ReadonlySet<string> = new Set(["invalid_api_key", "authentication_error", "permission_error", "account_deactivated"]);
const TOO_LONG: ReadonlySet<string> = new Set(["context_length_exceeded", "string_above_max_length", "request_too_large"]);
const FILTERED: ReadonlySet<string> = new Set(["content_filter", "content_policy_violation", "ResponsibleAIPolicyViolation"]);
const RATE: ReadonlySet<string> = new Set(["rate_limit_exceeded", "rate_limit_error", "too_many_requests"]);
/** Also a lock that is held (409), too early (425), capacity that is gone (498), and a client that is said to have left (499). */
const LATER: ReadonlySet<number> = new Set([408, 409, 425, 498, 499]);
const REQUEST_TOO_LARGE = /request too large/i;
const LONGER_THAN_THE_MODEL_READS = new RegExp(
  [
    "context[ _](length|window|size|limit)",
    "max(imum)? (context|(prompt|input|model) length)",
    "(prompt|input|question|request) (is )?too (long|large)",
    "too many (input |prompt )?tokens",
    "input tokens exceed",
    "exceeds? the maximum (number of tokens|input|allowed (number of )?(input )?tokens)",
    "reduce the length of",
    "max_model_len",
  ].join("|"),
  "i",
);
