import type { Issue } from "../contracts/failure.js";

/** One row of a file, counted from 1 without the header (JSON lines: the number of the line), or what is wrong with it. */
export type InputRow = { readonly row: number; readonly input: unknown } | { readonly row: number; readonly issues: readonly Issue[] };

/** The text of an input, and what to call it in a message. */
export interface InputText {
  readonly name: string;
  readonly text: AsyncIterable<string>;
}
