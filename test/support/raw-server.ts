import { once } from "node:events";
import { createServer, type IncomingHttpHeaders, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";
import { setTimeout } from "node:timers/promises";
import { promisify } from "node:util";

/** An answer as bytes, in the pieces in which they are sent. */
export interface RawAnswer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly pieces: readonly Uint8Array[];
  /** How long each piece waits for the next (default: not at all). */
  readonly everyMs?: number;
  /** What happens after the last piece (default: the answer ends). */
  readonly ending?: "reset" | "silence";
}

export interface RawRequest {
  readonly headers: IncomingHttpHeaders;
  readonly body: Readonly<Record<string, unknown>>;
}

export interface RawServer extends AsyncDisposable {
  readonly url: string;
  readonly requests: readonly RawRequest[];
  /** What is answered from now on. */
  answer(answer: RawAnswer | string): void;
  /** How often a client went away before its answer had ended. */
  readonly hungUp: number;
  /** How many connections there are. */
  connections(): Promise<number>;
}

/** A server on loopback that sends any bytes at all, with a body that need not be one of any protocol. */
export async function rawServer(first: RawAnswer | string = ""): Promise<RawServer> {
  const requests: RawRequest[] = [];
  let next = first;
  let hungUp = 0;
  const server = createServer(async (incoming, response) => {
    const answer: RawAnswer = typeof next === "string" ? { pieces: [Buffer.from(next)] } : next;
    requests.push({ headers: incoming.headers, body: JSON.parse((await buffer(incoming)).toString()) });
    response.once("close", () => {
      if (!response.writableFinished && answer.ending !== "reset") hungUp++;
    });
    await send(response, answer);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`, // a server on a port has an address of this form
    requests,
    answer: (answer) => {
      next = answer;
    },
    get hungUp() {
      return hungUp;
    },
    connections: () => promisify(server.getConnections.bind(server))(),
    [Symbol.asyncDispose]: async () => {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

async function send(response: ServerResponse, { status = 200, headers = {}, pieces, everyMs, ending }: RawAnswer): Promise<void> {
  response.writeHead(status, headers).flushHeaders();
  for (const piece of pieces) {
    if (response.destroyed) return;
    await new Promise((resolve) => response.write(piece, resolve));
    if (everyMs !== undefined) await setTimeout(everyMs);
  }
  if (ending === undefined) response.end();
  if (ending === "reset") response.socket?.resetAndDestroy();
}
