import { existsSync, readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { JsonObject, ModelRequest } from "walkback";

/** One exchange with a provider as it was recorded. */
export interface Recording {
  readonly id: string;
  readonly tags: readonly string[];
  readonly request: { readonly body: RecordedRequest };
  readonly response: { readonly status: number; readonly headers: Readonly<Record<string, string>>; readonly body: string };
}

export interface RecordedRequest {
  readonly stream?: boolean;
  readonly max_tokens?: number | null;
  readonly max_completion_tokens?: number | null;
  readonly response_format?: { readonly type: string; readonly json_schema?: { readonly name: string; readonly schema: JsonObject } };
  readonly tools?: readonly { readonly function?: RecordedFunction }[] | null;
  readonly functions?: readonly RecordedFunction[] | null;
}

interface RecordedFunction {
  readonly name: string;
  readonly description?: string | null;
  readonly parameters?: JsonObject | null;
}

const FOLDER = fileURLToPath(new URL("../../../../shared/data/openai-http/", import.meta.url));

/** Why there are none, to be told in the name of what is skipped. */
export const NO_RECORDINGS = existsSync(FOLDER) ? undefined : "no recordings of real providers beside the project";

export function recordings(): readonly Recording[] {
  if (NO_RECORDINGS) return [];
  const files = (folder: string, ending: string) =>
    readdirSync(folder)
      .filter((name) => name.endsWith(ending))
      .toSorted()
      .map((name) => readFileSync(`${folder}${name}`, "utf8"));
  const lines = files(FOLDER, ".jsonl").flatMap((text) => text.trim().split("\n"));
  return [...lines, ...files(`${FOLDER}curated/`, ".json")].map((text) => JSON.parse(text) as Recording);
}

/** What of a recorded request decides how its answer has to be taken. */
export function requestOf({ id, request: { body } }: Recording): ModelRequest {
  const functions = [...(body.tools ?? []).flatMap((tool) => (tool.function ? [tool.function] : [])), ...(body.functions ?? [])];
  const { type, json_schema: format } = body.response_format ?? {};
  const schema = format?.schema ?? { type: "object" };
  return {
    messages: [{ role: "user", text: id }],
    maxOutputTokens: body.max_completion_tokens ?? body.max_tokens ?? 1_024,
    ...(type === "json_schema" || type === "json_object" ? { answer: { name: format?.name ?? "answer", schema } } : {}),
    ...(functions.length > 0 ? { tools: functions.map(toolOf) } : {}),
  };
}

function toolOf({ name, description, parameters }: RecordedFunction) {
  return { name, description: description ?? "", parameters: parameters ?? { type: "object" } };
}
