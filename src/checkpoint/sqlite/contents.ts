import type { Database } from "better-sqlite3";
import { asBuffer, type Content, type ContentType, commonPrefix, commonSuffix, hashOfContent } from "../content.js";
import { damaged } from "./sums.js";

/** What a new content probably has in common with others. */
export interface Kin {
  /** It begins like this one: the value before it. */
  readonly before?: number | undefined;
  /** It ends like one of these: what was added to the value before it. */
  readonly added?: readonly number[];
}

/** A content is the first `shared` bytes of its base, then its own tail, then the last `rest_bytes` of its rest. */
interface Link {
  readonly base: number | null;
  readonly shared: number;
  /** How many bases lie below it. */
  readonly depth: number;
  readonly rest: number | null;
  readonly rest_bytes: number;
}

interface Row extends Link {
  readonly id: number;
  readonly hash: Buffer;
  readonly type: ContentType;
  readonly tail: Buffer;
}

/** A flipped bit can make a string of a blob. */
interface ReadRow {
  readonly hash: Buffer | string;
  readonly type: ContentType;
  readonly bytes: Buffer | string | null;
}

/** Less in common than this is not worth a link. */
const MIN_SHARED = 128;
/** A chain of links may be as long as the content has such pieces: reading stays linear in what is read. */
const BYTES_A_LINK = 128;
/** For the values that the next ones are likely to begin with. */
const CACHE_BYTES = 32 * 1024 * 1024;
/** Values are written several times shortly after each other: with a version, to a channel, and with the checkpoint. */
const RECENT_IDS = 10_000;
const WHOLE: Link = { base: null, shared: 0, depth: 0, rest: null, rest_bytes: 0 };

/**
 * Values by their content, each stored once. One that begins like the value before it (a list that has grown) is stored as
 * a link to that and what was added, so a history of appends costs what was appended. What is read is hashed again.
 */
export class Contents {
  readonly #find;
  readonly #insert;
  readonly #select;
  readonly #read;
  readonly #recent = new RecentBytes(CACHE_BYTES);
  readonly #ids = new Map<string, number>();

  constructor(
    database: Database,
    private readonly path: string,
  ) {
    this.#find = database.prepare<[Buffer, Buffer], number>(FIND).pluck();
    this.#insert = database.prepare(
      "INSERT INTO contents (hash, type, base, shared, depth, tail, rest, rest_bytes) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
    );
    this.#select = database.prepare<[number], Row>("SELECT * FROM contents WHERE id = ?");
    this.#read = database.prepare<[{ readonly id: number }], ReadRow>(READ);
  }

  /** The content's id, new or not; to be called inside a transaction. */
  put({ type, bytes, hash }: Content, kin: Kin = {}): number {
    const content = asBuffer(bytes);
    const hashed = hash ?? hashOfContent({ type, bytes: content }).toString("hex");
    const recent = this.#ids.get(hashed);
    if (recent !== undefined) return recent;
    const id = this.#findOrAdd(Buffer.from(hashed, "hex"), type, content, kin);
    if (this.#ids.size >= RECENT_IDS) this.#ids.clear();
    this.#ids.set(hashed, id);
    return id;
  }

  #findOrAdd(hashed: Buffer, type: ContentType, content: Buffer, kin: Kin): number {
    const known = this.#find.get(hashed.subarray(0, 6), hashed) as number | undefined;
    if (known !== undefined) return known;
    const link = type === "json" && content.length >= MIN_SHARED ? this.#linkTo(kin, content) : WHOLE;
    const tail = content.subarray(link.shared, content.length - link.rest_bytes);
    const { lastInsertRowid } = this.#insert.run(hashed, type, link.base, link.shared, link.depth, tail, link.rest, link.rest_bytes);
    const id = Number(lastInsertRowid);
    if (content.length >= MIN_SHARED) this.#recent.set(id, content);
    return id;
  }

  /** After a transaction, or a part of one, that was undone: ids that it gave may be given again. */
  forgetRecent(): void {
    this.#ids.clear();
    this.#recent.clear();
  }

  /** Throws `STORE_DAMAGED` when it is not there or does not hash to what was written. */
  get(id: number): Content & { readonly hash: string } {
    const row = this.#read.get({ id });
    if (!row) throw damaged({ path: this.path, where: "contents" }, `content ${id} is missing`);
    const bytes = row.bytes ?? Buffer.alloc(0);
    if (typeof bytes !== "string" && typeof row.hash !== "string" && hashOfContent({ type: row.type, bytes }).equals(row.hash))
      return { type: row.type, bytes, hash: row.hash.toString("hex") };
    throw damaged({ path: this.path, where: "contents" }, `content ${id} is not what was written`);
  }

  /** JSON as text, with its SHA-256 in hexadecimal. */
  hashed(id: number): { readonly hash: string; readonly text: string } {
    const { bytes, hash } = this.get(id);
    return { hash, text: asBuffer(bytes).toString("utf8") };
  }

  #linkTo({ before, added = [] }: Kin, content: Buffer): Link {
    const link = this.#baseOf(before, content);
    const own = content.length - link.shared;
    for (const id of own >= MIN_SHARED ? added : []) {
      const bytes = this.#bytesOf(id);
      const rest_bytes = Math.min(commonSuffix(content, bytes), own);
      if (rest_bytes >= MIN_SHARED && this.#isWhole(id)) return { ...link, rest: id, rest_bytes };
    }
    return link;
  }

  #baseOf(before: number | undefined, content: Buffer): Link {
    let row = before === undefined ? undefined : this.#select.get(before);
    if (row?.type !== "json") return WHOLE;
    const shared = commonPrefix(content, this.#bytesOf(row.id));
    while (row?.base && row.base < row.id && shared <= row.shared) row = this.#select.get(row.base); // the one below it begins the same
    if (!row || shared < MIN_SHARED || (row.depth + 1) * BYTES_A_LINK > content.length) return WHOLE;
    return { ...WHOLE, base: row.id, shared, depth: row.depth + 1 };
  }

  #isWhole(id: number): boolean {
    const row = this.#select.get(id);
    return row?.type === "json" && row.base === null && row.rest === null;
  }

  #bytesOf(id: number): Buffer {
    return this.#recent.get(id) ?? asBuffer(this.get(id).bytes);
  }
}

