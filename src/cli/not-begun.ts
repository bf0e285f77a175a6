import type { InputFile } from "./read-input.js";

/** Input that knows how far it was read, to say afterwards which rows nobody began. */
export interface Watched {
  readonly rows: InputFile["rows"];
  /** The rows after `begun`, for people; undefined when there are none. Reads a file to its end, a stream no further. */
  notBegunAfter(begun: number): Promise<string | undefined>;
}

export function watchRows({ rows, endless }: Pick<InputFile, "rows"> & { readonly endless: boolean }): Watched {
  const seen = { last: 0, ended: false };
  async function* watched() {
    for await (const row of rows) {
      seen.last = row.row;
      yield row;
    }
    seen.ended = true;
  }
  const iterable = watched();
  return {
    rows: iterable,
    async notBegunAfter(begun) {
      if (!endless) for await (const _ of iterable); // only counts
      if (!seen.ended) return `Rows after ${begun} were not begun`;
      if (seen.last <= begun) return undefined;
      return seen.last === begun + 1 ? `Row ${seen.last} was not begun` : `Rows ${begun + 1} to ${seen.last} were not begun`;
    },
  };
}
