import { describe, expect, test } from "vitest";
import type { ModelReply } from "walkback";
import { type Judged, judgeBody } from "./outside-judge.js";
import { NO_RECORDINGS, type Recording, requestOf } from "./recordings.js";
import { replayed } from "./replayed.js";

const kindOf = ({ toolCalls }: ModelReply, { answer }: ReturnType<typeof requestOf>) =>
  toolCalls.length > 0 ? "calls of tools" : answer ? "JSON" : "text";

describe.skipIf(NO_RECORDINGS)(`recorded answers of real providers${NO_RECORDINGS ? `: ${NO_RECORDINGS}` : ""}`, async () => {
  const results = await replayed();

  test("fall into these classes", () => {
    const table: Record<string, number> = {};
    for (const { recording, asked } of results) {
      const kind = asked.failure?.code ?? (asked.reply ? kindOf(asked.reply, requestOf(recording)) : "neither");
      table[kind] = (table[kind] ?? 0) + 1;
    }

    expect(table).toMatchInlineSnapshot(`
      {
        "JSON": 58,
        "MODEL_AUTHENTICATION": 7,
        "MODEL_BAD_REQUEST": 12,
        "MODEL_CONTEXT_LENGTH": 3,
        "MODEL_EMPTY": 8,
        "MODEL_MALFORMED": 3,
        "MODEL_PROSE": 96,
        "MODEL_REFUSED": 2,
        "MODEL_TRUNCATED": 20,
        "MODEL_UNAVAILABLE": 2,
        "calls of tools": 128,
        "text": 448,
      }
    `);
  });

  test.each(["text", "json", "calls"] as const)(
    "are taken for an answer where an outside judge finds one, and nowhere else: %s",
    (verdict) => {
      const judged = results
        .filter(({ recording: { response } }) => response.status === 200)
        .map((each) => ({ ...each, judged: judgeOf(each.recording) }));
      const own = judged.filter(({ asked, recording }) => asked.reply && OWN[kindOf(asked.reply, requestOf(recording))] === verdict);

      expect(idsOf(own)).toEqual(idsOf(judged.filter((each) => each.judged.verdict === verdict)));
      expect(own.map(({ asked }) => contentOf(asked.reply))).toEqual(own.map((each) => contentIn(each.judged)));
    },
  );

  test("are no answer for the same reason that the outside judge gives", () => {
    const failed = results.filter(({ asked }) => asked.failure);
    const reasons = failed.map(({ recording: { id, response, ...rest }, asked }) => {
      const judged = response.status === 200 ? judgeBody(response.body, requestOf({ id, response, ...rest })).verdict : response.status;
      return [id, judged, asked.failure?.code];
    });

    expect(reasons.filter(([, judged, code]) => !REASONS[String(judged)]?.includes(String(code)))).toEqual([]);
  });

  test("are paid for as the provider counted, and errors are not paid for", () => {
    for (const { recording, asked } of results) {
      const { status } = recording.response;
      const counted = status === 200 ? judgeOf(recording).usage : undefined;
      const usage = asked.reply?.usage ?? asked.failure?.usage;
      expect([recording.id, usage && [usage.inputTokens, usage.outputTokens]]).toEqual([recording.id, counted]);
      if (status >= 400 && asked.failure?.code !== "MODEL_PROSE") expect(asked.failure?.usageUnknown).toBe(false);
      if (status === 200 && asked.failure && !counted) expect(asked.failure.usageUnknown).toBe(true);
    }
  });

  test("are heard in pieces that make the whole", () => {
    const streamed = results.filter(({ recording, asked }) => recording.request.body.stream && asked.reply?.text);

    expect(streamed.length).toBeGreaterThan(0);
    for (const { asked } of streamed) expect(asked.heard.join("")).toBe(asked.reply?.text);
  });
});

const OWN: Readonly<Record<string, Judged["verdict"]>> = { text: "text", JSON: "json", "calls of tools": "calls" };

/** By the judge's word or the status: the codes that say the same. */
const REASONS: Readonly<Record<string, readonly string[]>> = {
  refused: ["MODEL_REFUSED"],
  "cut off": ["MODEL_TRUNCATED"],
  "held back": ["MODEL_FILTERED"],
  prose: ["MODEL_PROSE"],
  nothing: ["MODEL_EMPTY"],
  broken: ["MODEL_MALFORMED", "MODEL_DISCONNECTED"],
  error: ["MODEL_STREAM_FAILED"],
  400: ["MODEL_BAD_REQUEST", "MODEL_CONTEXT_LENGTH", "MODEL_PROSE"],
  401: ["MODEL_AUTHENTICATION"],
  404: ["MODEL_BAD_REQUEST"],
  500: ["MODEL_UNAVAILABLE"],
};

const judgeOf = (recording: Recording) => judgeBody(recording.response.body, requestOf(recording));
const idsOf = (list: readonly { readonly recording: Recording }[]) => list.map(({ recording }) => recording.id).toSorted();
const contentOf = (reply: ModelReply | undefined) =>
  reply?.toolCalls.length ? reply.toolCalls.map(({ name, arguments: written }) => ({ name, arguments: written })) : reply?.text;
const contentIn = ({ calls, text }: Judged) => calls ?? text;
