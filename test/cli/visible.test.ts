import fc from "fast-check";
import { expect, test } from "vitest";
import { visible } from "../../src/cli/visible.js";

test.each([
  ["an escape sequence that clears the screen", "a\u001b[2Jb", "a\\u001b[2Jb"],
  ["the same in one byte", "a\u009b2Jb", "a\\u009b2Jb"],
  ["a link of a terminal", "\u001b]8;;http://x\u0007y", "\\u001b]8;;http://x\\u0007y"],
  ["a line that is written over", "refused\rapproved", "refused\\u000dapproved"],
  ["text turned around", "approve\u202eeniled", "approve\\u202eeniled"],
  ["lines and tabs", "a\n\tb", "a\n\tb"],
  ["letters, accents and emoji", "Größe e\u0301 日本 👍🏽", "Größe e\u0301 日本 👍🏽"],
])("%s", (_what, text, shown) => {
  expect(visible(text, { colors: false })).toBe(shown);
});

test("our own colors stay where there are colors, and nowhere else", () => {
  expect(visible("\u001b[31mred\u001b[39m", { colors: true })).toBe("\u001b[31mred\u001b[39m");
  expect(visible("\u001b[31mred\u001b[39m", { colors: false })).toBe("\\u001b[31mred\\u001b[39m");
  expect(visible("\u001b[8mhidden", { colors: true })).toBe("\\u001b[8mhidden");
});

test("a line of JSON stays the same document", () => {
  fc.assert(
    fc.property(fc.jsonValue({ stringUnit: "binary" }), (document) => {
      const line = JSON.stringify(document);

      const shown = visible(line, { colors: false });

      expect(JSON.parse(shown)).toEqual(JSON.parse(line));
      expect(shown).not.toMatch(/[\p{Cc}\u2028\u2029\u202e]/u);
    }),
  );
});
