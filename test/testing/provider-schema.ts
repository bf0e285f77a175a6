import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";
import { Ajv2020 } from "ajv/dist/2020.js";

const FILE = fileURLToPath(new URL("../../../shared/data/openai-openapi/openapi.json.gz", import.meta.url));
const ID = "openapi.json";

export const schemaAbsent = existsSync(FILE)
  ? undefined
  : "the provider's API description is not there; the original is openapi.yaml of openai/openai-openapi on GitHub, here as gzipped JSON";

export type ProviderSchema =
  | "CreateChatCompletionRequest"
  | "CreateChatCompletionResponse"
  | "CreateChatCompletionStreamResponse"
  | "ErrorResponse";

/** What is wrong with a document by the provider's own description of its API; empty when nothing is. */
export function providerSchema(): (name: ProviderSchema, document: unknown) => string[] {
  // Formats like "unixtime" are the provider's own, and so are many words beside those of JSON Schema.
  const ajv = new Ajv2020({ strict: false, validateFormats: false, allErrors: true });
  const description: unknown = JSON.parse(gunzipSync(readFileSync(FILE)).toString("utf8"));
  ajv.addSchema(asJsonSchema(description) as object, ID);
  return (name, document) => {
    const validate = ajv.getSchema(`${ID}#/components/schemas/${name}`);
    if (!validate) throw new Error(`The provider's description has no ${name}.`);
    validate(document);
    return (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`);
  };
}

/** OpenAPI's `nullable`, here and there still in use, in the words of JSON Schema. */
function asJsonSchema(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(asJsonSchema);
  if (typeof node !== "object" || node === null) return node;
  const { nullable, ...rest } = Object.fromEntries(Object.entries(node).map(([key, value]) => [key, asJsonSchema(value)]));
  if (nullable === true) return { anyOf: [rest, { type: "null" }] };
  return nullable === undefined ? rest : { ...rest, nullable };
}
