import * as z from "zod";
import { optionInvalid } from "../../contracts/failure.js";
import { checkCall } from "../../limits/check-options.js";
import { aChatModel, aCount, aFunction, someInstructions } from "../model/option-forms.js";
import { ROUTES } from "./ending.js";
import type { Tool } from "./tool.js";

const aTool = z.custom<Tool>(
  (value) => typeof value === "object" && value !== null && "parameters" in value && ("run" in value || "effect" in value),
  "must be made by defineTool, effectTool or sandboxTool",
);
const count = aCount.optional();
const route = z.enum(ROUTES).optional();

const ToolAgentOptions = z.strictObject({
  name: z.string("must name the tier"),
  model: aChatModel,
  instructions: someInstructions,
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
