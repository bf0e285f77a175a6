import { createHash } from "node:crypto";
import type { ArchiveHeader, ArchiveRecord } from "./format.js";

/** The lines of a run's file: what it is about, its records, and an end that seals all before it. */
export async function* archiveLines(
  header: ArchiveHeader,
  records: Iterable<ArchiveRecord> | AsyncIterable<ArchiveRecord>,
): AsyncGenerator<string> {
  const seal = new ArchiveSeal();
  const sealed = (line: object, kind?: string): string => {
    const text = `${JSON.stringify(line)}\n`;
    seal.add(text, kind);
    return text;
  };
  yield sealed(header);
  for await (const record of records) yield sealed(record, record.kind);
  yield seal.end();
}

/** What the last line says of those before it. */
export class ArchiveSeal {
  readonly #hash = createHash("sha256");
  readonly #counts: Record<string, number> = {};
  #lines = 0;

  /** A line with its end; the first one is of no kind. */
  add(text: string, kind: string | undefined): void {
    this.#hash.update(text);
    this.#lines += 1;
    if (kind !== undefined) this.#counts[kind] = (this.#counts[kind] ?? 0) + 1;
  }

  end(): string {
    return `${JSON.stringify({ kind: "end", lines: this.#lines, counts: this.#counts, sha256: this.#hash.digest("hex") })}\n`;
  }
}
