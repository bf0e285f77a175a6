import { ModelDisconnected, ModelEmpty, ModelMalformed } from "../../contracts/model-failure.js";
import type { ModelReply } from "./chat-model.js";
import { errorFailure } from "./http-failure.js";
import { jsonOf } from "./json-of.js";
import { type ReplyDraft, replyDraft } from "./reply-draft.js";
import { WireChunk } from "./wire-chunk.js";
import { errorWithin } from "./wire-error.js";
import { eventParser, isDone, type WireEvent } from "./wire-events.js";
import { lostWith, type WireSite } from "./wire-site.js";

/**
 * The reply that a body with status 200 holds: a chat completion or a stream of its pieces, told apart by what stands there, since
 * servers exist that answer the one with the other or do not name its type. Throws a `ModelFailure` for everything else. A stream that
 * ends without `[DONE]` is never an answer, however finished it looks.
 */
export async function readReply(body: AsyncIterable<string>, site: WireSite): Promise<ModelReply> {
  const draft = replyDraft();
  let reader: BodyReader | undefined;
  for await (const piece of withoutLeadingSpace(body)) {
    reader ??= piece.startsWith("{") ? documentReader(draft, site) : eventReader(draft, site);
    if (reader.push(piece) === "done") break;
  }
  reader?.end();
  const reply = draft.finish();
  if (reply === "empty") throw new ModelEmpty(`${site.asked.model} answered with nothing.`, site.asked, lostWith(draft.usage()));
  if ("broken" in reply) throw malformed(reply.broken, draft, site);
  return reply;
}

interface BodyReader {
  push(piece: string): "more" | "done";
  /** The body has ended, or is done. */
  end(): void;
}

function documentReader(draft: ReplyDraft, site: WireSite): BodyReader {
  const pieces: string[] = [];
  return {
    push(piece) {
      pieces.push(piece);
      return "more";
    },
    end() {
      const chunk = chunkOf(pieces.join(""), draft, site);
      if (!chunk.choices || chunk.choices.some(({ delta, message }) => delta && !message))
        throw malformed("it is no chat completion", draft, site);
      draft.add({ ...chunk, choices: chunk.choices.map((choice) => ({ ...choice, delta: null })) }); // some send an empty one beside it
    },
  };
}

function eventReader(draft: ReplyDraft, site: WireSite): BodyReader {
  const parser = eventParser();
  const told = site.redact.pieces(site.onText ?? (() => {}));
  let done = false;

  function take(event: WireEvent): void {
    if (done) return;
    if (isDone(event)) done = true;
    else if ("stray" in event) throw malformed("it is no chat completion", draft, site);
    else if (event.name === "error") throw errorFailure(jsonOf(event.data) ?? event.data, site, lostWith(draft.usage()));
    else if (event.data.trim() !== "")
      // Some servers show with empty data that they are still there.
      told.push(draft.add(chunkOf(event.data, draft, site)));
  }

  return {
    push(piece) {
      parser.push(piece).forEach(take);
      return done ? "done" : "more";
    },
    end() {
      parser.end().forEach(take);
      if (!done)
        throw new ModelDisconnected(`The stream of ${site.asked.model} ended before its end.`, site.asked, lostWith(draft.usage()));
      told.end();
    },
  };
}

function chunkOf(text: string, draft: ReplyDraft, site: WireSite): WireChunk {
  const document = jsonOf(text);
  const { success, data } = WireChunk.safeParse(document);
  const error = errorWithin(document);
  if (error !== undefined) throw errorFailure(error, site, lostWith(data?.usage ?? draft.usage()));
  if (!success) throw malformed(document === undefined ? "it is no JSON" : "it is no chat completion", draft, site);
  return data;
}

function malformed(reason: string, draft: ReplyDraft, { asked }: WireSite): ModelMalformed {
  const message = `${asked.provider} sent what is no answer of ${asked.model}: ${reason}.`;
  return new ModelMalformed(message, { ...asked, reason }, lostWith(draft.usage()));
}

async function* withoutLeadingSpace(body: AsyncIterable<string>): AsyncGenerator<string> {
  let begun = false;
  for await (const piece of body) {
    const rest: string = begun ? piece : piece.trimStart();
    begun ||= rest !== "";
    if (rest !== "") yield rest;
  }
}
