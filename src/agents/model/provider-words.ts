import type { ProviderError } from "./wire-error.js";

/** How an error of one class is told: by status, by code or type, and, where providers give none that says it, by their words. */
interface ErrorClass {
  readonly statuses?: ReadonlySet<number>;
  readonly names: ReadonlySet<string>;
  readonly words: RegExp;
  /** A status with which other words would have to be used. */
  readonly not?: (status: number) => boolean;
}

export function isOf({ statuses, names, words, not }: ErrorClass, error: ProviderError, status: number): boolean {
  if (statuses?.has(status) || is(error, names)) return true;
  return !not?.(status) && words.test(error.words);
}

export function is({ code, type }: Pick<ProviderError, "code" | "type">, names: ReadonlySet<string>): boolean {
  return (code !== undefined && names.has(code)) || (type !== undefined && names.has(type));
}

/** The model's answer was not what was asked for, by the word of the provider. */
export const NOT_AS_ASKED: ReadonlySet<string> = new Set(["tool_use_failed", "json_validate_failed"]);

export const QUOTA: ErrorClass = {
  statuses: new Set([402]),
  names: new Set([
    "insufficient_quota",
    "insufficient_balance",
    "insufficient_user_quota",
    "exceeded_current_quota_error",
    "billing_hard_limit_reached",
    "billing_not_active",
    "budget_exceeded",
    "Arrearage",
    "AllocationQuota.FreeTierOnly",
  ]),
  words: oneOf(
    "insufficient (balance|credits?|funds|quota)",
    "credit balance is too low",
    "used all available credits",
    "(doesn't|does not) have any credits",
    "(monthly spending|spend) limit",
    "budget has been exceeded",
    "account is in good standing",
    "余额不足",
  ),
};

export const KEY: ErrorClass = {
  statuses: new Set([401]),
  names: new Set(["invalid_api_key", "authentication_error", "permission_error", "account_deactivated"]),
  words: oneOf("(incorrect|invalid) api[ _-]?key", "api[ _-]?key (is )?(not valid|invalid)"),
};

export const TOO_LONG: ErrorClass = {
  statuses: new Set([413]),
  names: new Set(["context_length_exceeded", "string_above_max_length", "request_too_large", "exceed_context_size_error"]),
  words: oneOf(
    "context[ _](length|window|size|limit)",
    "ContextWindowExceeded",
    "max(imum)? (context|(prompt|input|model) length)",
    "(prompt|input|question) (is )?too (long|large)",
    "request (is )?too (long|large)",
    "too many (input |prompt )?tokens",
    "input tokens exceed",
    "exceeds? the maximum (number of tokens|input|allowed (number of )?(input )?tokens)",
    "reduce the length of",
    "max_model_len",
    "`inputs` (tokens \\+|must have less than)",
    "range of input length should be",
    "exceeded model token limit",
  ),
  not: (status) => status === 429,
};

/** Too long for the account's limit of tokens a minute: waiting makes it no shorter. */
export const TOO_LONG_FOR_A_MINUTE: ErrorClass = { names: new Set(), words: /request too large/i };

export const FILTERED: ErrorClass = {
  names: new Set([
    "content_filter",
    "content_policy_violation",
    "ResponsibleAIPolicyViolation",
    "invalid_prompt",
    "data_inspection_failed",
    "DataInspectionFailed",
  ]),
  words: oneOf(
    "content management policy",
    "content policy",
    "ContentPolicyViolation",
    "(was|been) flagged",
    "content exists risk",
    "inappropriate content",
    "violates usage guidelines",
    "blocked (input|output)",
  ),
  not: (status) => status === 429 || status >= 500,
};

export const RATE: ReadonlySet<string> = new Set([
  "rate_limit_exceeded",
  "rate_limit_error",
  "rate_limit_reached_error",
  "too_many_requests",
  "too_many_requests_error",
]);

/** Also a lock that is held (409), what it depends on (424), too early (425), no capacity (498), and a client that is said to have left (499). */
export const LATER: ReadonlySet<number> = new Set([408, 409, 424, 425, 498, 499]);

function oneOf(...words: readonly string[]): RegExp {
  return new RegExp(words.join("|"), "i");
}
