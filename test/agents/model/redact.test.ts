import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { oneLine, redactor } from "../../../src/agents/model/redact.js";

const KEY = "sk-live-4242";

describe("a redactor", () => {
  test("takes secrets out of a text, the longer one first, and a beginning at its end", () => {
    const { text } = redactor([KEY, `Bearer ${KEY}`]);

    expect(text(`a ${KEY} b Bearer ${KEY} c ${KEY.slice(0, 9)}`)).toBe("a [redacted] b [redacted] c [redacted]");
    expect(text("a sk-l")).toBe("a sk-l");
  });

  test.each([
    ["sk-live-**4242", "[redacted]"],
    ["Incorrect API key provided: sk-liv*******-4242. You can", "Incorrect API key provided: [redacted]. You can"],
    ["key sk-l...4242, or sk-…42", "key [redacted], or [redacted]"],
    ["Your api key: ****4242 is invalid", "Your api key: [redacted] is invalid"],
    ["(sk-live********)", "([redacted])"],
    [`sk-l••242 and ${KEY}`, "[redacted] and [redacted]"],
    ["wait... for **bold** text", "wait... for **bold** text"],
    ["s***9", "s***9"],
  ])("takes the ends of a secret out of an error as well: %s", (said, left) => {
    const redact = redactor([KEY]);

    expect(redact.error(said)).toBe(left);
    expect(redact.text("sk-live-**4242, as it is written")).toBe("sk-live-**4242, as it is written");
  });

  test("leaves placeholders alone", () => {
    expect(redactor(["none", ""]).text("none of it")).toBe("none of it");
  });

  test("tells a text in any pieces as it would as a whole", () => {
    const part = fc.constantFrom(KEY, KEY.slice(0, 5), KEY.slice(0, 9), KEY.slice(3), "sk-", "s", "words ", "\u{1F600}");
    const cuts = fc.array(fc.nat(60), { maxLength: 12 });
    fc.assert(
      fc.property(fc.array(part, { maxLength: 12 }), cuts, (parts, at) => {
        const text = parts.join("");
        const told: string[] = [];
        const redact = redactor([KEY]);
        const pieces = redact.pieces((piece) => told.push(piece));
        const sorted = at.toSorted((a, b) => a - b);
        for (const [index, from] of [0, ...sorted].entries()) pieces.push(text.slice(from, sorted[index] ?? text.length));
        pieces.end();

        expect(told.join("")).not.toContain(KEY);
        expect(told.join("")).toBe(redact.text(text));
        expect(told).not.toContain("");
      }),
      { numRuns: 500 },
    );
  });

  test("does not tell what may be a beginning when the rest never comes", () => {
    const told: string[] = [];

    redactor([KEY])
      .pieces((piece) => told.push(piece))
      .push(`It is ${KEY.slice(0, -1)}`);

    expect(told).toEqual(["It is "]);
  });
});

describe("one line", () => {
  test("has nothing that steers a terminal, and is cut between characters", () => {
    expect(oneLine(" a\r\n\u001b[2Jb\u202ec\u0000\ud800 ")).toBe("a [2Jb c");
    expect(oneLine("\u{1F600}".repeat(400))).toBe(`${"\u{1F600}".repeat(300)}…`);
  });
});
