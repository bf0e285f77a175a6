import { createRequire } from "node:module";
import { Ajv2020 } from "ajv/dist/2020.js";
import { type Contract, defineContract, type JsonObject, type JsonValue } from "walkback";
import type * as z from "zod";

export function aContract<Schema extends z.ZodType>(schema: Schema): Contract<"test.answer", Schema> {
  return defineContract({ name: "test.answer", version: 1, schema });
}

const ajv = new Ajv2020({ strict: false, validateFormats: false });

/** Whether a document fits a JSON Schema. */
export function validatorOf(schema: JsonObject): (document: JsonValue) => boolean {
  return ajv.compile(schema);
}

/** What the provider's own library makes of a schema before it sends it: throws for what strict mode does not have. */
export function byTheProvider(schema: JsonObject): unknown {
  const adapter = createRequire(import.meta.url).resolve("@langchain/openai");
  const library = createRequire(adapter)("openai/lib/transform") as { toStrictJsonSchema(schema: unknown): unknown };
  return library.toStrictJsonSchema(schema);
}
