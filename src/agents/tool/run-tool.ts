import { type FailureCode, isWalkbackError, messageOf } from "../../contracts/failure.js";
import { seal } from "../../contracts/json.js";
import type { JsonObject, JsonValue } from "../../contracts/json-value.js";
import { errorOf } from "../../limits/classify.js";
import type { AgentContext } from "../agent.js";
import { MAX_RECORDED_BYTES } from "../record.js";
import { OutOfResources } from "./out-of-resources.js";
import { beginningOf } from "./results.js";
import type { EffectTool, PlainTool, Tool, ToolContext } from "./tool.js";

/** One call that can be made. */
export interface ToolRun {
  readonly tool: Tool;
  /** As the model wrote them; with `after` they name the call. */
  readonly raw: JsonObject;
  /** As the tool's schema has them. */
  readonly args: Readonly<Record<string, unknown>>;
  /** Names the conversation up to the call. */
  readonly after: string;
  readonly site: ToolContext;
}

/** For the model to read: what went wrong. */
export type ToolError = { readonly error: string; readonly code?: FailureCode; readonly askedBefore?: JsonValue };

/** What a call came to: plain JSON, for it is put on record. */
export type Outcome = { readonly result: JsonValue } | ToolError | { readonly outOf: OutOfResources["details"] };

type Performed = { readonly performed: true } | ToolError;

/**
 * Makes a call, or answers it from the record. Rejects with what is not the model's business: what may go well when it is tried
 * again, and whatever comes once the attempt is over.
 */
export function runTool(run: ToolRun, context: AgentContext): Promise<Outcome> {
  const { tool } = run;
  return tool.effect ? performEffect(run, tool, context) : runPlain(run, tool, context);
}

function runPlain({ tool: { name }, raw, args, after, site }: ToolRun, tool: PlainTool, context: AgentContext): Promise<Outcome> {
  const { resources } = site;
  return context.effects.record(`tool ${name}`, { after, args: raw, ...(resources ? { resources } : {}) }, async () => {
    try {
      return withinRecord(await tool.run(args, site));
    } catch (thrown) {
      return toldOf(thrown, tool, context);
    }
  });
}

function withinRecord(result: unknown): Outcome {
  return { result: seal<JsonValue>(result ?? null, MAX_RECORDED_BYTES).data };
}

function toldOf(thrown: unknown, tool: PlainTool, { agent, signal }: AgentContext): Outcome {
  if (signal.aborted) throw thrown;
  const failure = isWalkbackError(thrown) ? thrown : errorOf(agent, thrown);
  if (failure.retryable || failure.code === "NOT_PLAIN_JSON") throw failure;
  if (thrown instanceof OutOfResources && tool.ladder) return { outOf: thrown.details };
  return { error: saidBy(thrown), ...(isWalkbackError(thrown) ? { code: thrown.code } : {}) };
}

const MOST_SAID = 16_000;

/** Fit for a record: a message may quote what came from outside, however long or broken. */
function saidBy(thrown: unknown): string {
  return beginningOf(messageOf(thrown).toWellFormed(), MOST_SAID);
}

/**
 * What the model is told of an effect that was refused is on record, too: neither a resumed loop nor a replay sends it again.
 * The receipt comes from the effect's own record.
 */
async function performEffect(
  { tool: { name }, raw, args, after, site }: ToolRun,
  tool: EffectTool,
  context: AgentContext,
): Promise<Outcome> {
  const { effects } = context;
  let effectArgs: unknown;
  try {
    effectArgs = tool.toArgs(args, site);
  } catch (thrown) {
    return { error: saidBy(thrown) };
  }
  const perform = async () => (await effects.perform(tool.effect.name, effectArgs)) as JsonValue; // a receipt is on record
  const performed = await effects.record(`tool ${name}`, { after, args: raw }, async (): Promise<Performed> => {
    try {
      await perform();
      return { performed: true };
    } catch (thrown) {
      return refusedOf(thrown, tool, context);
    }
  });
  return "error" in performed ? performed : { result: await perform() };
}

function refusedOf(thrown: unknown, tool: EffectTool, { signal }: AgentContext): ToolError {
  if (signal.aborted || !isWalkbackError(thrown)) throw thrown;
  if (thrown.code === "EFFECT_REFUSED") return { code: thrown.code, error: saidBy(thrown) };
  if (thrown.code !== "CONFLICTING_INTENT") throw thrown;
  const { recorded } = thrown.details as { readonly recorded: JsonValue }; // as its class has them
  const error = `${tool.name} was asked for before with other arguments, and is done at most once. It was not done again.`;
  return { code: thrown.code, error, askedBefore: recorded };
}
