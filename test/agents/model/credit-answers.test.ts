import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { askModel, defineContract, type InferInput, isWalkbackError, modelAgent, oneWord } from "walkback";
import { type ScriptedModel, type ScriptedStep, scriptedModel } from "walkback/testing";
import * as z from "zod";
import { aDesk, alone, judge, Opinion, opinionOf } from "./desk.js";

/**
 * Answers of three models to the question whether a customer is good or bad, as they were recorded by the CALM project (MIT,
 * https://github.com/colfeng/CALM). The file is no part of this project.
 */
const RECORDED = fileURLToPath(
  new URL("../../../../shared/data/llm-credit-decisions/german_llm_decisions_train_part.csv", import.meta.url),
);
const absent = "the recorded credit decisions are not there; the CALM project has the public original";

const Word = defineContract({
  name: "desk.word",
  version: 1,
  description: "Whether the customer is a good or a bad risk.",
  schema: z.object({ risk: z.enum(["good", "bad"]) }),
});
const word = oneWord({ words: ["good", "bad"], ignore: ["case", "quotes", "final period"], document: (risk) => ({ risk }) });
const verdict = { good: "approve", bad: "decline" } as const;
const NO_DECISION: InferInput<typeof Opinion> = { verdict: "no decision", confidence: 0 };

const QUESTION = { instructions: "Is this customer a good or a bad risk?", answer: Word, reading: word } as const;

/** The word, or the code of the failure. */
async function askedOf(model: ScriptedModel, row: number): Promise<string> {
  try {
    return (await askModel({ model, input: { row }, ...QUESTION }, alone())).risk;
  } catch (thrown) {
    if (isWalkbackError(thrown)) return thrown.code;
    throw thrown;
  }
}

/** A desk with a model that is asked for one word, and nobody below it who decides. */
async function deskWith(model: ScriptedModel) {
  const tier = modelAgent({
    name: "model",
    model,
    ...QUESTION,
    produces: Opinion,
    output: ({ risk }) => ({ verdict: verdict[risk], confidence: 1 }),
  });
  const desk = await aDesk(judge({ tiers: [tier, { name: "emergency", emergency: () => NO_DECISION }] }));
  const decide = async (id: string) => (opinionOf(await desk.start({ id })) as { readonly verdict: string }).verdict;
  const fell = () => desk.events.flatMap((event) => (event.type === "agent.degraded" ? [event.failure.code] : []));
  return { ...desk, decide, fell };
}

/** The columns of a file whose quoted cells hold no line breaks. */
function column(name: string): readonly string[] {
  const [header = "", ...lines] = readFileSync(RECORDED, "utf8").trimEnd().split(/\r?\n/);
  const place = header.split(",").indexOf(name);
  const cells = (line: string) =>
    [...line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g)].map(([, quoted, bare]) => quoted?.replaceAll('""', '"') ?? bare ?? "");
  return lines.map((line) => cells(line)[place] ?? "");
}

describe("recorded answers to a credit question", () => {
  test.for([
    ["gpt4", { good: 114, bad: 25 }],
    ["chatgpt", { good: 30, bad: 108, MODEL_PROSE: 1 }],
    ["calm7b", { good: 108, bad: 31 }],
  ] as const)("decide only where they are one of the two words: %s", async ([model, expected], { skip }) => {
    if (!existsSync(RECORDED)) return skip(absent);
    const answers = column(`${model}_raw`);

    const counts: Record<string, number> = {};
    for (const [row, answer] of answers.entries()) {
      const decided = await askedOf(scriptedModel([answer, answer], { model }), row);
      counts[decided] = (counts[decided] ?? 0) + 1;
    }

    expect(answers).toHaveLength(139);
    expect(counts).toEqual(expected);
  });

  test("are no decision of the workflow where they are prose, though the prose says good", async ({ skip }) => {
    if (!existsSync(RECORDED)) return skip(absent);
    const prose = column("chatgpt_raw").filter((answer) => answer.length > 4);
    await using model = scriptedModel([...prose, ...prose], { model: "chatgpt" });
    await using desk = await deskWith(model);

    expect(prose).toEqual([expect.stringContaining("can be classified as 'good")]);
    expect(await desk.decide("c-1")).toBe("no decision");
    expect(desk.fell()).toEqual(["MODEL_PROSE"]);
  });

  test("tell which models would not have been read without what is declared to be ignored", ({ skip }) => {
    if (!existsSync(RECORDED)) return skip(absent);
    const exact = oneWord({ words: ["good", "bad"], document: (risk) => ({ risk }) });
    const unread = (model: string) => column(`${model}_raw`).filter((answer) => exact.read(answer) === undefined).length;

    expect({ gpt4: unread("gpt4"), chatgpt: unread("chatgpt"), calm7b: unread("calm7b") }).toEqual({ gpt4: 139, chatgpt: 1, calm7b: 0 });
  });
});

const SORRY = "I'm sorry, but I cannot assist with that request.";
/** A model that was to be a fraud analyst refused in 26 of 100 cases; these are the ways in which one may. */
const REFUSALS: readonly (readonly [ScriptedStep, string])[] = [
  [{ refusal: SORRY }, "MODEL_REFUSED"],
  [{ refusal: "" }, "MODEL_REFUSED"],
  [{ refusal: SORRY, text: "good" }, "MODEL_REFUSED"],
  [{ refusal: "good" }, "MODEL_REFUSED"],
  [{ text: null, filtered: true }, "MODEL_FILTERED"],
  [{ text: "good", filtered: true }, "MODEL_FILTERED"],
  [{ text: "good", truncated: true }, "MODEL_TRUNCATED"],
  [{ text: "goo", truncated: true }, "MODEL_TRUNCATED"],
  [{ text: "good", finishReason: null }, "MODEL_MALFORMED"],
  [{ text: "good", finishReason: "error" }, "MODEL_STREAM_FAILED"],
  [{ toolCalls: [{ name: "good" }] }, "MODEL_MALFORMED"],
  [{ text: " \n" }, "MODEL_EMPTY"],
  [{ text: null }, "MODEL_EMPTY"],
  [SORRY, "MODEL_PROSE"],
  ["As an AI language model, I cannot make credit decisions.", "MODEL_PROSE"],
  ["I can't decide whether this customer is good or bad.", "MODEL_PROSE"],
  ["I cannot determine if the customer is 'good", "MODEL_PROSE"],
  ["It would not be good to judge a customer by these data.", "MODEL_PROSE"],
  ["good or bad", "MODEL_PROSE"],
  ["good/bad", "MODEL_PROSE"],
  ["not good", "MODEL_PROSE"],
  ["Good question! I am unable to answer it.", "MODEL_PROSE"],
  ["N/A", "MODEL_PROSE"],
  ["?", "MODEL_PROSE"],
  ["good\n\nPlease note that this is no financial advice.", "MODEL_PROSE"],
  ['{"error":"refused","risk":"good"}', "MODEL_PROSE"],
];

test.each(REFUSALS)("a refusal is no decision, and never good: %j", async (refusal, failure) => {
  await using desk = await deskWith(scriptedModel(Array(4).fill(refusal)));

  expect(await desk.decide("c-1")).toBe("no decision");
  expect(desk.fell()).toEqual([failure]);
});

test("there are as many of them as were counted", () => {
  expect(REFUSALS).toHaveLength(26);
});
