import { z } from "zod";
import { oneLine } from "./redact.js";
import type { WireSite } from "./wire-site.js";

/** What a provider says went wrong, without the key. */
export interface ProviderError {
  /** Short, for people. */
  readonly message: string;
  /** All of it, to find the class of the error in. */
  readonly words: string;
  readonly code: string | undefined;
  readonly type: string | undefined;
  /** What the model had written when the provider found that it is not what was asked for. */
  readonly generation: string | undefined;
}

/**
 * Reads the bodies of several providers: `{ error: { message } }`, `{ error: "…" }`, `[{ error }]`, `{ errors: [{ message }] }`,
 * `{ message }`, `{ detail }`, and the error of another provider that a gateway passes on.
 */
export function providerError(document: unknown, redact: WireSite["redact"]): ProviderError {
  const { success, data } = Body.safeParse(document);
  const shown = (text: string | undefined) => (text === undefined ? undefined : oneLine(redact.error(text)));
  if (!success) return { message: "", words: "", code: undefined, type: undefined, generation: undefined };
  const words = redact.error(data.message);
  return { message: oneLine(words), words, code: shown(data.code), type: shown(data.type), generation: shown(data.failed_generation) };
}

/** The error that a document with status 200 reports in place of an answer or within it. */
export function errorWithin(document: unknown): unknown {
  const error = errorIn(Array.isArray(document) ? document[0] : document);
  if (error !== undefined) return { error };
  const { success, data } = Reporting.safeParse(document);
  if (!success) return undefined;
  const { choices, base_resp, x_groq } = data;
  const within = choices?.find(({ index }) => (index ?? 0) === 0)?.error || x_groq?.error;
  if (within) return { error: within };
  if (base_resp?.status_code) return { error: { code: base_resp.status_code, message: base_resp.status_msg } };
  return choices || !isErrorBody(data) ? undefined : document;
}

function errorIn(document: unknown): unknown {
  return typeof document === "object" && document !== null && "error" in document ? document.error || undefined : undefined;
}

function isErrorBody({ object, type, message, detail, errors }: z.infer<typeof Reporting>): boolean {
  return object === "error" || type === "error" || typeof message === "string" || Boolean(detail ?? errors?.[0]);
}

/** Where errors stand in documents that are no errors by their form. */
const Reporting = z.object({
  object: z.unknown().optional(),
  type: z.unknown().optional(),
  message: z.unknown().optional(),
  detail: z.unknown().optional(),
  errors: z.array(z.unknown()).nullish().catch(null),
  choices: z
    .array(z.object({ index: z.number().nullish().catch(null), error: z.unknown().optional() }))
    .nullish()
    .catch(null),
  base_resp: z
    .object({ status_code: z.number(), status_msg: z.string().optional().catch(undefined) })
    .nullish()
    .catch(null),
  x_groq: z.object({ error: z.unknown().optional() }).nullish().catch(null),
});

const Text = z.string().optional().catch(undefined);

const Fields = z.object({
  message: z
    .union([
      z.string(),
      z
        .object({})
        .loose()
        .transform((inner) => JSON.stringify(inner)),
    ])
    .optional()
    .catch(undefined),
  detail: z.unknown().optional(),
  code: z
    .union([z.string(), z.number().transform(String)])
    .optional()
    .catch(undefined),
  type: Text,
  failed_generation: Text,
  /** What the provider behind a gateway said. */
  metadata: z.object({ raw: Text }).optional().catch(undefined),
});

const Named = z.union([
  z.string().transform((message) => ({ message, code: undefined, type: undefined, failed_generation: undefined })),
  Fields.transform(({ message, detail, metadata, ...rest }) => {
    const said = message ?? (detail === undefined ? "" : JSON.stringify(detail));
    return { ...rest, message: metadata?.raw ? `${said}: ${metadata.raw}` : said };
  }),
]);

const Body = z.preprocess((document) => {
  const first: unknown = Array.isArray(document) ? document[0] : document;
  return errorIn(first) ?? firstOf(first) ?? first;
}, Named);

function firstOf(document: unknown): unknown {
  const listed = typeof document === "object" && document !== null && "errors" in document ? document.errors : undefined;
  return Array.isArray(listed) ? listed[0] : undefined;
}
