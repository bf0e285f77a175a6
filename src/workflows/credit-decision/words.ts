import * as z from "zod";

/**
 * Nothing that cannot be seen: no control characters (terminals take orders in them), no separators of lines or paragraphs, no
 * characters without a form of their own, such as those that turn the direction of the text around them.
 */
const SEEN = /^[^\p{Cc}\p{Cf}\p{Co}\p{Cs}\p{Zl}\p{Zp}]*$/u;

/** A model's words as they stand in a document: in one line, every character of it to be seen. */
export const words = (most: number) => z.string().min(1).max(most).regex(SEEN, "must not hold characters that cannot be seen");

/** Whether a text has words in it, and nothing that cannot be seen but white space. */
export function isPlainText(text: string): boolean {
  return SEEN.test(text.replaceAll(/[\t\n\r]/g, " ")) && text.trim() !== "";
}

/** White space of any kind and length becomes one space. */
export function inOneLine(text: string): string {
  return text.replaceAll(/\s+/g, " ").trim();
}
