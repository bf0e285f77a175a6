import * as z from "zod";

/** What has these properties, methods among them. */
export function having(keys: readonly string[], message: string): z.ZodType {
  return z.custom((value) => typeof value === "object" && value !== null && keys.every((key) => key in value), message);
}

export const aFunction = z.custom<(...args: never[]) => unknown>((value) => typeof value === "function", "must be a function");

export const aChatModel = having(["provider", "model", "available", "ask"], "must be a ChatModel, such as openAIModel gives");

export const someInstructions = z
  .string("must be fixed text; what changes belongs into input")
  .regex(/\S/, "must say what the model is to do");

export const aCount = z.int("must be a whole number").min(1, "must be 1 or more");
