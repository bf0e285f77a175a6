import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { json } from "node:stream/consumers";
import * as z from "zod";
import { type Ledger, type LedgerOptions, openLedger } from "./ledger.js";
import type { SagaAction, SagaOutcome, SagaReport } from "./scenario.js";

export interface LedgerServer extends Ledger, AsyncDisposable {
  readonly url: string;
  /** The last thing the engine said of itself. */
  report(): SagaReport | undefined;
}

interface Reply {
  readonly status: number;
  readonly body: object;
}

const Report = z.object({ remaining: z.array(z.string()) });
const STATUS: Readonly<Record<SagaOutcome, number>> = { done: 200, repeated: 200, refused: 422 };

/**
 * The ledger behind HTTP and JSON, on a free port of this machine.
 *
 * - `POST /perform/STEP` and `POST /undo/STEP`, either with an `Idempotency-Key`: 200 when done, 422 when it is refused
 *   for good
 * - `POST /report` with `{ "remaining": ["B"] }` is what the engine says of itself
 */
export async function ledgerServer(options: LedgerOptions): Promise<LedgerServer> {
  const ledger = openLedger(options);
  let report: SagaReport | undefined;

  async function reply(request: IncomingMessage): Promise<Reply> {
    const [, what = "", step = "", ...rest] = (request.url ?? "").split("/");
    if (request.method !== "POST") return { status: 405, body: { error: "only POST" } };
    if (what === "report" && step === "") {
      const read = Report.safeParse(await json(request).catch(() => undefined));
      report = read.data ?? report;
      return read.success ? { status: 200, body: {} } : { status: 400, body: { error: 'write { "remaining": ["B"] }' } };
    }
    if (!isAction(what) || step === "" || rest.length > 0) return { status: 404, body: { error: "there is no such door" } };
    const outcome = await ledger.take({ action: what, step, key: request.headers["idempotency-key"]?.toString() });
    return { status: STATUS[outcome], body: { step, outcome } };
  }

  const server = createServer(async (request, response) => {
    const { status, body } = await reply(request);
    response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo; // it listens on a port, not on a pipe
  return {
    ...ledger,
    url: `http://127.0.0.1:${port}`,
    report: () => report,
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}

function isAction(word: string): word is SagaAction {
  return word === "perform" || word === "undo";
}
