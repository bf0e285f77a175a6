import { closeSync, constants, fsyncSync, openSync, readFileSync, writeSync } from "node:fs";
import { crc32 } from "node:zlib";

/** The head of a store: how many commits changed a run, and a digest of all runs as they stood then. */
export interface Head {
  /** Tells a store from one that was made anew in its place. */
  readonly store: string;
  readonly commit: number;
  /** Hexadecimal. */
  readonly digest: string;
}

/**
 * Where a store's head is remembered outside of the store, so that a lost tail is noticed. Called after each commit that
 * changed a run, synchronously: be quick. It may be a little behind (the process died in between), never ahead.
 */
export interface Anchor {
  /** For messages. */
  readonly location: string;
  /** The newest head, or undefined when there is none or it cannot be read. */
  read(): Head | undefined;
  write(head: Head): void;
  /** Takes this for the newest head, though another one was newer. */
  accept(head: Head): void;
  close(): void;
}

const SLOT_BYTES = 256;

/** Two slots in a small file, written in turn and in place: a torn write spoils one of them, and the other still stands. */
function fileAnchor(path: string): Anchor {
  let file: number | undefined;
  const put = (text: string, slot: number) => {
    file ??= openSync(path, constants.O_RDWR | constants.O_CREAT, 0o644);
    writeSync(file, text, slot * SLOT_BYTES);
  };
  return {
    location: path,
    read() {
      const text = contentOf(path);
      const heads = [0, 1].flatMap((slot) => parse(text.slice(slot * SLOT_BYTES, (slot + 1) * SLOT_BYTES)) ?? []);
      return heads.sort((a, b) => b.commit - a.commit)[0];
    },
    write(head) {
      put(format(head), head.commit % 2);
    },
    accept(head) {
      put(format(head), head.commit % 2);
      put(`${"".padEnd(SLOT_BYTES - 1)}\n`, (head.commit + 1) % 2);
    },
    close() {
      if (file === undefined) return;
      fsyncSync(file);
      closeSync(file);
      file = undefined;
    },
  };
}

/** The one that was chosen, or a file beside the store; none for a store in memory. */
export function anchorFor(path: string, chosen: Anchor | false | undefined): Anchor | undefined {
  if (chosen === false || path === ":memory:") return undefined;
  return chosen ?? fileAnchor(`${path}.anchor`);
}

function contentOf(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch (thrown) {
    if (thrown instanceof Error && "code" in thrown && thrown.code === "ENOENT") return "";
    throw thrown;
  }
}

function format({ store, commit, digest }: Head): string {
  const body = `walkback 1 ${store} ${commit} ${digest}`;
  return `${`${body} ${crc32(body).toString(16)}`.padEnd(SLOT_BYTES - 1)}\n`;
}

function parse(line: string): Head | undefined {
  const [, body, sum] = /^(walkback 1 \S+ \d+ [0-9a-f]{64}) ([0-9a-f]+) *\n$/.exec(line) ?? [];
  if (body === undefined || sum === undefined || crc32(body).toString(16) !== sum) return undefined;
  const [, , store = "", commit = "", digest = ""] = body.split(" ");
  return { store, commit: Number(commit), digest };
}
