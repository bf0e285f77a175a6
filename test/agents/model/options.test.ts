import { describe, expect, test } from "vitest";
import { askModel, modelAgent, oneWord, openAIModel } from "walkback";
import { scriptedModel } from "walkback/testing";
import * as z from "zod";
import { alone, INSTRUCTIONS, Opinion } from "./desk.js";

const wrong = (options: unknown) => options as never; // what a program without types may hand in
const refused = (message: string) => expect.objectContaining({ code: "OPTION_INVALID", message: expect.stringContaining(message) });
const KEY = "sk-canary-4242";

describe("openAIModel says what is wrong with its options", () => {
  test.each<[string, unknown, string]>([
    ["none at all", undefined, "openAIModel must be"],
    ["a name alone", "gpt-4.1", "openAIModel must be"],
    ["no model", {}, "model must name a model"],
    ["a model without a name", { model: " " }, "model must name a model"],
    ["a provider without a name", { provider: "" }, "provider must name a provider"],
    ["a key that is a number", { apiKey: 5 }, "apiKey must be text"],
    ["a key with a space", { apiKey: `${KEY} ${KEY}` }, "apiKey must be ASCII without spaces"],
    ["a base URL that is none", { baseURL: "localhost" }, "baseURL must be an http or https URL"],
    ["a base URL that is an object", { baseURL: new URL("http://localhost") }, "baseURL must be an http or https URL"],
    ["a base URL of another protocol", { baseURL: "ftp://localhost" }, "baseURL must be an http or https URL"],
    ["a base URL with a password", { baseURL: `http://me:${KEY}@localhost` }, "baseURL must not hold a name or a password"],
    ["a temperature that is no number", { temperature: Number.NaN }, "temperature must be a number, 0 or more"],
    ["a temperature in words", { temperature: "hot" }, "temperature must be a number, 0 or more"],
    ["yes for true", { stream: "yes" }, "stream must be true or false"],
    ["no bytes", { maxAnswerBytes: 0 }, "maxAnswerBytes must be a whole number from 1"],
    ["half a byte", { maxAnswerBytes: 0.5 }, "maxAnswerBytes must be a whole number from 1"],
    ["a header that is none", { headers: { "X-Key": `${KEY}\nb` } }, "headers must be names and values of HTTP headers"],
    ["a header that is a number", { headers: { "X-Team": 1 } }, "headers.X-Team must be text"],
    ["headers in a list", { headers: ["a"] }, "headers must be an object"],
    [
      "an option of somebody else",
      { maxTokens: 3, apikey: KEY },
      "maxTokens, apikey is not known to openAIModel, which takes model, provider",
    ],
    ["a body that is none", { modelKwargs: "seed" }, "modelKwargs must be an object"],
    [
      "a body that is no JSON",
      { modelKwargs: { seed: 1n } },
      "modelKwargs must be plain JSON (State must be plain JSON, but /seed is bigint",
    ],
  ])("%s", (_what, change, message) => {
    const options = typeof change === "object" && Object.keys(change ?? {}).length > 0 ? { model: "gpt-4.1", ...change } : change;

    expect(() => openAIModel(wrong(options))).toThrow(refused(message));
    expect(() => openAIModel(wrong(options))).not.toThrow(KEY);
  });

  test.each([
    ["model", "gpt-4.5-preview", "use the option model"],
    ["messages", [], "instructions"],
    ["stream", false, "use the option stream"],
    ["stream_options", {}, "use the option stream"],
    ["n", 4, "one answer is asked for at a time"],
    ["max_tokens", 99_999, "use maxOutputTokens of modelAgent, askModel or toolAgent"],
    ["max_completion_tokens", 99_999, "use maxOutputTokens of modelAgent, askModel or toolAgent"],
    ["response_format", { type: "text" }, "use answer of modelAgent or askModel"],
    ["tools", [], "give toolAgent its tools"],
    ["tool_choice", "none", "give toolAgent its tools"],
    ["functions", [], "give toolAgent its tools"],
    ["function_call", "none", "give toolAgent its tools"],
  ])("what Walkback sets in the body itself: %s", (key, value, instead) => {
    const options = { model: "gpt-4.1-mini", modelKwargs: { reasoning_effort: "low", [key]: value } };

    expect(() => openAIModel(options)).toThrow(refused(`modelKwargs.${key} is set by Walkback; `));
    expect(() => openAIModel(options)).toThrow(instead);
  });
});

