import { randomUUID } from "node:crypto";
import type { Database } from "better-sqlite3";

/** A sweep that has not been heard of for so long is over: its process died. */
const SWEEP_MS = 60_000;

/** The right to take contents away: none up to this id that nobody refers to is referred to anew while it lasts. */
export interface Sweep {
  readonly upTo: number;
  readonly token: string;
}

/**
 * What processes on the same file tell each other about rows that were taken away. Everyone looks here before using what it
 * keeps in memory, and `Contents` reuses nothing that a sweep may be about to take.
 */
export class Prunes {
  readonly #count;
  readonly #add;
  readonly #sweep;
  readonly #setSweep;
  readonly #endSweep;
  #seen: string | undefined;

  constructor(
    database: Database,
    private readonly forget: () => void,
  ) {
    this.#count = database.prepare<[], string>("SELECT value FROM store_facts WHERE name = 'pruned'").pluck();
    this.#add = database.prepare(
      "INSERT INTO store_facts (name, value) VALUES ('pruned', '1') ON CONFLICT (name) DO UPDATE SET value = CAST(value + 1 AS TEXT)",
    );
    this.#sweep = database.prepare<[], string>("SELECT value FROM store_facts WHERE name = 'sweep'").pluck();
    this.#setSweep = database.prepare(
      "INSERT INTO store_facts (name, value) VALUES ('sweep', ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
    );
    this.#endSweep = database.prepare("DELETE FROM store_facts WHERE name = 'sweep'");
    this.#seen = this.#count.get() as string | undefined;
  }

  /** Forgets what may be gone. True when something was taken away since the last look. */
  notice(): boolean {
    const count = this.#count.get() as string | undefined;
    if (count === this.#seen) return false;
    this.#seen = count;
    this.forget();
    return true;
  }

  /** The first thing in each transaction that writes. */
  begun(): void {
    this.notice();
    const sweep = parse(this.#sweep.get() as string | undefined);
    if (!sweep) return;
    this.forget(); // of what is kept in memory nobody can tell what the sweep is about to take
    if (sweep.until < Date.now()) this.#endSweep.run(); // only the row counts: whoever swept sees that it is gone
  }

  /** Rows are taken away; inside the transaction that does. */
  took(): void {
    this.#add.run();
  }

  /** Inside a transaction; whoever sweeps already stops. Ids that others keep in memory are forgotten, since they would not ask again. */
  beginSweep(upTo: number): Sweep {
    this.took();
    const sweep = { upTo, token: randomUUID() };
    this.#setSweep.run(format(sweep));
    return sweep;
  }

  /** Inside a transaction: false when the sweep is over. Prolongs it otherwise. */
  goOn(sweep: Sweep): boolean {
    if (parse(this.#sweep.get() as string | undefined)?.token !== sweep.token) return false;
    this.#setSweep.run(format(sweep));
    return true;
  }

  /** Inside a transaction. */
  endSweep(sweep: Sweep): void {
    if (this.goOn(sweep)) this.#endSweep.run();
  }
}

/** Begins with the id, so that SQL can cast it to a number. */
function format({ upTo, token }: Sweep): string {
  return `${upTo} ${token} ${Date.now() + SWEEP_MS}`;
}

function parse(value: string | undefined): { readonly token: string; readonly until: number } | undefined {
  if (value === undefined) return undefined;
  const [, token = "", until = ""] = value.split(" ");
  return { token, until: Number(until) };
}
