import { isError, messageOf } from "../../contracts/failure.js";
import { ModelDisconnected, ModelFailure, ModelMalformed, ModelUnavailable } from "../../contracts/model-failure.js";
import type { ModelReply } from "./chat-model.js";
import { httpFailure } from "./http-failure.js";
import { oneLine } from "./redact.js";
import { readReply } from "./reply-reader.js";
import { textOf } from "./wire-body.js";
import { echoOf } from "./wire-echo.js";
import type { WireSite } from "./wire-site.js";

/** What became of a question. */
type Outcome = { readonly reply: ModelReply } | { readonly failure: ModelFailure };

interface WatchedFetch {
  readonly fetch: typeof fetch;
  /** Undefined when it was not called. */
  outcome(): Promise<Outcome> | undefined;
}

/**
 * A `fetch` that reads the answer itself. LangChain's reading cannot be relied on: it takes a stream that breaks off for one that ended,
 * a choice without a message for an empty answer, and loses refusals in streams, so it gets an echo of what was understood here.
 */
export function watchedFetch(site: WireSite, streaming: boolean): WatchedFetch {
  let asked: Promise<Outcome> | undefined;
  return {
    async fetch(url, init) {
      asked = exchange(url, init, site).then(
        (reply) => ({ reply }),
        (thrown: unknown) => ({ failure: failureOf(thrown, site) }),
      );
      const outcome = await asked;
      if ("failure" in outcome) throw outcome.failure;
      return echoOf(outcome.reply, streaming);
    },
    outcome: () => asked,
  };
}

/** Nobody waits for the answer any more. Once the question is on its way, what it takes is not known. */
export function givenUp({ asked, signal }: Pick<WireSite, "asked" | "signal">, sent: boolean): ModelDisconnected {
  const message = `The question to ${asked.model} was given up before there was an answer.`;
  return new ModelDisconnected(message, asked, { cause: signal.reason, usageUnknown: sent });
}

async function exchange(url: Parameters<typeof fetch>[0], init: RequestInit | undefined, site: WireSite): Promise<ModelReply> {
  // A redirect would carry the question to a place that nobody named.
  const response = await fetch(url, { ...init, redirect: "manual" }).catch((thrown: unknown) => {
    throw unreached(thrown, site);
  });
  if (!response.ok) throw httpFailure(response, await errorBody(response, site), site);
  const reply = await readReply(textOf(response.body, site.maxAnswerBytes, site.asked), site);
  return withoutSecrets({ ...reply, requestId: response.headers.get("x-request-id") ?? reply.requestId }, site);
}

/** As much of it as can be read. */
async function errorBody({ body }: Response, { asked }: WireSite): Promise<string> {
  let text = "";
  try {
    for await (const piece of textOf(body, MAX_ERROR_BYTES, asked)) text += piece;
  } catch {
    // The status says what matters.
  }
  return text;
}

const MAX_ERROR_BYTES = 64 * 1024;

function withoutSecrets(reply: ModelReply, { redact }: WireSite): ModelReply {
  const clean = (text: string | null) => text && redact.text(text);
  return {
    text: clean(reply.text),
    refusal: clean(reply.refusal),
    toolCalls: reply.toolCalls.map((call) => ({
      id: redact.text(call.id),
      name: redact.text(call.name),
      arguments: redact.text(call.arguments),
    })),
    finishReason: clean(reply.finishReason),
    usage: reply.usage,
    model: clean(reply.model),
    requestId: clean(reply.requestId),
  };
}

function failureOf(thrown: unknown, site: WireSite): ModelFailure {
  const failure = thrown instanceof ModelFailure ? thrown : unreadable(thrown, site);
  return site.signal.aborted && failure.usageUnknown ? givenUp(site, true) : failure;
}

/** Something in it that this program cannot cope with, like JSON that is nested a million times. */
function unreadable(thrown: unknown, { asked, redact }: WireSite): ModelMalformed {
  const reason = oneLine(redact.error(messageOf(thrown)));
  return new ModelMalformed(`The answer of ${asked.model} could not be read: ${reason}.`, { ...asked, reason }, { usageUnknown: true });
}

function unreached(thrown: unknown, { asked, redact }: WireSite): ModelFailure {
  const { code, message } = beneath(thrown);
  const why = oneLine(redact.error(code ?? message));
  if (code === undefined || NEVER_SENT.has(code)) return new ModelUnavailable(`${asked.provider} cannot be reached: ${why}.`, asked);
  return new ModelDisconnected(`The connection to ${asked.provider} ended before the answer began: ${why}.`, asked, { usageUnknown: true });
}

/** What lies beneath the "fetch failed" of Node's own fetch. */
function beneath(thrown: unknown): { readonly code: string | undefined; readonly message: string } {
  let message = messageOf(thrown);
  for (let current = thrown, depth = 0; isError(current) && depth < 5; current = current.cause, depth++) {
    message = current.message;
    if ("code" in current && typeof current.code === "string") return { code: current.code, message };
    if (current.name === "AbortError" || current.name === "TimeoutError") return { code: current.name, message };
  }
  return { code: undefined, message };
}

/** There was no connection to send the question over. */
const NEVER_SENT: ReadonlySet<string> = new Set([
  "ECONNREFUSED",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ENETDOWN",
  "EADDRNOTAVAIL",
  "UND_ERR_CONNECT_TIMEOUT",
  "DEPTH_ZERO_SELF_SIGNED_CERT",
  "SELF_SIGNED_CERT_IN_CHAIN",
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
  "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
  "CERT_HAS_EXPIRED",
  "ERR_TLS_CERT_ALTNAME_INVALID",
]);
