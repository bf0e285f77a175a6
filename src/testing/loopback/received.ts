import type { IncomingMessage } from "node:http";
import { buffer } from "node:stream/consumers";
import type { ModelRequest } from "../../agents/model/chat-model.js";

/** A request as it came, good or not. */
export interface LoopbackRequest {
  /** From 1, in the order in which they were there as a whole. */
  readonly number: number;
  readonly at: Date;
  readonly method: string;
  readonly path: string;
  /** By their names in lower case. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  /** Parsed; the text itself when it is no JSON. */
  readonly body: unknown;
  /** What a scripted model would be asked; left out for a request that is refused. */
  readonly asked?: ModelRequest;
  /** The client went away before it had the whole answer. */
  readonly hungUp: boolean;
}

/** The same while it is under way. */
export type Received = { -readonly [Key in keyof LoopbackRequest]: LoopbackRequest[Key] };

export async function receive(incoming: IncomingMessage): Promise<Omit<Received, "number">> {
  const { method = "", url: path = "", headers } = incoming;
  const at = new Date();
  const body = parsed((await buffer(incoming)).toString("utf8"));
  return { at, method, path, headers, body, hungUp: false };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
