/** Keeps secrets out of every text that comes back from a provider. */
export interface Redactor {
  /** The text without the secrets, nor what may be the beginning of one at its end. */
  text(text: string): string;
  /** The same of what says what went wrong: there providers show a key by its ends (`sk-nope-****0000`), which goes as well. */
  error(text: string): string;
  /** For a text that comes in pieces: what may be the beginning of a secret waits for the piece that tells. */
  pieces(tell: (piece: string) => void): { push(piece: string): void; end(): void };
}

export function redactor(secrets: readonly string[]): Redactor {
  const known = [...new Set(secrets)].filter((secret) => secret.length >= SHORTEST).sort((a, b) => b.length - a.length);
  const without = (text: string) => known.reduce((left, secret) => left.replaceAll(secret, REDACTED), text);

  function text(whole: string): string {
    const clean = without(whole);
    const begun = longestBeginning(clean, known);
    return begun < SHORTEST ? clean : clean.slice(0, -begun) + REDACTED;
  }

  return {
    text,
    error: (said) => known.reduce(withoutMasked, text(said)),
    pieces(tell) {
      let held = "";
      const say = (piece: string) => piece !== "" && tell(piece);
      return {
        push(piece) {
          const clean = without(held + piece);
          const sure = clean.length - longestBeginning(clean, known);
          held = clean.slice(sure);
          say(clean.slice(0, sure));
        },
        end() {
          say(text(held));
          held = "";
        },
      };
    },
  };
}

/** A provider's text fit for a message: one line, nothing that steers a terminal, not long. */
export function oneLine(text: string): string {
  const line = text.replace(UNPRINTABLE, " ").replace(/\s+/gu, " ").trim();
  const letters = Array.from(line.slice(0, 2 * LONGEST + 2));
  return letters.length > LONGEST ? `${letters.slice(0, LONGEST).join("")}…` : letters.join("");
}

/** Shorter ones are placeholders like "none", which must not be cut out of answers. */
const SHORTEST = 8;
const REDACTED = "[redacted]";
const LONGEST = 300;
/** Control and format characters, those that turn the direction of a text among them, and halves of characters. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Cs}]/gu;

/** What stands for the middle of a key. */
const MASK = /([*•]{2,}|\.{2,}|…)/;
const SHORTEST_END = 3;

function withoutMasked(text: string, secret: string): string {
  const parts = text.split(MASK); // masks stand at the odd places
  for (let at = 1; at < parts.length; at += 2) {
    const [before = "", after = ""] = [parts[at - 1], parts[at + 1]];
    const head = beginningAtEnd(before, secret);
    const tail = endAtBeginning(after, secret);
    if (Math.max(head, tail) < SHORTEST_END) continue;
    parts.splice(at - 1, 3, before.slice(0, before.length - head), REDACTED, after.slice(tail));
  }
  return parts.join("");
}

/** How many letters at the end of the text a secret could begin with. */
function longestBeginning(text: string, secrets: readonly string[]): number {
  return Math.max(0, ...secrets.map((secret) => beginningAtEnd(text, secret)));
}

function beginningAtEnd(text: string, secret: string): number {
  for (let length = Math.min(secret.length - 1, text.length); length > 0; length--)
    if (text.endsWith(secret.slice(0, length))) return length;
  return 0;
}

function endAtBeginning(text: string, secret: string): number {
  for (let length = Math.min(secret.length - 1, text.length); length > 0; length--)
    if (text.startsWith(secret.slice(-length))) return length;
  return 0;
}
