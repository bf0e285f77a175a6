import { Incomplete } from "../../contracts/failure.js";
import { hashOf } from "../../contracts/json.js";
import type { JsonObject, JsonValue } from "../../contracts/json-value.js";
import type { AgentContext } from "../agent.js";
import type { ToolCall } from "../model/chat-model.js";
import { ASKED_MEMORY, type Rung, rungFor, rungsAbove } from "./ladder.js";
import { needsMore, type OutOfResources, outOfResources } from "./out-of-resources.js";
import { checkArguments, readArguments, type Unreadable } from "./read-call.js";
import { beginningOf, createResults, type Results } from "./results.js";
import { runTool } from "./run-tool.js";
import type { Tool } from "./tool.js";

export interface WorkbenchOptions {
  readonly tools: readonly Tool[];
  /** How often an identical call is answered with the first answer. */
  readonly repeats: number;
  /** A longer result is cut for the model. */
  readonly resultChars: number;
}

/** Where an agent's tools are used, once for the same call, and their results kept. */
export interface Workbench {
  readonly results: Results;
  /** Makes one call; `after` names the conversation up to it. Comes back with what the model is told, an error included. */
  answer(call: ToolCall, after: string): Promise<JsonObject>;
}

/** A call that can be made. */
interface Job {
  readonly tool: Tool;
  readonly raw: JsonObject;
  readonly args: Readonly<Record<string, unknown>>;
  readonly rung: Rung;
}

/** How far the calls of a tool have climbed its ladder. */
interface Climb {
  /** The rung on which the next call is. */
  readonly floor: number;
  readonly tried: readonly OutOfResources[];
}

interface Answer {
  readonly told: JsonObject;
  times: number;
}

export function createWorkbench(
  { tools, repeats, resultChars }: WorkbenchOptions,
  inputs: Readonly<Record<string, unknown>>,
  context: AgentContext,
): Workbench {
  const results = createResults(tools);
  const answers = new Map<string, Answer>();
  const climbs = new Map<string, Climb>();

  async function answer(call: ToolCall, after: string): Promise<JsonObject> {
    const job = readJob(call, tools, climbs);
    if ("error" in job) return { ...job };
    const key = hashOf([job.tool.name, job.raw, job.rung.index]);
    const known = answers.get(key);
    if (known) return again(known, job.tool.name);
    const told = await work(job, after);
    answers.set(key, { told, times: 1 });
    return told;
  }

  function again(known: Answer, tool: string): JsonObject {
    known.times += 1;
    if (known.times > repeats + 1) throw repeatedTooOften(context.agent, tool, known.times);
    return { ...known.told, repeated: "You made this very call before. It was not made again; this is what it answered then." };
  }

  async function work({ tool, raw, args, rung }: Job, after: string): Promise<JsonObject> {
    const site = { inputs, signal: context.signal, resources: rung.resources, resultOf: (handle: string) => results.among()(handle) };
    const outcome = await runTool({ tool, raw, args, after, site }, context);
    if ("outOf" in outcome) return climb(tool, rung, outcome.outOf);
    if ("error" in outcome) return { ...outcome, error: beginningOf(outcome.error, resultChars) };
    return tellResult(results.keep(tool.name, outcome.result), outcome.result, resultChars);
  }

  /** The next call of the tool is on the next rung; after the last one only a human can help. */
  function climb({ name, ladder = [] }: Tool, { index }: Rung, { resource, had }: OutOfResources["details"]): JsonObject {
    const above = rungsAbove(ladder, index, had);
    const failure = outOfResources(resource, had, above.length > 0 ? above : null);
    const tried = [...(climbs.get(name)?.tried ?? []), failure];
    if (above.length === 0) throw needsMore(context.agent, tried);
    climbs.set(name, { floor: ladder.length - above.length, tried });
    const note = `The next call of ${name} has the first of mayAskFor. Ask for more with ${ASKED_MEMORY}, or make the work smaller.`;
    return { error: failure.message, code: failure.code, ...failure.toJSON().details, note };
  }

  return { results, answer };
}

/** Checks a call as the model wrote it. */
function readJob(call: ToolCall, tools: readonly Tool[], climbs: ReadonlyMap<string, Climb>): Job | Unreadable {
  const tool = tools.find(({ name }) => name === call.name);
  if (!tool) return { error: `There is no tool called ${JSON.stringify(beginningOf(call.name, 64))}.` };
  const read = readArguments(call);
  if ("error" in read) return read;
  const { raw } = read;
  const { asked, own } = tool.ladder ? takeAsked(raw) : { asked: undefined, own: raw };
  const checked = checkArguments(tool.args, own);
  if ("error" in checked) return checked;
  const rung = rungFor(tool.ladder, climbs.get(tool.name)?.floor ?? 0, asked);
  return typeof rung === "string" ? { error: rung } : { tool, raw, args: checked.args, rung };
}

function takeAsked({ [ASKED_MEMORY]: asked, ...own }: JsonObject): { readonly asked: unknown; readonly own: JsonObject } {
  return { asked, own };
}

/** The full result stays under its handle. */
function tellResult(handle: string, result: JsonValue, maxChars: number): JsonObject {
  const text = JSON.stringify(result);
  if (text.length <= maxChars) return { handle, result };
  const note = `The result has ${text.length} characters; only its beginning is shown. All of it stays under ${handle}.`;
  return { handle, beginning: beginningOf(text, maxChars), note };
}

function repeatedTooOften(agent: string, tool: string, times: number): Incomplete {
  const found = `the same call of ${tool} ${times} times`;
  return new Incomplete(`${agent} made ${found} and did not finish.`, { agent, found, limit: "repeats" });
}
