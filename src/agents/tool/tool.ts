import * as z from "zod";
import { messageOf, ToolInvalid } from "../../contracts/failure.js";
import type { JsonObject, JsonValue } from "../../contracts/json-value.js";
import type { Effect } from "../effect.js";
import type { Resources } from "./out-of-resources.js";

/** What a tool is given besides its arguments. */
export interface ToolContext<Given = Readonly<Record<string, unknown>>> {
  /** What the agent works on. */
  readonly inputs: Given;
  /** Aborted when this attempt is over. Pass it on. */
  readonly signal: AbortSignal;
  /** The rung of its ladder that this call is on; undefined for a tool without one. */
  readonly resources: Resources | undefined;
  /** What an earlier call answered, in full. The agent is told when there is no such handle. */
  resultOf(handle: string): JsonValue;
}

interface Described {
  readonly name: string;
  readonly description: string;
  readonly args: z.ZodObject;
  /** JSON Schema of the arguments. */
  readonly parameters: JsonObject;
}

/** A tool that changes nothing outside: it is run once for the same arguments, and its result is recorded. */
export interface PlainTool<Result = unknown> extends Described {
  readonly effect?: undefined;
  /** What a call may use, the least first. */
  readonly ladder?: readonly Resources[] | undefined;
  run(args: Readonly<Record<string, unknown>>, context: ToolContext): Promise<Result>;
}

/** A tool that is one of the agent's effects, under that effect's business identity. */
export interface EffectTool<Receipt = unknown> extends Described {
  readonly effect: Effect<string, never, Receipt>;
  readonly ladder?: undefined;
  toArgs(args: Readonly<Record<string, unknown>>, context: ToolContext): unknown;
}

/** What a model may call. */
export type Tool<Result = unknown> = PlainTool<Result> | EffectTool<Result>;

export interface ToolDefinition<Args extends z.ZodObject, Given, Result> {
  /** Lower case letters, digits, `-` and `_`; handles are made of it. */
  readonly name: string;
  readonly description: string;
  /** What the model has to give; anything else is answered with what is wrong, and not run. */
  readonly args: Args;
  /**
   * What a call may use, the least first. A call that throws `OutOfResources` is told to the model, and the next one is on the
   * rung above; after the last rung a human is asked.
   */
  readonly ladder?: readonly Resources[];
  /** Comes back with plain JSON. What it throws is told to the model, unless trying again may help. */
  run(args: z.output<Args>, context: ToolContext<Given>): Promise<Result>;
}

/** Defines a tool without side effects. Throws `TOOL_INVALID` and says what to change. */
export function defineTool<Args extends z.ZodObject, Result, Given = Readonly<Record<string, unknown>>>(
  definition: ToolDefinition<Args, Given, Result>,
): PlainTool<Result> {
  const { name, ladder, run } = definition;
  const described = describe(definition);
  if (typeof run !== "function") throw invalid(name, "it has no run");
  const wrong = ladder && ladderProblem(ladder);
  if (wrong !== undefined) throw invalid(name, wrong);
  if (ladder && "memoryMb" in definition.args.shape) throw invalid(name, "its argument memoryMb is the one by which a rung is asked for");
  return Object.freeze({ ...definition, ...described } as unknown as PlainTool<Result>); // its arguments are checked by the schema they are typed by
}

type EffectMapping<Args extends z.ZodObject, EffectArgs, Given> = (args: z.output<Args>, context: ToolContext<Given>) => EffectArgs;

export type EffectToolDefinition<Args extends z.ZodObject, EffectArgs, Receipt, Given> = {
  /** The effect's when left out. */
  readonly name?: string;
  readonly effect: Effect<string, EffectArgs, Receipt>;
  readonly description: string;
  /** What the model has to give. */
  readonly args: Args;
} & (
  | { /** Makes the effect's arguments from the model's and the agent's inputs. */ readonly toArgs: EffectMapping<Args, EffectArgs, Given> }
  | (z.output<Args> extends EffectArgs ? { readonly toArgs?: undefined } : never)
);

/** Lets a model perform one of the agent's effects. Throws `TOOL_INVALID` and says what to change. */
export function effectTool<Args extends z.ZodObject, EffectArgs, Receipt, Given = Readonly<Record<string, unknown>>>(
  definition: EffectToolDefinition<Args, EffectArgs, Receipt, Given>,
): EffectTool<Receipt> {
  const { effect, toArgs = (args: unknown) => args } = definition;
  if (typeof effect?.perform !== "function") throw invalid(definition.name ?? "", "it has no effect; give it one that defineEffect made");
  const described = describe({ ...definition, name: definition.name ?? effect.name });
  return Object.freeze({ ...described, effect, toArgs } as unknown as EffectTool<Receipt>); // as above
}

/** By which an agent with tools ends its work. */
export const FINISH = "finish";

const TOOL_NAME = /^[a-z][a-z0-9_-]{0,63}$/;

function describe({
  name,
  description,
  args,
}: Pick<ToolDefinition<z.ZodObject, never, unknown>, "name" | "description" | "args">): Described {
  if (typeof name !== "string" || !TOOL_NAME.test(name))
    throw invalid(name, "its name must be at most 64 lower case letters, digits, dashes and underscores");
  if (name === FINISH) throw invalid(name, `"${FINISH}" is how the agent ends its work`);
  if (typeof description !== "string" || description.trim() === "") throw invalid(name, "it has no description; the model goes by it");
  if (!(args instanceof z.ZodObject)) throw invalid(name, "its args must be a z.object of what the model has to give");
  const strict = args.strict();
  return { name, description, args: strict, parameters: parametersOf(name, strict) };
}

export function parametersOf(name: string, args: z.ZodObject): JsonObject {
  try {
    const { $schema: _, ...parameters } = z.toJSONSchema(args, { io: "input" });
    return parameters as JsonObject; // a JSON Schema is plain JSON
  } catch (thrown) {
    throw invalid(name, `its arguments cannot be described as JSON Schema: ${messageOf(thrown)}`);
  }
}

function ladderProblem(ladder: readonly Resources[]): string | undefined {
  if (ladder.length === 0) return "its ladder has no rungs; leave it out, or say what a call may use";
  if (ladder.some(({ memoryMb, timeMs }) => !(memoryMb > 0 && timeMs > 0)))
    return "each rung of its ladder needs a positive memoryMb and timeMs";
  const rises = ladder.every((rung, index) => {
    const below = ladder[index - 1];
    return !below || (rung.memoryMb >= below.memoryMb && rung.timeMs >= below.timeMs);
  });
  return rises ? undefined : "a rung of its ladder has less than the one below it";
}

function invalid(tool: string, reason: string): ToolInvalid {
  return new ToolInvalid(`Tool "${tool}" is not valid: ${reason}.`, { tool, reason });
}
