import SqliteDatabase, { type Database } from "better-sqlite3";
import { type Ground, groundOf } from "./ground.js";

/** A store as it stands at one moment, to be read while others write to it. */
export interface Snapshot extends Pick<Ground, "path" | "database" | "rows" | "contents" | "checkpoints" | "threads"> {
  close(): void;
}

/** Everything that was asked to be written before is in it. */
export async function snapshotOf({ path, database, writer }: Pick<Ground, "path" | "database" | "writer">): Promise<Snapshot> {
  await writer.write(() => {});
  const still = stillOf(path, database);
  return { ...groundOf(still, path, undefined), close: () => void still.close() };
}

/** A file is read in one transaction, on a connection of its own; memory has only one, so it is copied. */
export function stillOf(path: string, database: Database): Database {
  if (database.memory) return new SqliteDatabase(database.serialize());
  return stillFile(path);
}

/** Throws what SQLite says about a file that it cannot read. */
export function stillFile(path: string): Database {
  const still = new SqliteDatabase(path, { readonly: true, fileMustExist: true });
  try {
    still.exec("BEGIN");
    still.pragma("user_version"); // the first read decides which moment it is
    return still;
  } catch (thrown) {
    still.close();
    throw thrown;
  }
}
