import { ArchiveInvalid, messageOf } from "../../contracts/failure.js";
import { ARCHIVE_FORMAT, type ArchiveHeader, type ArchiveRecord, headerProblem, recordProblem } from "./format.js";
import { ArchiveVerifier } from "./verify.js";
import { ArchiveSeal } from "./write.js";

/** A run's file, read and found sound. */
export interface Archive {
  readonly header: ArchiveHeader;
  /** In the order of the file; values that are like others are kept as what differs. */
  readonly records: readonly ArchiveRecord[];
  /** The last line, which says what the whole file is. */
  readonly end: string;
}

/**
 * Reads a run's file from its text, in pieces of any length. Throws `ARCHIVE_INVALID` unless every line is of its shape, all
 * hash chains hold, what is referred to is there, and the last line counts and hashes all before it.
 */
export async function readArchive(text: AsyncIterable<string> | Iterable<string>): Promise<Archive> {
  const seal = new ArchiveSeal();
  const records: ArchiveRecord[] = [];
  let [header, verifier, end]: [ArchiveHeader?, ArchiveVerifier?, string?] = [];
  let number = 0;
  for await (const line of linesOf(text)) {
    number += 1;
    const about = { line: number };
    if (end !== undefined) throw invalid("something follows after its last line", about);
    const parsed = parse(line, about);
    if (!header) {
      header = headerOf(parsed, about);
      verifier = new ArchiveVerifier(header);
      seal.add(line, undefined);
    } else if (isEnd(parsed)) {
      end = seal.end();
      if (end !== line) throw invalid("the last line does not count and hash the lines before it", about);
    } else {
      const record = recordOf(parsed, about);
      attempt(about, () => verifier?.add(record));
      seal.add(line, record.kind);
      records.push(record);
    }
  }
  const about = { line: number };
  if (!header || end === undefined) throw invalid(number === 0 ? "it is empty" : "it is cut off: its last line is missing", about);
  attempt(about, () => verifier?.finish());
  return { header, records, end };
}

/** What is refused; also for what only a store can find wrong. */
export function invalid(reason: string, { line }: { readonly line?: number | undefined } = {}, cause?: unknown): ArchiveInvalid {
  const where = line === undefined ? "" : ` Line ${line}:`;
  const message = `This file cannot be imported.${where} ${reason}. Nothing of it was kept. Take it as it was exported, or export the run again.`;
  return new ArchiveInvalid(message, { line, reason }, cause === undefined ? {} : { cause });
}

interface About {
  readonly line: number;
}

/** No line is longer than this; what is no run's file may be one long line. */
const MAX_LINE = 256 * 1024 * 1024;

/** Each with its end; a last one that has none is given without. */
async function* linesOf(text: AsyncIterable<string> | Iterable<string>): AsyncGenerator<string> {
  let pieces: string[] = [];
  let length = 0;
  for await (const chunk of text) {
    let from = 0;
    for (let at = chunk.indexOf("\n"); at >= 0; at = chunk.indexOf("\n", from)) {
      yield pieces.join("") + chunk.slice(from, at + 1);
      [pieces, length, from] = [[], 0, at + 1];
    }
    pieces.push(chunk.slice(from));
    length += chunk.length - from;
    if (length > MAX_LINE) throw invalid("it has a line that is longer than any of a run");
  }
  const rest = pieces.join("");
  if (rest !== "") yield rest;
}

function parse(line: string, about: About): unknown {
  try {
    return JSON.parse(line);
  } catch (thrown) {
    throw invalid("it is not JSON", about, thrown);
  }
}

function headerOf(parsed: unknown, about: About): ArchiveHeader {
  const { walkback, format } = (typeof parsed === "object" && parsed !== null ? parsed : {}) as Record<string, unknown>;
  if (walkback !== "run") throw invalid("it is not the file of a run, which begins with what it is", about);
  if (typeof format === "number" && format > ARCHIVE_FORMAT) throw newer(format, about);
  const problem = headerProblem(parsed);
  if (problem === undefined) return parsed as ArchiveHeader; // of that shape, as was just found
  throw invalid(problem, about);
}

function recordOf(parsed: unknown, about: About): ArchiveRecord {
  const problem = recordProblem(parsed);
  if (problem === undefined) return parsed as ArchiveRecord; // as it was parsed: a copy might have its keys in another order
  throw invalid(problem, about);
}

function isEnd(parsed: unknown): boolean {
  return typeof parsed === "object" && parsed !== null && "kind" in parsed && parsed.kind === "end";
}

function attempt(about: About, look: () => void): void {
  try {
    look();
  } catch (thrown) {
    throw invalid(messageOf(thrown), about, thrown);
  }
}

function newer(format: number, { line }: About): ArchiveInvalid {
  const message = `This file was written by a newer Walkback (format ${format}, this one reads ${ARCHIVE_FORMAT}). Nothing of it was kept. Upgrade walkback to import it.`;
  return new ArchiveInvalid(message, { line, reason: `format ${format} is newer than ${ARCHIVE_FORMAT}` });
}
