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
import { jsonOf } from "./json-of.js";
import { FILTERED, is, isOf, KEY, LATER, NOT_AS_ASKED, QUOTA, RATE, TOO_LONG, TOO_LONG_FOR_A_MINUTE } from "./provider-words.js";
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
  if (isOf(QUOTA, error, status))
    return new ModelQuota(`The account at ${provider} has nothing left to pay with${says}.`, { ...asked, status }, options);
  if (isOf(KEY, error, status)) return authentication();
  if (isOf(TOO_LONG, error, status) || isOf(TOO_LONG_FOR_A_MINUTE, error, status))
    return new ModelContextLength(`The question is longer than ${model} can read${says}.`, { ...asked, status }, options);
  if (isOf(FILTERED, error, status)) return new ModelFiltered(`${provider} held the question back${says}.`, asked, options);
  if (status === 403 && !is(error, RATE)) return authentication();
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

  function authentication(): ModelFailure {
    return new ModelAuthentication(`${provider} does not accept the key for ${model} (${status})${says}.`, { ...asked, status }, options);
  }
}

function parsed(body: string): unknown {
  const document = jsonOf(body);
  if (document !== undefined) return document;
  return body.trimStart().startsWith("<") ? undefined : body; // a web page explains nothing
}
