/**
 * What comes from outside (a model, an applicant, an agent's error) may hold characters that a terminal obeys, or that turn the
 * text around them. They are shown as JSON writes them, so that a line of JSON stays the same document. Line feeds and tabs
 * stay, and so do our own colors where there are any.
 */
export function visible(text: string, { colors }: { readonly colors: boolean }): string {
  return text.replace(colors ? OBEYED_OR_COLOR : OBEYED, (found) => (found.length > 1 ? found : escaped(found)));
}

const OBEYED = /(?![\n\t])[\p{Cc}\p{Zl}\p{Zp}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;
const OBEYED_OR_COLOR = new RegExp(`\u001b\\[(?:1|2|22|31|32|33|36|39)m|${OBEYED.source}`, "gu");

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
