import * as z from "zod";
import { optionInvalid } from "../../contracts/failure.js";
import { checkCall } from "../../limits/check-options.js";
import { aFunction } from "./option-forms.js";

const IGNORABLE = ["case", "quotes", "final period"] as const;

/** What may stand around or in a word without making it another one. */
export type Ignorable = (typeof IGNORABLE)[number];

export interface OneWordDefinition<Word extends string, Document> {
  /** All the answers there are. */
  readonly words: readonly Word[];
  /** Nothing when left out: the word has to be there letter for letter. */
  readonly ignore?: readonly Ignorable[];
  /** The document that the contract asks for. */
  document(word: Word): Document;
}

/** An answer that is one word of a list, for a model that cannot be held to a schema. */
export interface OneWord<Document = unknown> {
  readonly words: readonly string[];
  /** The document that an answer stands for; undefined for anything but one of the words. */
  read(text: string): Document | undefined;
}

/**
 * Declares how an answer in plain text is read. White space around the word is nothing; what else may be ignored is said here,
 * and a text with anything more to it is prose: no word is ever looked for in a sentence. Throws `OPTION_INVALID`, also when
 * there are no words, or two that cannot be told apart.
 */
export function oneWord<const Word extends string, Document>(definition: OneWordDefinition<Word, Document>): OneWord<Document> {
  checkCall(Definition, "oneWord", definition);
  const { words, ignore = [] } = definition;
  const bare = (text: string) => bareWord(text, ignore);
  const known = new Map(words.map((word) => [bare(word), word]));
  if (known.size < words.length)
    throw optionInvalid("words", `has two that are the same when ${ignore.join(", ") || "white space"} is ignored`);
  if (known.has("")) throw optionInvalid("words", "has one in which there is nothing left to read");
  return Object.freeze({
    words: Object.freeze([...words]),
    read: (text: string) => {
      const word = known.get(bare(text));
      return word === undefined ? undefined : definition.document(word);
    },
  });
}

const Definition = z.strictObject({
  words: z.array(z.string("must be a word"), "must be a list of words").min(1, "must name the answers there are"),
  ignore: z.array(z.enum(IGNORABLE), "must be a list").optional(),
  document: aFunction,
} satisfies Record<keyof OneWordDefinition<string, unknown>, z.ZodType>);

const QUOTED = /^(?:"([^"]*)"|'([^']*)'|`([^`]*)`|“([^“”]*)”|‘([^‘’]*)’)$/;

function bareWord(text: string, ignore: readonly Ignorable[]): string {
  const trimmed = text.trim();
  const ended = ignore.includes("final period") ? withoutPeriod(trimmed) : trimmed;
  const inside = ignore.includes("quotes") ? unquoted(ended) : ended;
  const endsInside = inside !== ended && ended === trimmed && ignore.includes("final period");
  const word = endsInside ? withoutPeriod(inside) : inside;
  return ignore.includes("case") ? word.toLowerCase() : word;
}

function withoutPeriod(text: string): string {
  return text.replace(/\s*\.$/, "");
}

function unquoted(text: string): string {
  const [, ...insides] = QUOTED.exec(text) ?? [];
  return insides.find((inside) => inside !== undefined)?.trim() ?? text;
}
