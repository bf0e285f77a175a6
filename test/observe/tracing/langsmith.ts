import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { vi } from "vitest";

/** A span as LangSmith has it after all that was sent about it. */
export interface Received {
  readonly id: string;
  readonly trace_id: string;
  readonly parent_run_id?: string;
  readonly dotted_order: string;
  readonly session_name: string;
  readonly name: string;
  readonly run_type: string;
  readonly start_time: string;
  readonly end_time?: string;
  readonly error?: string;
  readonly inputs: Record<string, unknown>;
  readonly outputs?: Record<string, unknown>;
  readonly tags: readonly string[];
  readonly extra: { readonly metadata: Record<string, unknown> };
}

export interface LangSmithServer extends AsyncDisposable {
  readonly url: string;
  /** Method, address, headers and body of each request, as they came. */
  readonly requests: readonly string[];
  readonly posted: readonly string[];
  spans(): readonly Received[];
  span(name: string): Received;
  childrenOf(parent: Received): readonly Received[];
}

export type Answering = (request: IncomingMessage, response: ServerResponse, body: string) => void;

const takes: Answering = (_, response) => response.writeHead(202, { "content-type": "application/json" }).end("{}");

/** As much of LangSmith as takes spans, on this machine. */
export async function aLangSmith(answer: Answering = takes): Promise<LangSmithServer> {
  const requests: string[] = [];
  const posted: string[] = [];
  const spans = new Map<string, Record<string, unknown>>();
  const server = createServer(async (request, response) => {
    const body = await text(request);
    requests.push(`${request.method} ${request.url}\n${JSON.stringify(request.headers)}\n${body}`);
    if (request.url === "/runs/multipart") for (const part of partsOf(body)) take(part);
    if (request.url === "/runs/batch") for (const part of batchOf(body)) take(part);
    answer(request, response, body);
  }).listen(0, "127.0.0.1");
  const take = ({ method, id, field, value }: Part) => {
    if (method === "post" && field === undefined) posted.push(id);
    spans.set(id, { ...spans.get(id), ...(field === undefined ? (value as object) : { [field]: value }) });
  };
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const all = () => [...spans.values()] as unknown as Received[];
  return {
    url: `http://127.0.0.1:${port}`,
    requests,
    posted,
    spans: all,
    span(name) {
      const found = all().find((each) => each.name === name);
      if (!found) throw new Error(`No span ${name} among ${all().map((each) => each.name)}.`);
      return found;
    },
    childrenOf: ({ id }) =>
      all()
        .filter(({ parent_run_id }) => parent_run_id === id)
        .sort((a, b) => (a.dotted_order < b.dotted_order ? -1 : 1)),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** Sets LangSmith's variables for the test, as a deployment would. */
export function tracingTo(url: string, more: Readonly<Record<string, string>> = {}): void {
  const variables = { LANGSMITH_TRACING: "true", LANGSMITH_API_KEY: "lsv2-test-key-1234567890", LANGSMITH_ENDPOINT: url, ...more };
  for (const [name, value] of Object.entries(variables)) vi.stubEnv(name, value);
}

interface Part {
  readonly method: string;
  readonly id: string;
  readonly field: string | undefined;
  readonly value: unknown;
}

function partsOf(body: string): readonly Part[] {
  const boundary = body.slice(0, body.indexOf("\r\n"));
  return body.split(boundary).flatMap((part) => {
    const [head = "", value] = part.split("\r\n\r\n");
    const [, method = "", id = "", field] = /name="(\w+)\.([\w-]+)(?:\.(\w+))?"/.exec(head) ?? [];
    return value === undefined ? [] : [{ method, id, field, value: JSON.parse(value) as unknown }];
  });
}

function batchOf(body: string): readonly Part[] {
  const batch = JSON.parse(body) as Record<"post" | "patch", readonly { readonly id: string }[]>;
  return (["post", "patch"] as const).flatMap((method) =>
    batch[method].map((value) => ({ method, id: value.id, field: undefined, value })),
  );
}
