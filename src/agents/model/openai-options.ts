import type { BaseChatOpenAIFields } from "@langchain/openai";
import * as z from "zod";
import { optionInvalid } from "../../contracts/failure.js";
import type { JsonObject } from "../../contracts/json-value.js";
import type { AskedModel } from "../../contracts/model-failure.js";
import { checkCall } from "../../limits/check-options.js";
import { kwargsOf } from "./openai-kwargs.js";
import { type Redactor, redactor } from "./redact.js";

export interface OpenAIModelOptions {
  /** As the provider names it. */
  readonly model: string;
  /** Whose rate limits and prices hold: "openai", or the host of the base URL when left out. */
  readonly provider?: string;
  /** `OPENAI_API_KEY` when left out. */
  readonly apiKey?: string | undefined;
  /** Of any server that speaks OpenAI's chat completions: `OPENAI_BASE_URL` when left out, then OpenAI's own. */
  readonly baseURL?: string | undefined;
  readonly temperature?: number;
  /** Whether the answer comes in pieces (default: true). */
  readonly stream?: boolean;
  /** A larger answer is given up (default: 2 MiB). */
  readonly maxAnswerBytes?: number;
  /** Sent with each request. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Set in the body of each request: `{ seed: 1 }`, `{ reasoning_effort: "low" }`; what Walkback sets there itself is refused. */
  readonly modelKwargs?: JsonObject;
}

/** The options of a model, checked, and with their defaults. */
export interface ModelSettings {
  readonly asked: AskedModel;
  readonly available: boolean;
  readonly stream: boolean;
  readonly maxAnswerBytes: number;
  readonly redact: Redactor;
  client(fetch: typeof globalThis.fetch): BaseChatOpenAIFields;
}

export function settingsOf(options: OpenAIModelOptions): ModelSettings {
  checkCall(Options, "openAIModel", options);
  const { model, temperature, stream = true, maxAnswerBytes = 2 * 1024 * 1024 } = options;
  const headers = { ...options.headers };
  const modelKwargs = kwargsOf(options.modelKwargs ?? {});
  const baseURL = urlOf(options.baseURL ?? process.env["OPENAI_BASE_URL"]);
  const apiKey = keyOf(options.apiKey ?? process.env["OPENAI_API_KEY"]);
  const openAIs = baseURL.host === OPENAI.host;
  checkHeaders(headers);
  return {
    asked: { provider: options.provider ?? (openAIs ? "openai" : baseURL.host), model },
    available: apiKey !== undefined || !openAIs,
    stream,
    maxAnswerBytes,
    redact: redactor([...(apiKey ? [apiKey] : []), ...secretsIn(headers)]),
    client: (fetch) => ({
      model,
      apiKey: apiKey ?? "none", // what a server of one's own does not ask for, the client does
      modelKwargs,
      streamUsage: true,
      verbose: false,
      configuration: { baseURL: baseURL.href, defaultHeaders: headers, fetch, logLevel: "off" },
      ...(temperature === undefined ? {} : { temperature }),
    }),
  };
}

const Options = z.strictObject({
  model: z.string("must name a model").regex(/\S/, "must name a model"),
  provider: z.string("must name a provider").regex(/\S/, "must name a provider").optional(),
  apiKey: z.string("must be text").optional(),
  baseURL: z.string("must be an http or https URL").optional(),
  temperature: z.number("must be a number, 0 or more").min(0, "must be a number, 0 or more").optional(),
  stream: z.boolean("must be true or false").optional(),
  maxAnswerBytes: z.int("must be a whole number from 1").min(1, "must be a whole number from 1").optional(),
  headers: z.record(z.string(), z.string("must be text"), "must be an object of names and values").optional(),
  modelKwargs: z.record(z.string(), z.unknown(), "must be an object").optional(),
} satisfies Record<keyof OpenAIModelOptions, z.ZodType>);

const OPENAI = new URL("https://api.openai.com/v1");

function urlOf(given: string | undefined): URL {
  const text = given?.trim();
  if (!text) return OPENAI;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || !["http:", "https:"].includes(url.protocol)) throw optionInvalid("baseURL", "must be an http or https URL");
  if (url.username || url.password) throw optionInvalid("baseURL", "must not hold a name or a password; use headers for them");
  return url;
}

function keyOf(given: string | undefined): string | undefined {
  const key = given?.trim();
  if (!key) return undefined;
  if (!/^[\x21-\x7e]+$/.test(key)) throw optionInvalid("apiKey", "must be ASCII without spaces");
  return key;
}

function checkHeaders(headers: Readonly<Record<string, string>>): void {
  try {
    new Headers(headers);
  } catch {
    throw optionInvalid("headers", "must be names and values of HTTP headers"); // the reason would show the value
  }
}

/** The values of headers that are secret by their name; of `Bearer …` the token alone as well. */
function secretsIn(headers: Readonly<Record<string, string>>): readonly string[] {
  const secret = Object.entries(headers).filter(([name]) => /auth|key|token|secret|cookie|password/i.test(name));
  return secret.flatMap(([, value]) => [value, ...value.split(/\s+/)]);
}
