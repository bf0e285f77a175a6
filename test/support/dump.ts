import SqliteDatabase from "better-sqlite3";

/** All rows of all tables of a SQLite file, its schema and whether its structure is sound, as text: two files that say the same have the same dump. */
export function dumpOf(path: string, except: readonly string[] = []): string {
  const database = new SqliteDatabase(path);
  try {
    const schema = database
      .prepare<[], { name: string; sql: string | null; type: string }>("SELECT type, name, sql FROM sqlite_schema ORDER BY type, name")
      .all();
    const tables = schema.filter(({ type, name }) => type === "table" && !except.includes(name));
    const lines = tables.flatMap(({ name }) => {
      const rows = database.prepare(`SELECT * FROM "${name}" NOT INDEXED`).raw().all() as unknown[][];
      return [name, ...rows.map((row) => JSON.stringify(row.map(textOf))).toSorted()];
    });
    const structure = JSON.stringify(database.pragma("integrity_check(1)"));
    return [structure, JSON.stringify(schema), `user_version ${String(database.pragma("user_version", { simple: true }))}`, ...lines].join(
      "\n",
    );
  } finally {
    database.close();
  }
}

function textOf(value: unknown): unknown {
  return Buffer.isBuffer(value) ? `x'${value.toString("hex")}'` : value;
}
