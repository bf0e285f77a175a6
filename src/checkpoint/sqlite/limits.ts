import type { RunId } from "../../contracts/ids.js";
import type { JsonValue } from "../../contracts/json-value.js";
import type { LimitEntry, LimitStore } from "../ports.js";
import type { Ground } from "./ground.js";
import { damaged, sumOf } from "./sums.js";

export interface CellRow {
  readonly key: string;
  readonly body: string;
  readonly sum: number;
}

export interface EntryRow {
  readonly seq: number;
  readonly kind: LimitEntry["kind"];
  readonly key: string;
  readonly run_id: string | null;
  readonly body: string;
  readonly at: string;
  readonly sum: number;
}

const DEFAULT_LIMIT = 1_000;

/** The statements behind cells; transactions are the caller's. */
export function limitCells({ database, path }: Pick<Ground, "database" | "path">) {
  const select = database.prepare<[string], CellRow>("SELECT * FROM limit_cells WHERE key = ?");
  const upsert = database.prepare(
    "INSERT INTO limit_cells (key, body, sum) VALUES (?, ?, ?) ON CONFLICT (key) DO UPDATE SET body = excluded.body, sum = excluded.sum",
  );
  const remove = database.prepare("DELETE FROM limit_cells WHERE key = ?");
  const cellOf = (row: CellRow): JsonValue => {
    if (row.sum !== cellSum(row)) throw damaged({ path, where: "limit_cells" }, `the cell "${row.key}" is not what was written`);
    return JSON.parse(row.body) as JsonValue;
  };
  return {
    cellOf,
    find(key: string): JsonValue | undefined {
      const row = select.get(key);
      return row && cellOf(row);
    },
    put(key: string, cell: JsonValue | undefined): void {
      if (cell === undefined) remove.run(key);
      else {
        const body = JSON.stringify(cell);
        upsert.run(key, body, sumOf(key, body));
      }
    },
  };
}

export function limitStore({ database, writer, path }: Ground): LimitStore {
  const { cellOf, find, put } = limitCells({ database, path });
  const selectLike = database.prepare<[string, string], CellRow>("SELECT * FROM limit_cells WHERE key >= ? AND key < ? ORDER BY key");
  const insert = database.prepare("INSERT INTO limit_log (kind, key, run_id, body, at, sum) VALUES (?, ?, ?, ?, ?, ?)");
  const append = ({
    kind,
    key,
    runId = null,
    body,
    at,
  }: Omit<LimitEntry, "runId"> & { readonly runId?: RunId | null | undefined }): void => {
    const columns = [kind, key, runId, JSON.stringify(body), at] as const;
    insert.run(...columns, sumOf(...columns));
  };

  return {
    read: (keys) => keys.map(find),
    readAll: (prefix) => selectLike.all(prefix, `${prefix}\uffff`).map((row) => ({ key: row.key, cell: cellOf(row) })),
    change: (keys, evolve) =>
      writer.write(() => {
        const before = keys.map(find);
        const { cells, entries = [], result } = evolve(before);
        for (const [index, cell] of (cells ?? []).entries()) {
          const key = keys[index];
          if (key !== undefined && cell !== before[index]) put(key, cell);
        }
        for (const entry of entries) append(entry);
        return result;
      }),
    list({ kind, key, runId, since, limit = DEFAULT_LIMIT }) {
      const conditions: [string, string | undefined][] = [
        ["kind = ?", kind],
        ["key = ?", key],
        ["run_id = ?", runId],
        ["at >= ?", since],
      ];
      const given = conditions.filter(([, value]) => value !== undefined);
      const where = given.map(([condition]) => condition).join(" AND ");
      const found = database
        .prepare<unknown[], EntryRow>(`SELECT * FROM limit_log WHERE ${where} ORDER BY seq DESC LIMIT ?`)
        .all(...given.map(([, value]) => value), limit);
      return found.reverse().map((row) => {
        if (row.sum !== entrySum(row))
          throw damaged({ path, where: "limit_log" }, `entry ${row.seq} of the log of limits is not what was written`);
        return entryOf(row);
      });
    },
  };
}

export function cellSum({ key, body }: CellRow): number {
  return sumOf(key, body);
}

export function entrySum({ kind, key, run_id, body, at }: EntryRow): number {
  return sumOf(kind, key, run_id, body, at);
}

function entryOf({ kind, key, run_id, body, at }: EntryRow): LimitEntry {
  return { kind, key, ...(run_id === null ? {} : { runId: run_id as RunId }), body: JSON.parse(body) as JsonValue, at };
}
