import { hash } from "node:crypto";

/** How the bytes are to be read: as JSON text, or as they are. */
export type ContentType = "json" | "bytes";

export interface Content {
  readonly type: ContentType;
  readonly bytes: Uint8Array;
  /** Hexadecimal, where it is known already. */
  readonly hash?: string | undefined;
}

/** SHA-256 of JSON text as it stands; of anything else it covers the type, too. */
export function hashOfContent({ type, bytes }: Omit<Content, "hash">): Buffer {
  if (type === "json") return hash("sha256", bytes, "buffer");
  return hash("sha256", Buffer.concat([Buffer.from(`${type}\0`), bytes]), "buffer");
}

/** How many bytes both begin with. */
export function commonPrefix(a: Buffer, b: Buffer): number {
  // Usually all but a closing bracket; comparing memory is far faster than looking at each byte.
  return longest(Math.min(a.length, b.length), (length) => a.compare(b, 0, length, 0, length) === 0);
}

/** How many bytes both end with. */
export function commonSuffix(a: Buffer, b: Buffer): number {
  return longest(Math.min(a.length, b.length), (length) => a.compare(b, b.length - length, b.length, a.length - length, a.length) === 0);
}

export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** The greatest length up to `most` that holds, where every smaller one holds too. */
function longest(most: number, holds: (length: number) => boolean): number {
  let low = 0;
  let high = most;
  for (let guess = Math.max(most - 1, 1); low < high; guess = Math.ceil((low + high) / 2)) {
    if (holds(guess)) low = guess;
    else high = guess - 1;
  }
  return low;
}
