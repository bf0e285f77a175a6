import { bulkhead, ExponentialBackoff, handleWhen, retry, TaskCancelledError, TimeoutStrategy, timeout, wrap } from "cockatiel";
import { isError } from "../contracts/failure.js";
import type { Alert } from "./alerts.js";
import type { WebhookOptions } from "./limit-options.js";

const TIMEOUT_MS = 5_000;
const RETRIES = 3;
const AT_ONCE = 4;
const MOST_WAITING = 1_000;

export interface Webhook {
  /** Resolves with undefined once the alert was taken, or with the reason why it was not; never rejects. */
  send(alert: Alert, signal: AbortSignal): Promise<string | undefined>;
}

/** Sends alerts as JSON. A reason never holds the address, which may be a secret. */
export function webhook({ url, headers = {} }: WebhookOptions): Webhook {
  const policy = wrap(
    bulkhead(AT_ONCE, MOST_WAITING),
    retry(
      handleWhen((thrown) => !(thrown instanceof Refused && !thrown.transient)),
      { maxAttempts: RETRIES, backoff: new ExponentialBackoff({ initialDelay: 500, maxDelay: TIMEOUT_MS }) },
    ),
    timeout(TIMEOUT_MS, TimeoutStrategy.Aggressive),
  );
  const post = async (body: string, signal: AbortSignal) => {
    const request = { method: "POST", headers: { "content-type": "application/json", ...headers }, body, signal };
    const response = await fetch(url, request);
    await response.body?.cancel();
    if (!response.ok) throw new Refused(response.status);
  };
  return {
    async send(alert, signal) {
      const body = JSON.stringify(alert);
      try {
        await policy.execute((context) => post(body, context.signal), signal);
        return undefined;
      } catch (thrown) {
        return reasonOf(thrown);
      }
    },
  };
}

class Refused extends Error {
  readonly transient: boolean;

  constructor(status: number) {
    super(`it answered ${status}`);
    this.transient = status >= 500 || status === 408 || status === 429;
  }
}

function reasonOf(thrown: unknown): string {
  if (thrown instanceof Refused) return thrown.message;
  if (thrown instanceof TaskCancelledError) return `it did not answer within ${TIMEOUT_MS} ms`;
  const cause = isError(thrown) && isError(thrown.cause) ? thrown.cause : thrown;
  return isError(cause) && "code" in cause ? `it could not be reached (${String(cause.code)})` : "it could not be reached";
}
