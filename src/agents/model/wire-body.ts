import { type AskedModel, ModelDisconnected, ModelMalformed, ModelTooLarge } from "../../contracts/model-failure.js";

/**
 * The text of an answer's body as it arrives. A body that is larger than it may be, breaks off or is no UTF-8 ends in a `ModelFailure`;
 * what nobody reads any more is not sent on: the connection is given up.
 */
export async function* textOf(body: ReadableStream<Uint8Array> | null, maxBytes: number, asked: AskedModel): AsyncGenerator<string> {
  if (body === null) return;
  const decoder = new TextDecoder("utf-8", { fatal: true });
  const decode = (bytes?: Uint8Array) => {
    try {
      return bytes === undefined ? decoder.decode() : decoder.decode(bytes, { stream: true });
    } catch (cause) {
      const reason = "it is no UTF-8";
      throw new ModelMalformed(`The answer of ${asked.model} is no text.`, { ...asked, reason }, { cause, usageUnknown: true });
    }
  };
  let read = 0;
  for await (const bytes of bytesOf(body, asked)) {
    read += bytes.byteLength;
    if (read > maxBytes) throw tooLarge(maxBytes, asked);
    yield decode(bytes);
  }
  yield decode();
}

async function* bytesOf(body: ReadableStream<Uint8Array>, asked: AskedModel): AsyncGenerator<Uint8Array> {
  const reader = body.getReader();
  try {
    for (;;) {
      const { done, value } = await nextOf(reader, asked);
      if (done) return;
      yield value;
    }
  } finally {
    reader.cancel().catch(() => {}); // of no effect on what has ended or broken off
  }
}

async function nextOf(reader: ReadableStreamDefaultReader<Uint8Array>, asked: AskedModel) {
  try {
    return await reader.read();
  } catch (cause) {
    throw new ModelDisconnected(`The connection to ${asked.provider} broke off within the answer.`, asked, { cause, usageUnknown: true });
  }
}

function tooLarge(maxBytes: number, asked: AskedModel): ModelTooLarge {
  const message = `The answer of ${asked.model} is larger than ${maxBytes} bytes; the rest was not read. Raise maxAnswerBytes if it may be.`;
  return new ModelTooLarge(message, { ...asked, maxBytes }, { usageUnknown: true });
}
