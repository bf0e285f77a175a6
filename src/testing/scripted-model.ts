import { setTimeout as delay } from "node:timers/promises";
import type { AskOptions, ChatModel, ModelReply, ModelRequest } from "../agents/model/chat-model.js";
import { checkScript } from "./check-steps.js";
import type { Expectation } from "./expected-request.js";
import { scriptOf } from "./script.js";
import { piecesOf, replyOf, type ScriptedReply } from "./scripted-reply.js";

/** One answer. A text that it has is told in pieces first, also before it throws or hangs. */
export interface ScriptedAnswer extends ScriptedReply {
  /** What the request must look like. */
  readonly expect?: Expectation;
  /** Waits before anything else, or until the signal is aborted. */
  readonly delayMs?: number;
  /** Throws this instead of answering: a `ModelFailure`, say. */
  readonly throws?: unknown;
  /** Never answers: rejects when the signal is aborted. */
  readonly hangs?: boolean;
}

/** A text, an answer, an error to throw, or a function of the request (and of the step's number) that says one of them. */
export type ScriptedStep = string | ScriptedAnswer | Error | ScriptedFunction;
export type ScriptedFunction = (request: ModelRequest, number: number) => ScriptedOutcome | Promise<ScriptedOutcome>;
type ScriptedOutcome = string | Omit<ScriptedAnswer, "expect"> | Error;

export interface ScriptedModelOptions {
  /** `scripted` when left out. Its prices and rate limits hold. */
  readonly provider?: string;
  /** `scripted` when left out. */
  readonly model?: string;
  /** `false` for a model that has no key. */
  readonly available?: boolean;
}

/** A model that answers from a script, in the script's order. */
export interface ScriptedModel extends ChatModel, AsyncDisposable {
  /** All that it was asked, in order. */
  readonly requests: readonly ModelRequest[];
  /** Throws `ScriptMismatch` when it was asked for anything that the script does not have, or was not asked for all that it has. */
  assertConsumed(): void;
}

/**
 * For tests of agents that ask a model. Fails on a request that the script does not expect, and, when it is disposed of
 * (`await using`) or by `assertConsumed()`, on a step that nobody asked for; there also on the unexpected request, since
 * a run makes a failure of what its agents throw. Throws `ScriptMismatch` for both.
 */
export function scriptedModel(steps: readonly ScriptedStep[], options: ScriptedModelOptions = {}): ScriptedModel {
  checkScript(steps);
  const { provider = "scripted", model = "scripted", available = true } = options;
  const script = scriptOf<ScriptedStep>(`the scripted model ${provider}:${model}`, steps, expectationOf);
  const requests: ModelRequest[] = [];
  return {
    provider,
    model,
    requests,
    available: () => available,
    async ask(request, asking) {
      asking.signal.throwIfAborted();
      requests.push(structuredClone(request));
      const { step, number } = script.take(request);
      const outcome = typeof step === "function" ? await step(request, number) : step;
      return answer(outcomeOf(outcome), request, { model, number, ...asking });
    },
    assertConsumed: script.assertConsumed,
    [Symbol.asyncDispose]: async () => script.assertConsumed(),
  };
}

function expectationOf(step: ScriptedStep): Expectation | undefined {
  return typeof step === "object" && !(step instanceof Error) ? step.expect : undefined;
}

function outcomeOf(outcome: ScriptedOutcome): ScriptedAnswer {
  if (typeof outcome === "string") return { text: outcome };
  return outcome instanceof Error ? { throws: outcome } : outcome;
}

type Asking = AskOptions & { readonly model: string; readonly number: number };

async function answer(scripted: ScriptedAnswer, request: ModelRequest, { signal, onText, ...by }: Asking): Promise<ModelReply> {
  signal.throwIfAborted();
  if (scripted.delayMs !== undefined) await delay(scripted.delayMs, undefined, { signal });
  const reply = replyOf(scripted, request, by);
  for (const piece of piecesOf(reply.text ?? "")) {
    onText?.(piece);
    await Promise.resolve();
    signal.throwIfAborted();
  }
  if (scripted.hangs) return aborted(signal);
  if (scripted.throws !== undefined) throw scripted.throws;
  return reply;
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}
