import type { Database } from "better-sqlite3";
import type { StoreProblem } from "../ports.js";
import type { Anchor, Head } from "./anchor.js";
import { damaged, sumOf } from "./sums.js";

/** An anchor may be this many commits behind and still be compared. */
const KEPT = 4096;
const MODULUS = 1n << 256n;

interface Row {
  readonly seq: number;
  readonly digest: string;
}

/**
 * The store's head: a digest of the seals of all runs, each a SHA-256, added up modulo 2^256 (an additive multiset hash:
 * Bellare & Micciancio 1997), so that a change costs the same however many runs there are.
 */
export class Heads {
  readonly #newest;
  readonly #at;
  readonly #insert;
  readonly #forget;
  readonly #store: string;
  #unwritten: Head | undefined;

  constructor(
    database: Database,
    readonly anchor: Anchor | undefined,
  ) {
    this.#newest = database.prepare<[], Row>("SELECT seq, digest FROM heads ORDER BY seq DESC LIMIT 1");
    this.#at = database.prepare<[number], Row>("SELECT seq, digest FROM heads WHERE seq = ?");
    this.#insert = database.prepare("INSERT INTO heads (seq, digest, sum) VALUES (?, ?, ?)");
    this.#forget = database.prepare("DELETE FROM heads WHERE seq <= ?");
    this.#store = database.prepare<[], string>("SELECT value FROM store_facts WHERE name = 'id'").pluck().get() as string;
  }

  /** Adds a commit; inside its transaction. */
  advance(changes: readonly { readonly from: string | undefined; readonly to: string | undefined }[]): void {
    const { seq, digest } = this.#current();
    const next = changes.reduce((sum, { from, to }) => sum + term(to) - term(from), BigInt(`0x${digest}`));
    const commit = seq + 1;
    const text = hex(next);
    this.#insert.run(commit, text, sumOf(commit, text));
    this.#forget.run(commit - KEPT);
    this.#unwritten = { store: this.#store, commit, digest: text };
  }

  /** Tells the anchor; after the commit is on disk. */
  publish(): void {
    try {
      if (this.#unwritten) this.anchor?.write(this.#unwritten);
    } catch {
      // What is committed is committed. The anchor is behind until the next commit.
    }
    this.#unwritten = undefined;
  }

  /** The commit was undone. */
  forget(): void {
    this.#unwritten = undefined;
  }

  /** Takes the store as it stands for what it should be. */
  accept(): void {
    this.anchor?.accept(this.newest);
  }

  get newest(): Head {
    const { seq, digest } = this.#current();
    return { store: this.#store, commit: seq, digest };
  }

  get digest(): string {
    return this.#current().digest;
  }

  /** What the anchor says about the store. */
  compare(): { readonly anchor: "holds" | "ahead" | "missing" | "none"; readonly problem: StoreProblem | undefined } {
    const { anchor } = this;
    if (!anchor) return { anchor: "none", problem: undefined };
    const known = anchor.read();
    const current = this.#current();
    const { seq } = current;
    const ahead = (message: string) => ({ anchor: "ahead", problem: { where: "anchor", message } }) as const;
    if (!known) {
      if (seq === 0) return { anchor: "holds", problem: undefined };
      return {
        anchor: "missing",
        problem: { where: "anchor", message: `there is no anchor at ${anchor.location}; a lost tail cannot be excluded` },
      };
    }
    if (known.store !== this.#store)
      return ahead(`${anchor.location} is the anchor of another store: this one was made anew in its place, or it was cut to nothing`);
    if (known.commit > seq)
      return ahead(`the store ends with commit ${seq}, but ${anchor.location} has seen commit ${known.commit}: its newest writes are lost`);
    if (known.commit < seq - KEPT) return { anchor: "holds", problem: undefined };
    const same = (known.commit === seq ? current : this.#at.get(known.commit))?.digest === known.digest;
    if (!same)
      return ahead(`commit ${known.commit} is not the one that ${anchor.location} has seen: something else was written in its place`);
    return { anchor: "holds", problem: undefined };
  }

  close(): void {
    this.anchor?.close();
  }

  #current(): Row {
    return this.#newest.get() ?? { seq: 0, digest: hex(0n) };
  }
}

/** A store that has lost its tail would do again what it has forgotten. Throws `STORE_DAMAGED`. */
export function refuseCutOff({ heads, path }: { readonly heads: Heads; readonly path: string }): void {
  const { anchor, problem } = heads.compare();
  if (anchor === "ahead" && problem) throw damaged({ path, where: "anchor" }, problem.message);
}

/** The sum of all seals, as `advance` keeps it. */
export function digestOf(seals: Iterable<string>): string {
  let sum = 0n;
  for (const seal of seals) sum += term(seal);
  return hex(sum);
}

function term(seal: string | undefined): bigint {
  return seal === undefined ? 0n : BigInt(`0x${seal}`);
}

function hex(sum: bigint): string {
  return (((sum % MODULUS) + MODULUS) % MODULUS).toString(16).padStart(64, "0");
}
