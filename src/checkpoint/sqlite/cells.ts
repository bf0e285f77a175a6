import type { Database } from "better-sqlite3";
import { deepFreeze } from "../../contracts/json.js";
import type { JsonValue } from "../../contracts/json-value.js";
import { OutsideChanges } from "./outside-changes.js";
import { damaged, sumOf } from "./sums.js";

export interface CellRow {
  readonly key: string;
  readonly body: string;
  readonly sum: number;
}

type Cell = JsonValue | undefined;

/** So many are kept at hand. */
const KNOWN = 1_000;

/**
 * The cells of the limits. Within a transaction a cell is changed in memory and written once at its end: fifty calls that
 * reserve from one budget cost one update. Between transactions it is kept for as long as nobody else writes.
 */
export class Cells {
  readonly #select;
  readonly #selectLike;
  readonly #upsert;
  readonly #remove;
  readonly #outside;
  /** Changed in the transaction under way. */
  readonly #now = new Map<string, Cell>();
  #undo: { readonly key: string; readonly changed: boolean; readonly cell: Cell }[] = [];
  /** As they are on disk. */
  readonly #known = new Map<string, Cell>();

  constructor(
    private readonly database: Database,
    private readonly path: string,
  ) {
    this.#select = database.prepare<[string], CellRow>("SELECT * FROM limit_cells WHERE key = ?");
    this.#selectLike = database.prepare<[string, string], CellRow>("SELECT * FROM limit_cells WHERE key >= ? AND key < ? ORDER BY key");
    this.#upsert = database.prepare(
      "INSERT INTO limit_cells (key, body, sum) VALUES (?, ?, ?) ON CONFLICT (key) DO UPDATE SET body = excluded.body, sum = excluded.sum",
    );
    this.#remove = database.prepare("DELETE FROM limit_cells WHERE key = ?");
    this.#outside = new OutsideChanges(database);
  }

  /** Throws `STORE_DAMAGED` when it is not what was written. */
  find(key: string): Cell {
    if (this.#now.has(key)) return this.#now.get(key);
    if (!this.database.inTransaction) this.#look();
    if (this.#known.has(key)) return this.#known.get(key);
    const row = this.#select.get(key);
    return this.#keep(key, row && this.#read(row));
  }

  /** As they are on disk, in the order of their keys; not for use inside a transaction. */
  findAll(prefix: string): readonly { readonly key: string; readonly cell: JsonValue }[] {
    return this.#selectLike.all(prefix, `${prefix}\uffff`).map((row) => ({ key: row.key, cell: this.#read(row) }));
  }

  /** Inside a transaction; undefined removes the cell. */
  put(key: string, cell: Cell): void {
    this.#undo.push({ key, changed: this.#now.has(key), cell: this.#now.get(key) });
    this.#now.set(key, cell);
  }

  /** A transaction has begun: from here on nobody else writes. */
  begun(): void {
    this.#look();
  }

  mark(): number {
    return this.#undo.length;
  }

  rollback(mark: number): void {
    for (const { key, changed, cell } of this.#undo.splice(mark).reverse()) {
      if (changed) this.#now.set(key, cell);
      else this.#now.delete(key);
    }
  }

  /** Writes what has changed; the last thing in a transaction. */
  flush(): void {
    for (const [key, cell] of this.#now) {
      const body = cell === undefined ? undefined : JSON.stringify(cell);
      if (body === undefined) this.#remove.run(key);
      else this.#upsert.run(key, body, sumOf(key, body));
      this.#now.set(key, body === undefined ? undefined : parse(body)); // what somebody else would read
    }
  }

  committed(): void {
    for (const [key, cell] of this.#now) this.#keep(key, cell);
    this.#forget();
  }

  aborted(): void {
    this.#forget();
    this.#known.clear();
  }

  #look(): void {
    if (this.#known.size > 0 && this.#outside.noticed()) this.#known.clear();
  }

  #forget(): void {
    this.#now.clear();
    this.#undo = [];
  }

  #keep(key: string, cell: Cell): Cell {
    if (this.#known.size >= KNOWN) this.#known.clear();
    this.#known.set(key, cell);
    return cell;
  }

  #read(row: CellRow): JsonValue {
    if (row.sum === cellSum(row)) return parse(row.body);
    throw damaged({ path: this.path, where: "limit_cells" }, `the cell "${row.key}" is not what was written`);
  }
}

export function cellSum({ key, body }: CellRow): number {
  return sumOf(key, body);
}

function parse(body: string): JsonValue {
  return deepFreeze(JSON.parse(body) as JsonValue);
}
