import type { FailureCode } from "walkback";

/** An error in place of an answer, as servers send it. */
export type ForeignError = readonly [server: string, status: number, body: unknown, code: FailureCode];

const openai = (message: string, type: string | null, code: string | null) => ({ error: { message, type, param: null, code } });
const google = (code: number, status: string, message: string, details: readonly object[] = []) => [
  { error: { code, message, status, details } },
];
const flat = (message: string, rest: object = {}) => ({ object: "error", message, ...rest });

export const ERRORS: readonly ForeignError[] = [
  [
    "OpenAI, rate",
    429,
    openai(
      "Rate limit reached for gpt-4.1 on tokens per min (TPM): Limit 30000, Used 29000, Requested 2000. Please try again in 2s.",
      "tokens",
      "rate_limit_exceeded",
    ),
    "MODEL_RATE_LIMITED",
  ],
  [
    "OpenAI, quota",
    429,
    openai("You exceeded your current quota, please check your plan and billing details.", "insufficient_quota", "insufficient_quota"),
    "MODEL_QUOTA",
  ],
  [
    "OpenAI, a prompt that was flagged",
    400,
    openai(
      "Invalid prompt: your prompt was flagged as potentially violating our usage policy. Please try again with a different prompt.",
      "invalid_request_error",
      "invalid_prompt",
    ),
    "MODEL_FILTERED",
  ],
  [
    "OpenAI, a parameter",
    400,
    openai(
      "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
      "invalid_request_error",
      "unsupported_parameter",
    ),
    "MODEL_BAD_REQUEST",
  ],
  [
    "OpenAI, region",
    403,
    openai("Country, region, or territory not supported", "request_forbidden", "unsupported_country_region_territory"),
    "MODEL_AUTHENTICATION",
  ],
  [
    "Azure, filter",
    400,
    {
      error: {
        message: "The response was filtered due to the prompt triggering Azure OpenAI's content management policy.",
        type: null,
        param: "prompt",
        code: "content_filter",
        status: 400,
        innererror: { code: "ResponsibleAIPolicyViolation" },
      },
    },
    "MODEL_FILTERED",
  ],
  [
    "Azure, key",
    401,
    { statusCode: 401, message: "Unauthorized. Access token is missing, invalid, audience is incorrect, or have expired." },
    "MODEL_AUTHENTICATION",
  ],
  [
    "Azure, deployment",
    404,
    { error: { code: "DeploymentNotFound", message: "The API deployment for this resource does not exist." } },
    "MODEL_BAD_REQUEST",
  ],
  [
    "Azure, rate",
    429,
    {
      error: {
        code: "429",
        message: "Requests have exceeded call rate limit of your current OpenAI S0 pricing tier. Please retry after 7 seconds.",
      },
    },
    "MODEL_RATE_LIMITED",
  ],
  [
    "vLLM, length",
    400,
    flat("This model's maximum context length is 4096 tokens. However, you requested 5000 tokens.", {
      type: "BadRequestError",
      param: null,
      code: 400,
    }),
    "MODEL_CONTEXT_LENGTH",
  ],
  ["vLLM, model", 404, flat("The model `x` does not exist.", { type: "NotFoundError", param: null, code: 404 }), "MODEL_BAD_REQUEST"],
  [
    "llama.cpp, length",
    400,
    {
      error: {
        code: 400,
        message: "the request exceeds the available context size, try increasing it",
        type: "exceed_context_size_error",
        n_prompt_tokens: 9000,
        n_ctx: 4096,
      },
    },
    "MODEL_CONTEXT_LENGTH",
  ],
  ["llama.cpp, loading", 503, { error: { code: 503, message: "Loading model", type: "unavailable_error" } }, "MODEL_UNAVAILABLE"],
  ["Ollama, model", 404, openai('model "x" not found, try pulling it first', "api_error", null), "MODEL_BAD_REQUEST"],
  [
    "Ollama, memory",
    500,
    openai("model requires more system memory (7.5 GiB) than is available (6.0 GiB)", "api_error", null),
    "MODEL_UNAVAILABLE",
  ],
  [
    "LM Studio, length",
    400,
    {
      error:
        "Trying to keep the first 4500 tokens when context the overflows. However, the model is loaded with context length of only 4096 tokens.",
    },
    "MODEL_CONTEXT_LENGTH",
  ],
  [
    "TGI, length",
    422,
    {
      error:
        "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4096. Given: 4000 `inputs` tokens and 1024 `max_new_tokens`",
      error_type: "validation",
    },
    "MODEL_CONTEXT_LENGTH",
  ],
  [
    "TGI, generation",
    424,
    { error: "Request failed during generation: Server error: CUDA out of memory", error_type: "generation" },
    "MODEL_UNAVAILABLE",
  ],
  ["TGI, overload", 429, { error: "Model is overloaded", error_type: "overloaded" }, "MODEL_RATE_LIMITED"],
  [
    "Groq, too much for a minute",
    413,
    openai("Request too large for model `m` on tokens per minute (TPM): Limit 8000, Requested 9000", "tokens", "rate_limit_exceeded"),
    "MODEL_CONTEXT_LENGTH",
  ],
  ["Groq, key", 401, openai("Invalid API Key", "invalid_request_error", "invalid_api_key"), "MODEL_AUTHENTICATION"],
  ["Groq, no capacity", 498, openai("Flex tier capacity exceeded", "flex", "capacity_exceeded"), "MODEL_UNAVAILABLE"],
  ["Mistral, key", 401, { message: "Unauthorized", request_id: "1" }, "MODEL_AUTHENTICATION"],
  [
    "Mistral, rate",
    429,
    flat("Service tier capacity exceeded for this model.", { type: "service_tier_capacity_exceeded", param: null, code: "3505" }),
    "MODEL_RATE_LIMITED",
  ],
  [
    "Mistral, form",
    422,
    flat("", {
      message: { detail: [{ type: "missing", loc: ["body", "messages"], msg: "Field required" }] },
      type: "invalid_request_error",
    }),
    "MODEL_BAD_REQUEST",
  ],
  ["DeepSeek, content", 400, openai("Content Exists Risk", "invalid_request_error", "invalid_request_error"), "MODEL_FILTERED"],
  ["DeepSeek, balance", 402, openai("Insufficient Balance", "unknown_error", "invalid_request_error"), "MODEL_QUOTA"],
  [
    "DeepSeek, key",
    401,
    openai("Authentication Fails (no such user)", "authentication_error", "invalid_request_error"),
    "MODEL_AUTHENTICATION",
  ],
  [
    "OpenRouter, credits",
    402,
    { error: { message: "This request requires more credits, or fewer max_tokens.", code: 402 }, user_id: "u" },
    "MODEL_QUOTA",
  ],
  [
    "OpenRouter, moderation",
    403,
    {
      error: {
        code: 403,
        message: 'x requires moderation on OpenRouter. Your input was flagged for "violence".',
        metadata: { reasons: ["violence"], flagged_input: "…", provider_name: "OpenAI" },
      },
    },
    "MODEL_FILTERED",
  ],
  [
    "OpenRouter, the length of another",
    400,
    {
      error: {
        message: "Provider returned error",
        code: 400,
        metadata: { raw: '{"error":{"message":"This model\'s maximum context length is 8192 tokens."}}', provider_name: "Azure" },
      },
    },
    "MODEL_CONTEXT_LENGTH",
  ],
  [
    "Together, length",
    403,
    openai(
      "Input token count + max_tokens parameter must be less than the context length of the model being queried.",
      "invalid_request_error",
      null,
    ),
    "MODEL_CONTEXT_LENGTH",
  ],
  [
    "Fireworks, suspended",
    412,
    {
      error: {
        object: "error",
        type: "invalid_request_error",
        code: "PRECONDITION_FAILED",
        message: "Account x is suspended, possibly due to reaching the monthly spending limit or failure to pay past invoices.",
      },
    },
    "MODEL_QUOTA",
  ],
  [
    "Cerebras, rate",
    429,
    {
      message: "Tokens per minute limit exceeded - too many tokens processed.",
      type: "too_many_tokens_error",
      param: "quota",
      code: "token_quota_exceeded",
    },
    "MODEL_RATE_LIMITED",
  ],
  [
    "Cerebras, length",
    400,
    {
      message: "Please reduce the length of the messages or completion. Current length is 9000 while limit is 8192",
      type: "invalid_request_error",
      param: "messages",
      code: "context_length_exceeded",
    },
    "MODEL_CONTEXT_LENGTH",
  ],
  [
    "Gemini, key",
    400,
    google(400, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key.", [{ reason: "API_KEY_INVALID" }]),
    "MODEL_AUTHENTICATION",
  ],
  [
    "Gemini, rate",
    429,
    google(429, "RESOURCE_EXHAUSTED", "You exceeded your current quota, please check your plan and billing details.", [
      { "@type": "type.googleapis.com/google.rpc.RetryInfo", retryDelay: "36s" },
    ]),
    "MODEL_RATE_LIMITED",
  ],
  ["Gemini, overload", 503, google(503, "UNAVAILABLE", "The model is overloaded. Please try again later."), "MODEL_UNAVAILABLE"],
  [
    "Gemini, a field",
    400,
    google(400, "INVALID_ARGUMENT", 'Invalid JSON payload received. Unknown name "parallel_tool_calls": Cannot find field.'),
    "MODEL_BAD_REQUEST",
  ],
  [
    "Anthropic, credit",
    400,
    {
      type: "error",
      error: {
        type: "invalid_request_error",
        message: "Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing to upgrade or purchase credits.",
      },
    },
    "MODEL_QUOTA",
  ],
  [
    "Anthropic, rate",
    429,
    {
      type: "error",
      error: {
        type: "rate_limit_error",
        message:
          "This request would exceed your organization's rate limit of 40,000 input tokens per minute. Please reduce the prompt length or the maximum tokens requested.",
      },
    },
    "MODEL_RATE_LIMITED",
  ],
  [
    "Anthropic, length",
    400,
    { error: { type: "invalid_request_error", message: "input length and `max_tokens` exceed context limit: 188240 + 21333 > 200000" } },
    "MODEL_CONTEXT_LENGTH",
  ],
  [
    "xAI, key",
    400,
    {
      code: "Client specified an invalid argument",
      error: "Incorrect API key provided: xx***. You can obtain an API key from https://console.x.ai.",
    },
    "MODEL_AUTHENTICATION",
  ],
  [
    "xAI, credits",
    429,
    {
      code: "Some resource has been exhausted",
      error: "Your team x has either used all available credits or reached its monthly spending limit.",
    },
    "MODEL_QUOTA",
  ],
  [
    "xAI, no credits",
    403,
    {
      code: "The caller does not have permission to execute the specified operation",
      error: "Your newly created team doesn't have any credits yet.",
    },
    "MODEL_QUOTA",
  ],
  [
    "xAI, guidelines",
    403,
    {
      code: "The caller does not have permission to execute the specified operation",
      error: "Content violates usage guidelines. Failed check: SAFETY_CHECK_TYPE_BIO",
    },
    "MODEL_FILTERED",
  ],
  ["Perplexity, key", 401, "<html><head><title>401 Authorization Required</title></head></html>", "MODEL_AUTHENTICATION"],
  [
    "Perplexity, quota",
    401,
    { error: { message: "You exceeded your current quota.", type: "insufficient_quota", code: 401 } },
    "MODEL_QUOTA",
  ],
  [
    "Cloudflare, length",
    400,
    {
      errors: [
        {
          message:
            "AiError: The estimated number of input and maximum output tokens (9000) exceeded this model context window limit (8000).",
          code: 5021,
        },
      ],
      success: false,
      result: {},
      messages: [],
    },
    "MODEL_CONTEXT_LENGTH",
  ],
  [
    "Cloudflare, key",
    401,
    { success: false, errors: [{ code: 10000, message: "Authentication error" }], messages: [], result: null },
    "MODEL_AUTHENTICATION",
  ],
  [
    "LiteLLM, budget",
    400,
    openai("Budget has been exceeded! Current cost: 0.0002, Max budget: 0.0001", "budget_exceeded", "400"),
    "MODEL_QUOTA",
  ],
  [
    "LiteLLM, length",
    400,
    openai(`litellm.ContextWindowExceededError: litellm.BadRequestError: ${"x".repeat(400)}`, null, "400"),
    "MODEL_CONTEXT_LENGTH",
  ],
  ["LiteLLM, content", 400, openai("litellm.ContentPolicyViolationError: AzureException", null, "400"), "MODEL_FILTERED"],
  [
    "LiteLLM, no deployment",
    429,
    openai("No deployments available for selected model, Try again in 60 seconds.", null, "429"),
    "MODEL_RATE_LIMITED",
  ],
  [
    "Moonshot, quota",
    429,
    openai("Your account is suspended, please check your plan and billing details", "exceeded_current_quota_error", null),
    "MODEL_QUOTA",
  ],
  [
    "Moonshot, overload",
    429,
    openai("The engine is currently overloaded, please try again later", "engine_overloaded_error", null),
    "MODEL_RATE_LIMITED",
  ],
  [
    "Moonshot, length",
    400,
    openai("Invalid request: Your request exceeded model token limit: 8192", "invalid_request_error", null),
    "MODEL_CONTEXT_LENGTH",
  ],
  [
    "Moonshot, content",
    400,
    openai("The request was rejected because it was considered high risk", "content_filter", null),
    "MODEL_FILTERED",
  ],
  [
    "DashScope, arrears",
    400,
    openai("Access denied, please make sure your account is in good standing.", "Arrearage", "Arrearage"),
    "MODEL_QUOTA",
  ],
  [
    "DashScope, content",
    400,
    openai("Input data may contain inappropriate content.", "data_inspection_failed", "data_inspection_failed"),
    "MODEL_FILTERED",
  ],
  [
    "DashScope, length",
    400,
    openai(
      "<400> InternalError.Algo.InvalidParameter: Range of input length should be [1, 30720]",
      "invalid_request_error",
      "invalid_parameter_error",
    ),
    "MODEL_CONTEXT_LENGTH",
  ],
  [
    "DashScope, free tier",
    403,
    openai("The free tier of the model has been exhausted.", "AllocationQuota.FreeTierOnly", "AllocationQuota.FreeTierOnly"),
    "MODEL_QUOTA",
  ],
  ["GLM, arrears", 429, { error: { code: "1113", message: "余额不足或无可用资源包,请充值。" } }, "MODEL_QUOTA"],
  ["Cohere, key", 401, { message: "invalid api token" }, "MODEL_AUTHENTICATION"],
  ["Cohere, content", 498, { message: "blocked output: please try again with a different prompt" }, "MODEL_FILTERED"],
  ["Cohere, length", 400, { message: "too many tokens: total number of tokens in the prompt cannot exceed 4081" }, "MODEL_CONTEXT_LENGTH"],
  ["Cohere, trial", 429, { message: "You are using a Trial key, which is limited to 10 API calls / minute." }, "MODEL_RATE_LIMITED"],
  ["a proxy that limits with 403", 403, openai("Slow down", "rate_limit_error", "rate_limit_exceeded"), "MODEL_RATE_LIMITED"],
];
