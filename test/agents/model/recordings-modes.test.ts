import { describe, expect, test } from "vitest";
import type { ModelRequest } from "walkback";
import { judgeBody } from "./outside-judge.js";
import { NO_RECORDINGS, type Recording, recordings, requestOf } from "./recordings.js";
import { replayed } from "./replayed.js";

const JSON_WANTED = { name: "other", schema: { type: "object" } };
const TOOL_OFFERED = [{ name: "other", description: "Another tool.", parameters: { type: "object" } }];

/** Ways to ask that are not the one in which the answer was recorded. */
const WAYS: Readonly<Record<string, (request: ModelRequest) => ModelRequest>> = {
  "what was asked": (request) => request,
  "for text": ({ messages, maxOutputTokens }) => ({ messages, maxOutputTokens }),
  "for JSON": ({ messages, maxOutputTokens }) => ({ messages, maxOutputTokens, answer: JSON_WANTED }),
  "for a call": ({ messages, maxOutputTokens }) => ({ messages, maxOutputTokens, tools: TOOL_OFFERED }),
  "for JSON or a call": (request) => ({ ...request, answer: request.answer ?? JSON_WANTED, tools: request.tools ?? TOOL_OFFERED }),
};

/** In `npm test` one in six; with WALKBACK_LONG all. */
const every = process.env["WALKBACK_LONG"] ? 1 : 6;
const some = () => recordings().filter((_, index) => index % every === 0);

const ANSWERS: readonly string[] = ["text", "json", "calls"];

describe.skipIf(NO_RECORDINGS)(`recorded answers to other questions${NO_RECORDINGS ? `: ${NO_RECORDINGS}` : ""}`, () => {
  test.each(Object.entries(WAYS).flatMap(([way, change]) => [true, false].map((other) => ({ way, change, other }))))(
    "asked $way, the other of stream and whole $other: an answer where the outside judge finds one, else a typed failure",
    async ({ change, other }) => {
      const request = (recording: Recording) => change(requestOf(recording));

      const results = await replayed({ some: some(), request, stream: (recorded) => (other ? !recorded : recorded) });

      const wrong = results.filter(({ recording, asked }) => {
        const { status, body } = recording.response;
        const answers = status === 200 && ANSWERS.includes(judgeBody(body, request(recording)).verdict);
        return answers ? !asked.reply : !asked.failure;
      });
      expect(wrong.map(({ recording: { id }, asked }) => [id, asked.failure?.code])).toEqual([]);
      expect(results).toHaveLength(some().length);
    },
    120_000,
  );
});
