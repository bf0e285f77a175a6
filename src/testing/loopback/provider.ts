import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { answering, type LoopbackOptions } from "./answering.js";
import { exchange } from "./exchange.js";
import { type LoopbackRequest, type Received, receive } from "./received.js";

export interface LoopbackProvider extends AsyncDisposable {
  /** Where a client finds it: ends in `/v1`. */
  readonly url: string;
  /** What a program needs in its environment to ask this provider, also one in a process of its own. */
  readonly environment: { readonly OPENAI_BASE_URL: string; readonly OPENAI_API_KEY: string };
  /** All that came, in order, refused requests included. */
  readonly requests: readonly LoopbackRequest[];
  /**
   * Throws `ScriptMismatch` when something came that the script does not have, or something in it was not asked for; and
   * what a function threw instead of answering, or why its answer could not be sent.
   */
  assertConsumed(): void;
  /** Breaks off what is under way, then throws what `assertConsumed` throws. So does the end of an `await using`. */
  close(): Promise<void>;
}

/**
 * A provider of chat completions on 127.0.0.1, for tests of everything between an agent and the wire: it checks requests
 * as a provider does, answers from a script, recordings or a function, as JSON or as a stream, well or with a fault.
 */
export async function loopbackProvider(options: LoopbackOptions): Promise<LoopbackProvider> {
  const script = answering(options);
  const requests: Received[] = [];
  const ends: Promise<void>[] = [];
  let closed = false;

  const serve = async (incoming: IncomingMessage, response: ServerResponse) => {
    const arrived = await receive(incoming);
    const received = { number: requests.length + 1, ...arrived };
    requests.push(received);
    await exchange(received, response, script, () => closed);
  };
  const server = createServer((incoming, response) => {
    ends.push(new Promise((resolve) => response.once("close", resolve)));
    serve(incoming, response).catch((thrown) => {
      if (!response.destroyed) script.failed(thrown); // otherwise the client went away: in the middle of its request, or of its wait
      response.destroy();
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`; // a server on a port has an address of this form

  const close = async () => {
    closed = true;
    const over = new Promise((resolve) => server.close(resolve));
    server.closeAllConnections();
    await Promise.all([over, ...ends]);
    script.assertConsumed();
  };
  return {
    url,
    environment: { OPENAI_BASE_URL: url, OPENAI_API_KEY: options.apiKey ?? "loopback" },
    requests,
    assertConsumed: script.assertConsumed,
    close,
    [Symbol.asyncDispose]: async () => {
      if (!closed) await close();
    },
  };
}
