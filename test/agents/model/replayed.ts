import type { ModelRequest } from "walkback";
import { loopbackProvider } from "walkback/testing";
import { type Asked, ask } from "./asking.js";
import { type Recording, recordings, requestOf } from "./recordings.js";

export interface Replayed {
  readonly recording: Recording;
  readonly asked: Asked;
}

interface Way {
  /** Those that are asked for; all when left out. */
  readonly some: readonly Recording[];
  request(recording: Recording): ModelRequest;
  stream(recorded: boolean): boolean;
}

/** Asks for every recorded answer, as it was asked for or in another way, several at a time, and gives back what became of it. */
export async function replayed(way: Partial<Way> = {}): Promise<readonly Replayed[]> {
  const { some: all = recordings(), request = requestOf, stream = (recorded) => recorded } = way;
  await using provider = await loopbackProvider({
    answer: ({ asked }) => {
      const recording = all.find(({ id }) => id === asked?.messages[0]?.text);
      if (!recording) throw new Error("Nothing was recorded for this.");
      return recording.response;
    },
  });
  const waiting = [...all];
  const results: Replayed[] = [];
  const worker = async () => {
    for (let recording = waiting.shift(); recording; recording = waiting.shift()) {
      const options = { stream: stream(recording.request.body.stream ?? false), maxAnswerBytes: 64 * 1024 * 1024 };
      results.push({ recording, asked: await ask(provider.url, request(recording), options) });
    }
  };
  await Promise.all([worker(), worker(), worker(), worker()]);
  return results;
}
