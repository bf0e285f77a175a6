import type { Database } from "better-sqlite3";

/** Tells whether another connection, of this process or another one, has changed the file: then what is kept in memory counts no more. */
export class OutsideChanges {
  readonly #select;
  #seen: number | undefined;

  constructor(database: Database) {
    this.#select = database.prepare<[], number>("PRAGMA data_version").pluck();
  }

  /** True when somebody has since the last look. Within a transaction that writes nobody can. */
  noticed(): boolean {
    const version = this.#select.get() as number;
    const changed = version !== this.#seen;
    this.#seen = version;
    return changed;
  }
}
