import { z } from "zod";
import { oneLine } from "./redact.js";
import type { WireSite } from "./wire-site.js";

/** What a provider says went wrong: short, without the key. */
export interface ProviderError {
  readonly message: string;
  readonly code: string | undefined;
  readonly type: string | undefined;
  /** What the model had written when the provider found that it is not what was asked for. */
  readonly generation: string | undefined;
}

/** Reads the bodies of several providers: `{ error: { message } }`, `{ error: "…" }`, `[{ error }]`, `{ message }`, `{ detail }`. */
export function providerError(document: unknown, redact: WireSite["redact"]): ProviderError {
  const { success, data } = Body.safeParse(document);
  const shown = (text: string | undefined) => (text === undefined ? undefined : oneLine(redact.text(text)));
  if (!success) return { message: "", code: undefined, type: undefined, generation: undefined };
  return { message: shown(data.message) ?? "", code: shown(data.code), type: shown(data.type), generation: shown(data.failed_generation) };
}

/** The error that stands in a document in place of an answer. */
export function errorIn(document: unknown): unknown {
  return typeof document === "object" && document !== null && "error" in document ? document.error || undefined : undefined;
}

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
});

const Named = z.union([
  z.string().transform((message) => ({ message, code: undefined, type: undefined, failed_generation: undefined })),
  Fields.transform(({ message, detail, ...rest }) => ({
    ...rest,
    message: message ?? (detail === undefined ? "" : JSON.stringify(detail)),
  })),
]);

const Body = z.preprocess((document) => {
  const first: unknown = Array.isArray(document) ? document[0] : document;
  return errorIn(first) ?? first;
}, Named);