/** What a sweep may be about to take away (see `Prunes`) is not found. */
const FIND = `
  SELECT id FROM contents WHERE substr(hash, 1, 6) = ? AND hash = ?
    AND id > coalesce((SELECT CAST(value AS INTEGER) FROM store_facts WHERE name = 'sweep'), 0)`;

/**
 * Puts a content together in one statement: down the chain of bases, where each link says how many bytes of the one below
 * are still wanted, and then the pieces from the bottom up. (Bytes are never linked, so text functions see only JSON.) A base
 * is always older; where damage says otherwise, the chain ends instead of going round for ever.
 */
const READ = `
  WITH RECURSIVE chain (id, base, shared, tail, rest, rest_bytes, wanted) AS (
    SELECT id, base, shared, tail, rest, rest_bytes, 9223372036854775807 FROM contents WHERE id = @id
    UNION ALL
    SELECT c.id, c.base, c.shared, c.tail, c.rest, c.rest_bytes, min(chain.wanted, chain.shared)
    FROM chain JOIN contents c ON c.id = chain.base AND c.id < chain.id
  ), pieces (shared, tail, rest, wanted) AS MATERIALIZED (
    SELECT shared, tail, iif(chain.rest IS NULL, x'', (SELECT substr(r.tail, -chain.rest_bytes) FROM contents r WHERE r.id = chain.rest)), wanted FROM chain
  )
  SELECT hash, type, iif(base IS NULL AND rest IS NULL, tail, CAST((
    SELECT group_concat(substr(CAST(tail || rest AS BLOB), 1, max(0, wanted - shared)), '' ORDER BY shared)
    FROM pieces
  ) AS BLOB)) AS bytes FROM contents WHERE id = @id`;

/** The most recently used, up to so many bytes. Prune leaves the newest content, so no id is used again and nothing goes stale. */
class RecentBytes {
  readonly #bytes = new Map<number, Buffer>();
  #size = 0;

  constructor(private readonly limit: number) {}

  get(id: number): Buffer | undefined {
    const found = this.#bytes.get(id);
    if (!found) return undefined;
    this.#bytes.delete(id);
    this.#bytes.set(id, found);
    return found;
  }

  clear(): void {
    this.#bytes.clear();
    this.#size = 0;
  }

  set(id: number, bytes: Buffer): void {
    this.#bytes.set(id, bytes);
    this.#size += bytes.length;
    for (const [oldest, { length }] of this.#bytes) {
      if (this.#size <= this.limit) return;
      this.#bytes.delete(oldest);
      this.#size -= length;
    }
  }
}
