import { Client } from "langsmith";
import { isError } from "../../contracts/failure.js";
import type { LangSmithRun } from "./langsmith-run.js";

/** A span to be told for the first time, or anew as a whole. */
export interface Told {
  readonly method: "post" | "patch";
  readonly run: LangSmithRun;
}

/** Why something was not taken, without the address it was sent to; what is transient may be sent again. */
export interface NotTaken {
  readonly reason: string;
  readonly transient: boolean;
}

/** Resolves with undefined once the spans were taken; never rejects. */
export type Send = (batch: readonly Told[], signal: AbortSignal) => Promise<NotTaken | undefined>;

const TIMEOUT_MS = 10_000;
const TRANSIENT = new Set([408, 425, 429, 500, 502, 503, 504]);

/** LangSmith's client knows the endpoint, the key and the format; how it went is told to us and not to the console. */
export function langSmithSend(): Send {
  let outcome: NotTaken | undefined;
  let stop: AbortSignal | undefined;
  const watched: typeof fetch = async (address, init = {}) => {
    const { body, duplex: _, ...request } = init as RequestInit & { duplex?: string };
    try {
      const signal = AbortSignal.any([AbortSignal.timeout(TIMEOUT_MS), ...(stop ? [stop] : [])]);
      const whole = body === undefined || body === null ? null : await new Response(body).arrayBuffer(); // not every host takes streams
      const response = await fetch(address, { ...request, body: whole, signal });
      if (response.ok || response.status === 404) return response;
      await response.body?.cancel();
      if (response.status !== 409) outcome = { reason: `it answered ${response.status}`, transient: TRANSIENT.has(response.status) };
    } catch (thrown) {
      outcome = { reason: reasonOf(thrown), transient: true };
    }
    return new Response("{}", { status: 202 });
  };
  const client = new Client({ omitTracedRuntimeInfo: true, debug: false, disablePromptCache: true, fetchImplementation: watched });

  return async (batch, signal) => {
    [outcome, stop] = [undefined, signal];
    const of = (wanted: Told["method"]) => batch.filter(({ method }) => method === wanted).map(({ run }) => ({ ...run }));
    try {
      await client.multipartIngestRuns({ runCreates: of("post"), runUpdates: of("patch") }).catch((thrown: unknown) => {
        if (!isNotFound(thrown)) throw thrown;
        return client.batchIngestRuns({ runCreates: of("post"), runUpdates: of("patch") }); // an older server
      });
    } catch (thrown) {
      outcome ??= { reason: isNotFound(thrown) ? "it answered 404" : reasonOf(thrown), transient: false };
    }
    return outcome;
  };
}

function isNotFound(thrown: unknown): boolean {
  return isError(thrown) && "status" in thrown && thrown.status === 404;
}

function reasonOf(thrown: unknown): string {
  const cause = isError(thrown) && isError(thrown.cause) ? thrown.cause : thrown;
  if (isError(thrown) && thrown.name === "TimeoutError") return `it did not answer within ${TIMEOUT_MS} ms`;
  if (isError(thrown) && thrown.name === "AbortError") return "it had not answered when there was no more time";
  return isError(cause) && "code" in cause ? `it could not be reached (${String(cause.code)})` : "it could not be reached";
}