const GOOD = { name: "premium", model: scriptedModel([]), instructions: INSTRUCTIONS, answer: Opinion };

const WRONG: readonly (readonly [string, object, string])[] = [
  ["a model that is a name", { model: "gpt-4.1" }, "model must be a ChatModel, such as openAIModel gives"],
  ["no model", { model: undefined }, "model must be a ChatModel"],
  ["a model of another library", { model: { invoke: () => "" } }, "model must be a ChatModel"],
  ["instructions made of inputs", { instructions: () => "" }, "instructions must be fixed text; what changes belongs into input"],
  ["instructions that say nothing", { instructions: " " }, "instructions must say what the model is to do"],
  ["a schema in place of a contract", { answer: z.object({}) }, "answer must be a contract, such as defineContract gives"],
  ["no tokens", { maxOutputTokens: 0 }, "maxOutputTokens must be 1 or more"],
  ["fewer than no tokens", { maxOutputTokens: -5 }, "maxOutputTokens must be 1 or more"],
  ["half a token", { maxOutputTokens: 0.5 }, "maxOutputTokens must be a whole number"],
  ["tokens in words", { maxOutputTokens: "many" }, "maxOutputTokens must be a whole number"],
  ["a number of repairs", { repair: 3 }, "repair must be true or false"],
  ["words in place of a reading", { reading: ["good", "bad"] }, "reading must be what oneWord gives"],
  ["an option of somebody else", { maxTokens: 5 }, "maxTokens is not known to"],
];

describe("modelAgent says what is wrong with its options", () => {
  test.each<readonly [string, object | undefined, string]>([
    ["none at all", undefined, "modelAgent must be"],
    ["no name", { name: "" }, "name must name the tier"],
    ["an input that is no function", { input: "x" }, "input must be a function"],
    ["an output that is no function", { output: {} }, "output must be a function"],
    ...WRONG,
  ])("%s", (_what, change, message) => {
    expect(() => modelAgent(wrong(change && { ...GOOD, ...change }))).toThrow(refused(message));
  });
});

describe("askModel says what is wrong with its question", () => {
  const { name: _, ...question } = GOOD;

  test.each<readonly [string, object | undefined, string]>([
    ["none at all", undefined, "askModel must be"],
    ["no input", { input: undefined }, "input must be what the model is shown"],
    ...WRONG,
  ])("%s", async (_what, change, message) => {
    await expect(askModel(wrong(change && { ...question, input: {}, ...change }), alone())).rejects.toEqual(refused(message));
  });

  test("no context", async () => {
    await expect(askModel({ ...question, input: {} }, wrong(undefined))).rejects.toEqual(
      refused("context must be the context that execute is given"),
    );
  });
});

describe("oneWord says what is wrong with its declaration", () => {
  const good = { words: ["good", "bad"], document: (word: string) => word };

  test.each<[string, unknown, string]>([
    ["none at all", undefined, "oneWord must be"],
    ["words that are no list", { ...good, words: "good" }, "words must be a list of words"],
    ["a word that is a number", { ...good, words: ["good", 5] }, "words.1 must be a word"],
    ["something that cannot be ignored", { ...good, ignore: ["caps"] }, 'ignore.0 must be one of "case"|"quotes"|"final period"'],
    ["no document", { words: good.words }, "document must be a function"],
    ["an option of somebody else", { ...good, ignored: ["case"] }, "ignored is not known to oneWord, which takes words, ignore, document"],
  ])("%s", (_what, declaration, message) => {
    expect(() => oneWord(wrong(declaration))).toThrow(refused(message));
  });
});
