import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { PROPERTY_RUNS, PROPERTY_TIMEOUT_MS } from "../../limits/spending.js";
import type { RawServer } from "../../support/raw-server.js";
import { rawServer } from "../../support/raw-server.js";
import { type Asked, ask } from "./asking.js";
import { anyChange, inPieces, type Mutant, mutantOf, type Random } from "./mutations.js";
import { type Judged, judgeBody } from "./outside-judge.js";
import { NO_RECORDINGS, type Recording, recordings, requestOf } from "./recordings.js";

const ANSWERS: readonly Judged["verdict"][] = ["text", "json", "calls"];
const whole = recordings().filter(({ response, ...rest }) => {
  const good = response.status === 200 && ANSWERS.includes(judgeBody(response.body, requestOf({ response, ...rest })).verdict);
  return good && response.body.length < 20_000;
});
const ofText = whole.filter(({ response }) => /[\u0080-\uffff]/.test(response.body));

const seeds = fc.infiniteStream(fc.nat());
const randomOf =
  (stream: Iterator<number>): Random =>
  (limit) =>
    Number(stream.next().value) % limit;

describe.skipIf(NO_RECORDINGS)(`recorded answers with something wrong in them${NO_RECORDINGS ? `: ${NO_RECORDINGS}` : ""}`, () => {
  test(
    "are never an answer when they cannot be whole, and every failure is typed",
    async () => {
      await using server = await rawServer();
      const any = fc.oneof(fc.constantFrom(...whole), fc.constantFrom(...ofText));

      await fc.assert(
        fc.asyncProperty(any, anyChange, seeds, async (recording, how, stream) => {
          const random = randomOf(stream);
          const mutant = mutantOf(recording.response.body, how, random);
          fc.pre(mutant !== undefined);
          const asked = await askFor(server, recording, mutant, random);

          if (mutant.cannotBeWhole) expect({ how, ...asked }).toMatchObject({ failure: expect.anything() });
          if (asked.reply) expect(ANSWERS).toContain(judgeBody(mutant.bytes.toString(), requestOf(recording)).verdict);
        }),
        PROPERTY_RUNS,
      );
    },
    PROPERTY_TIMEOUT_MS,
  );

  test(
    "mean the same wherever the network cuts them",
    async () => {
      await using server = await rawServer();

      await fc.assert(
        fc.asyncProperty(
          fc.constantFrom(...recordings().filter(({ response }) => response.body.length < 20_000)),
          seeds,
          async (recording, stream) => {
            const { status, body } = recording.response;
            const bytes = Buffer.from(body);
            server.answer({ status, pieces: [bytes] });
            const inOne = await askAs(server, recording);
            server.answer({ status, pieces: inPieces(bytes, randomOf(stream)) });
            const inMany = await askAs(server, recording);

            expect([inMany.reply, inMany.failure?.toJSON(), inMany.heard.join("")]).toEqual([
              inOne.reply,
              inOne.failure?.toJSON(),
              inOne.heard.join(""),
            ]);
          },
        ),
        PROPERTY_RUNS,
      );
    },
    PROPERTY_TIMEOUT_MS,
  );
});

async function askFor(server: RawServer, recording: Recording, { bytes, ending }: Mutant, random: Random): Promise<Asked> {
  server.answer({ pieces: inPieces(bytes, random), ...(ending ? { ending } : {}) });
  return askAs(server, recording);
}

function askAs(server: RawServer, recording: Recording): Promise<Asked> {
  return ask(server.url, requestOf(recording), { stream: recording.request.body.stream ?? false });
}
