import { describe, expect, test } from "vitest";
import { oneWord } from "walkback";

const document = (verdict: string) => ({ verdict });
const strict = oneWord({ words: ["good", "bad"], document });
const lenient = oneWord({ words: ["good", "bad"], ignore: ["case", "quotes", "final period"], document });

describe("an answer of one word", () => {
  test.each(["good", " good\n", "good\t"])("is that word, letter for letter: %j", (text) => {
    expect(strict.read(text)).toEqual({ verdict: "good" });
  });

  test.each(["Good", "GOOD", '"good"', "'Good'", "“good”", "‘good’", "`good`", "good.", '"Good."', '"good".', "' good '", "good ."])(
    "is that word but for what is declared to be ignored: %j",
    (text) => {
      expect(lenient.read(text)).toEqual({ verdict: "good" });
      expect(strict.read(text)).toBeUndefined();
    },
  );

  test.each([
    "",
    ".",
    '""',
    "goodbye",
    "good bad",
    "good, bad",
    "good/bad",
    "not good",
    "no good",
    "good!",
    "good?",
    "good..",
    "'good",
    "good'",
    "'good\"",
    '""good""',
    "**good**",
    "```good```",
    "verdict: good",
    '{"verdict":"good"}',
    "g o o d",
    "gооd", // two of its letters are Cyrillic
    "good\u0000",
    "good\nbad",
  ])("is no word with anything more to it: %j", (text) => {
    expect(lenient.read(text)).toBeUndefined();
  });

  test.each<[string, readonly string[], string]>([
    ["no words at all", [], "must name the answers there are"],
    ["words that cannot be told apart", ["good", "Good"], "has two that are the same when case, quotes, final period is ignored"],
    ["a word that is nothing", ["good", '""'], "has one in which there is nothing left to read"],
  ])("is not declared with %s", (_what, words, reason) => {
    expect(() => oneWord({ words, ignore: ["case", "quotes", "final period"], document })).toThrow(
      expect.objectContaining({ code: "OPTION_INVALID", message: expect.stringContaining(reason) }),
    );
  });
});
