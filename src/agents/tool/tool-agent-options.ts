import * as z from "zod";
import { optionInvalid } from "../../contracts/failure.js";
import { checkCall } from "../../limits/check-options.js";
import { ROUTES } from "./ending.js";
import type { Tool } from "./tool.js";

const aFunction = z.custom<(...args: never[]) => unknown>((value) => typeof value === "function", "must be a function");
const aModel = z.custom(
  (value) => typeof value === "object" && value !== null && "ask" in value && "available" in value,
  "must be a ChatModel, such as openAIModel gives",
);
const aTool = z.custom<Tool>(
  (value) => typeof value === "object" && value !== null && "parameters" in value && ("run" in value || "effect" in value),
  "must be made by defineTool, effectTool or sandboxTool",
);
const count = z.int("must be a whole number").min(1, "must be 1 or more").optional();
const route = z.enum(ROUTES).optional();

const ToolAgentOptions = z.strictObject({
  name: z.string("must name the tier"),
  model: aModel,
  instructions: z.string("must be fixed text; what changes belongs into input"),
  tools: z.array(aTool, "must be a list of tools"),
  input: aFunction.optional(),
  output: aFunction,
  consumes: z.unknown().optional(),
  produces: z.unknown().optional(),
  limits: z.unknown().optional(),
  onPartial: route,
  onBlocked: route,
  steps: count,
  maxTokens: count,
  maxOutputTokens: count,
  resultChars: count,
  repeats: z.int("must be a whole number").min(0, "must be 0 or more").optional(),
});

/** What the types cannot say to everyone. Throws `OPTION_INVALID`. */
export function checkToolAgent(definition: unknown): void {
  checkCall(ToolAgentOptions, "toolAgent", definition);
  const names = (definition as { readonly tools: readonly Tool[] }).tools.map(({ name }) => name); // checked just now
  const twice = names.find((name, index) => names.indexOf(name) < index);
  if (twice !== undefined) throw optionInvalid("tools", `has two called "${twice}"`);
}
