import { Incomplete } from "../../contracts/failure.js";
import type { JsonObject } from "../../contracts/json-value.js";
import type { AgentContext } from "../agent.js";
import type { Completion } from "../completion.js";
import { callModel, mostTokens } from "../model/call-model.js";
import type { ChatModel, ModelMessage, ModelReply, ModelRequest, OfferedTool, ToolCall } from "../model/chat-model.js";
import { judgeReply } from "../model/judge-reply.js";
import { answered, beginConversation, type Conversation, told } from "./conversation.js";
import { type EndingOptions, endingOf } from "./ending.js";
import { readFinish } from "./finish.js";
import { FINISH } from "./tool.js";
import type { Workbench } from "./workbench.js";

export interface LoopOptions extends EndingOptions {
  readonly model: ChatModel;
  readonly offered: readonly OfferedTool[];
  /** How often the model may be asked. */
  readonly steps: number;
  /** Once it has taken more, it is not asked again. */
  readonly maxTokens: number;
  readonly maxOutputTokens: number;
}

export interface Loop {
  readonly options: LoopOptions;
  readonly bench: Workbench;
  readonly context: AgentContext;
}

/** How far a loop has come; all of it follows from what is on record. */
interface Progress {
  readonly conversation: Conversation;
  readonly tokens: number;
  /** How often the model wrote prose. */
  readonly prose: number;
  /** Whether it ended early and was told to go on. */
  readonly urged: boolean;
}

type Turn = Progress | { readonly completion: Completion<unknown> };

/** How often prose is answered with a reminder. */
const REMINDERS = 2;
const REMINDER = `Prose is not an answer. Call a tool, or end your work with ${FINISH}.`;
const LAST_TURN = `This is your last turn: call ${FINISH} now, with the status that is true.`;

/**
 * Asks the model and makes the calls that it asks for, until a valid `finish`. All of it goes through the journal: worked
 * again, it makes only the calls that are missing. Throws a `ModelFailure`, `INCOMPLETE` at a limit, and what `finish` asks for.
 */
export async function workLoop(loop: Loop, opening: readonly ModelMessage[]): Promise<Completion<unknown>> {
  const { agent, signal } = loop.context;
  const { offered: tools, maxOutputTokens, steps, maxTokens } = loop.options;
  let progress: Progress = { conversation: beginConversation(opening, { tools, maxOutputTokens }), tokens: 0, prose: 0, urged: false };
  for (let step = 1; step <= steps; step++) {
    signal.throwIfAborted();
    if (progress.tokens > maxTokens) throw incomplete(agent, "tokens", `${progress.tokens} tokens taken where ${maxTokens} are allowed`);
    if (step > 1 && step === steps) progress = tell(progress, LAST_TURN);
    const turn = await takeTurn(loop, progress);
    if ("completion" in turn) return turn.completion;
    progress = turn;
  }
  throw incomplete(agent, "steps", `no valid ${FINISH} in ${steps} answers of the model`);
}

async function takeTurn(loop: Loop, before: Progress): Promise<Turn> {
  const { offered: tools, maxOutputTokens } = loop.options;
  const request: ModelRequest = { messages: before.conversation.messages, tools, maxOutputTokens };
  const reply = await ask(loop, request, before.conversation);
  const tokens = before.tokens + tokensOf(reply, request);
  const progress = { ...before, tokens, conversation: answered(before.conversation, reply) };
  const [first, ...others] = reply.toolCalls;
  if (!first) return remind(loop.context.agent, progress);
  if (others.length === 0 && first.name === FINISH) return end(loop, progress, first);
  return makeCalls(loop, progress, reply.toolCalls);
}

async function ask({ options: { model }, context }: Loop, request: ModelRequest, { asked }: Conversation): Promise<ModelReply> {
  const reply = await callModel(context, model, request, asked);
  const failure = judgeReply(request, reply, model);
  if (failure && failure.code !== "MODEL_PROSE") throw failure;
  return reply;
}

/** By the provider's count; where it has none, the most that it can have been. */
function tokensOf({ usage }: ModelReply, request: ModelRequest): number {
  const { inputTokens, outputTokens } = usage ?? mostTokens(request);
  return inputTokens + outputTokens;
}

function remind(agent: string, progress: Progress): Progress {
  const prose = progress.prose + 1;
  if (prose > REMINDERS) throw incomplete(agent, "prose", `prose in place of a tool call ${prose} times`);
  return { ...tell(progress, REMINDER), prose };
}

function end({ options, bench, context }: Loop, progress: Progress, call: ToolCall): Turn {
  const read = readFinish(call, bench.results.has);
  if ("error" in read) return answer(progress, call, read);
  const { finish } = read;
  const resultOf = bench.results.among(finish.handles);
  const ending = endingOf(finish, options, { agent: context.agent, resultOf, urged: progress.urged });
  if ("completion" in ending) return ending;
  return "urge" in ending ? { ...answer(progress, call, { error: ending.urge }), urged: true } : answer(progress, call, ending);
}

/** One after the other, so that a repetition meets the same order; none of them beside a `finish`. */
async function makeCalls({ bench, context }: Loop, progress: Progress, calls: readonly ToolCall[]): Promise<Progress> {
  const { hash } = progress.conversation;
  const ends = calls.some(({ name }) => name === FINISH);
  let next = progress;
  for (const call of calls) {
    context.signal.throwIfAborted();
    const said = ends ? { error: `Nothing was done: ${FINISH} must be called alone.` } : await bench.answer(call, hash);
    next = answer(next, call, said);
  }
  return next;
}

function answer<P extends Progress>(progress: P, { id }: ToolCall, said: JsonObject | { readonly error: string }): P {
  return { ...progress, conversation: told(progress.conversation, { role: "tool", callId: id, text: JSON.stringify(said) }) };
}

function tell(progress: Progress, text: string): Progress {
  return { ...progress, conversation: told(progress.conversation, { role: "user", text }) };
}

function incomplete(agent: string, limit: "prose" | "steps" | "tokens", found: string): Incomplete {
  return new Incomplete(`${agent} did not finish: ${found}.`, { agent, found, limit });
}
