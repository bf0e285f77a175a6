import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { type AddressInfo, isIPv6 } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { bankDesk, Complaint, type Reply, type Request } from "./bank-desk.js";
import type { SqliteBank } from "./sqlite-bank.js";

export interface BankServerOptions {
  /** Stays open when the server is disposed of. */
  readonly bank: SqliteBank;
  /** 0 for any that is free. */
  readonly port: number;
  readonly host?: string;
}

/** Disposing of it lets calls under way finish for a second, then cuts every connection. */
export interface BankServer extends AsyncDisposable {
  readonly url: string;
}

const MAX_BODY_BYTES = 64 * 1024;
const GRACE_MS = 1_000;

/**
 * A bank behind HTTP and JSON, with no keys and no locks: for tests and demonstrations on this machine.
 *
 * - `POST /books/BOOK/entries` with an `Idempotency-Key` makes an entry, `DELETE /books/BOOK/entries/KEY` takes it back
 * - `GET /books/BOOK/entries/KEY` is the receipt, 404 when the key was never heard of, 410 when it was struck
 * - `GET /books` and `GET /calls` show everything; `PUT`, `GET` and `DELETE /faults` make it misbehave
 *
 * What goes wrong is answered with `{ code, message }`. Rejects when the port is taken.
 */
export async function bankServer({ bank, port, host = "127.0.0.1" }: BankServerOptions): Promise<BankServer> {
  const desk = bankDesk(bank);
  const underway = new Set<Promise<void>>();
  const server = createServer((request, response) => {
    const served = serve(desk, request, response).finally(() => underway.delete(served));
    underway.add(served);
  });
  server.listen(port, host);
  await once(server, "listening");
  return {
    url: urlOf(server, host),
    async [Symbol.asyncDispose]() {
      const closed = once(server, "close");
      server.close();
      await Promise.race([Promise.allSettled(underway), delay(GRACE_MS, undefined, { ref: false })]);
      server.closeAllConnections();
      await closed;
    },
  };
}

function urlOf(server: Server, host: string): string {
  const { port } = server.address() as AddressInfo; // it listens on a port, not on a pipe
  return `http://${isIPv6(host) ? `[${host}]` : host}:${port}`;
}

/** Settles once the answer is out or the caller is gone. Never rejects. */
async function serve(desk: (request: Request) => Promise<Reply>, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const closed = new Promise<void>((resolve) => response.once("close", resolve));
  const reply = await replyTo(desk, request);
  if (reply === "never") return;
  if (reply === "lost") response.destroy();
  else write(response, reply);
  await closed;
}

async function replyTo(desk: (request: Request) => Promise<Reply>, request: IncomingMessage): Promise<Reply> {
  const { method = "", url = "", headers } = request;
  try {
    const body = await bodyOf(request);
    return await desk({ method, path: url.replace(/\?.*$/, ""), idempotencyKey: headers["idempotency-key"]?.toString(), body });
  } catch (thrown) {
    if (!(thrown instanceof Complaint)) return "lost"; // the caller left in the middle of the body
    return { status: thrown.status, body: { code: thrown.code, message: thrown.message } };
  }
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes <= MAX_BODY_BYTES) chunks.push(chunk);
  }
  if (bytes <= MAX_BODY_BYTES) return Buffer.concat(chunks).toString("utf8");
  throw new Complaint(413, "TOO_LARGE", `The body has ${bytes} bytes; ${MAX_BODY_BYTES} are allowed.`);
}

function write(response: ServerResponse, { status, body }: Exclude<Reply, string>): void {
  if (body === undefined) return void response.writeHead(status).end();
  response.writeHead(status, { "content-type": "application/json; charset=utf-8" }).end(`${JSON.stringify(body)}\n`);
}
