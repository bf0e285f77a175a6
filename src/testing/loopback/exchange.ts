import type { ServerResponse } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import type { Answering } from "./answering.js";
import type { Received } from "./received.js";
import type { WireAnswer } from "./wire-answer.js";

/** Answers one request, as far as its answer goes, and notes when the client went away before that. */
export async function exchange(received: Received, response: ServerResponse, script: Answering, closing: () => boolean): Promise<void> {
  const over = new AbortController();
  let broken = false;
  const gone = () => {
    received.hungUp = !response.writableFinished && !broken && !closing();
    over.abort();
  };
  if (response.destroyed) gone();
  else response.once("close", gone);
  const { sent, delayMs } = await script.answer(received);
  if (delayMs > 0) await delay(delayMs, undefined, { signal: over.signal });
  broken = sent.ends === "reset";
  await send(response, sent);
}

async function send(response: ServerResponse, { status, headers, pieces, ends, headless = false }: WireAnswer): Promise<void> {
  const gone = new Promise<void>((resolve) => response.once("close", resolve));
  if (!headless && !response.destroyed) response.writeHead(status, headers).flushHeaders();
  for (const piece of pieces) {
    if (response.destroyed) return;
    await Promise.race([written(response, piece), gone]);
  }
  if (ends === undefined) response.end();
  if (ends !== "reset") return;
  if (!headless) await delay(READ_MS);
  response.socket?.resetAndDestroy();
}

/** Leaves the client the time to read what there is: a reset may take it away. */
const READ_MS = 30;

/** Resolves when the piece has left this process, so that what breaks afterwards does not take it back. */
function written(response: ServerResponse, piece: string): Promise<void> {
  return new Promise((resolve) => {
    response.write(piece, () => resolve());
  });
}
