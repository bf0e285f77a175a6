import * as z from "zod";
import { aFunction } from "../agents/model/option-forms.js";
import { checkCall } from "../limits/check-options.js";

/** A step with a word that nobody knows would be a step that says nothing, and a test that cannot fail. */
const any = z.unknown().optional();
const anError = z.instanceof(Error);
const Expected = z.strictObject({ text: any, role: any, instructions: any, tools: any, answer: any }).partial();
const reply = {
  text: any,
  json: any,
  refusal: any,
  toolCalls: z.array(z.strictObject({ name: z.string(), arguments: any, id: z.string().optional() })).optional(),
  truncated: z.boolean().optional(),
  filtered: z.boolean().optional(),
  finishReason: any,
  usage: any,
  model: any,
  requestId: any,
  expect: z.union([aFunction, Expected], "must be a function, or have some of text, role, instructions, tools and answer").optional(),
  delayMs: z.number().min(0).optional(),
};

const ScriptedStep = z.strictObject({ ...reply, throws: any, hangs: z.boolean().optional() }).partial();
const LoopbackStep = (faults: readonly string[]) =>
  z.strictObject({ ...reply, fault: z.enum(faults), headers: any, status: z.int(), body: z.string() }).partial();

/** Throws `OPTION_INVALID` about the first step that is none. */
export function checkScript(steps: unknown): void {
  checkEach("scriptedModel", steps, ScriptedStep);
}

/** Throws `OPTION_INVALID` about the first step that is none; a function is asked when its turn has come. */
export function checkLoopbackScript(steps: unknown, faults: readonly string[]): void {
  if (typeof steps !== "function") checkEach("loopbackProvider", steps, LoopbackStep(faults));
}

function checkEach(what: string, steps: unknown, step: z.ZodType): void {
  checkCall(z.array(any, "must be a list of steps"), `the script of ${what}`, steps);
  for (const [index, each] of (steps as readonly unknown[]).entries()) {
    if (typeof each === "string" || typeof each === "function" || anError.safeParse(each).success) continue;
    checkCall(step, `step ${index + 1} of ${what}`, each);
  }
}
