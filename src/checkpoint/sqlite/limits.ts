import type { RunId } from "../../contracts/ids.js";
import type { JsonValue } from "../../contracts/json-value.js";
import type { LimitEntry, LimitStore } from "../ports.js";
import type { Ground } from "./ground.js";
import { damaged, sumOf } from "./sums.js";

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

export function limitStore({ database, writer, cells, path }: Ground): LimitStore {
  const find = (key: string) => cells.find(key);
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
    readAll: (prefix) => cells.findAll(prefix),
    change: (keys, evolve) =>
      writer.write(() => {
        const before = keys.map(find);
        const { cells: after = before, entries = [], result } = evolve(before);
        for (const [index, key] of keys.slice(0, after.length).entries()) if (after[index] !== before[index]) cells.put(key, after[index]);
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

export function entrySum({ kind, key, run_id, body, at }: EntryRow): number {
  return sumOf(kind, key, run_id, body, at);
}

function entryOf({ kind, key, run_id, body, at }: EntryRow): LimitEntry {
  return { kind, key, ...(run_id === null ? {} : { runId: run_id as RunId }), body: JSON.parse(body) as JsonValue, at };
}
