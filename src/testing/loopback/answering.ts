import { isError, messageOf, optionInvalid } from "../../contracts/failure.js";
import { checkLoopbackScript } from "../check-steps.js";
import { type Script, scriptOf } from "../script.js";
import { isRecording, type LoopbackAnswer, type LoopbackFunction, type LoopbackStep, type Question, wireAnswer } from "./answer.js";
import { LOOPBACK_FAULTS, LOOPBACK_STREAM_FAULTS } from "./faults.js";
import { badRequest, errorAnswer, noSuchUrl, notJson, wrongKey } from "./provider-errors.js";
import type { Received } from "./received.js";
import type { WireAnswer } from "./wire-answer.js";
import { modelRequestOf, WireRequest } from "./wire-request.js";

export interface LoopbackOptions {
  /** A script, each step for one request and in this order, or a function that answers all of them. */
  readonly answer: readonly LoopbackStep[] | LoopbackFunction;
  /** The key that each request has to bring; any or none will do when it is left out. */
  readonly apiKey?: string;
}

/** Decides what is sent: without a socket, and once for each request. */
export interface Answering {
  answer(received: Received): Promise<{ readonly sent: WireAnswer; readonly delayMs: number }>;
  /** An answer could not be sent. */
  failed(thrown: unknown): void;
  assertConsumed(): void;
}

export function answering({ answer, apiKey }: LoopbackOptions): Answering {
  checkLoopbackScript(answer, LOOPBACK_FAULTS);
  const script = typeof answer === "function" ? endless(answer) : scriptOf<LoopbackStep>("the loopback provider", answer, expectationOf);
  const failures: unknown[] = [];
  return {
    async answer(received) {
      const read = readRequest(received, apiKey);
      if ("refused" in read) return { sent: read.refused, delayMs: 0 };
      received.asked = read.question.request;
      try {
        const answer = await chosen(script, received, read.question);
        return { sent: wireAnswer(answer, read.question), delayMs: typeof answer === "string" ? 0 : (answer.delayMs ?? 0) };
      } catch (cause) {
        failures.push(cause);
        return { sent: errorAnswer(400, { message: messageOf(cause), code: "script_mismatch" }), delayMs: 0 };
      }
    },
    failed: (thrown) => {
      failures.push(thrown);
    },
    assertConsumed() {
      if (failures.length > 0) throw asError(failures[0]);
      script.assertConsumed();
    },
  };
}

/** One function for all requests: nothing is unexpected, and nothing is left over. */
function endless(answer: LoopbackFunction): Script<LoopbackStep> {
  return { take: () => ({ step: answer, number: 0 }), assertConsumed: () => {} };
}

function expectationOf(step: LoopbackStep) {
  return typeof step === "object" ? step.expect : undefined;
}

async function chosen(script: Script<LoopbackStep>, received: Received, { wire, request }: Question): Promise<LoopbackAnswer> {
  const { step } = script.take(request);
  const answer: LoopbackAnswer = typeof step === "function" ? await step(received) : step;
  if (typeof answer === "string" || isRecording(answer) || answer.fault === undefined) return answer;
  if (!wire.stream && LOOPBACK_STREAM_FAULTS.includes(answer.fault))
    throw optionInvalid("fault", `cannot be ${answer.fault} here: request ${received.number} does not ask for a stream`);
  return answer;
}

/** What a provider looks at before it asks a model. */
function readRequest(received: Received, apiKey: string | undefined): { refused: WireAnswer } | { question: Question } {
  const { method, path, headers, body } = received;
  const { authorization } = headers;
  if (method !== "POST" || path.split("?")[0] !== "/v1/chat/completions") return { refused: noSuchUrl(method, path) };
  if (apiKey !== undefined && authorization !== `Bearer ${apiKey}`) return { refused: wrongKey(String(authorization ?? "")) };
  if (typeof body === "string") return { refused: notJson() };
  const { success, data: wire, error } = WireRequest.safeParse(body, { reportInput: true });
  return success ? { question: { wire, request: modelRequestOf(wire), received } } : { refused: badRequest(error.issues) };
}

const asError = (thrown: unknown): Error => (isError(thrown) ? thrown : new Error(messageOf(thrown)));
